/** Weights files: one safetensors file, mapped and validated, and its writer. */
@NullMarked
package io.github.stillgate.core.weights;

import org.jspecify.annotations.NullMarked;
