/** Kernels in C through Panama FFM, and the system BLAS for dense baselines. */
@NullMarked
package io.github.stillgate.kernel.ffm;

import org.jspecify.annotations.NullMarked;
