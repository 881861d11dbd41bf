/**
 * Weights files: one safetensors file, validated, and its writer; what other files are by their
 * first bytes; and files that are written whole or not at all.
 */
@NullMarked
package io.github.stillgate.core.weights;

import org.jspecify.annotations.NullMarked;
