/**
 * Sound on its way to a network and back, one frame at a time: {@link
 * io.github.stillgate.audio.WavReader} and {@link io.github.stillgate.audio.WavWriter}, {@link
 * io.github.stillgate.audio.Stft} and {@link io.github.stillgate.audio.InverseStft} over {@link
 * io.github.stillgate.audio.RealFft}, {@link io.github.stillgate.audio.LogMel}, and {@link
 * io.github.stillgate.audio.Resampler}.
 *
 * <p>Samples are float32, full scale from -1 to 1. What is called for each frame allocates nothing.
 * Every class here serves one stream and one thread at a time, unless it says that it is immutable.
 */
@NullMarked
package io.github.stillgate.audio;

import org.jspecify.annotations.NullMarked;
