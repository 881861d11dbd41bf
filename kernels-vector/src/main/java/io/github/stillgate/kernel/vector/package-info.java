/**
 * Kernels on {@code jdk.incubator.vector}.
 *
 * <p>Rules every kernel here keeps, for speed and so that steps allocate nothing: species are
 * {@code static final}; a vector never crosses a call that may not be inlined; a kernel is one
 * method, small enough to inline and called often; memory is off-heap and 64-byte aligned.
 */
@NullMarked
package io.github.stillgate.kernel.vector;

import org.jspecify.annotations.NullMarked;
