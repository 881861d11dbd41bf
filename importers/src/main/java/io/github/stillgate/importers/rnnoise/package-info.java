/** RNNoise's {@code .rnnn} files. */
@NullMarked
package io.github.stillgate.importers.rnnoise;

import org.jspecify.annotations.NullMarked;
