/**
 * Spelling to phonemes: a PyTorch encoder-decoder is imported, its encoder reads a word letter by
 * letter, and its last state starts the decoder.
 */
@NullMarked
package io.github.stillgate.examples.g2p;

import org.jspecify.annotations.NullMarked;
