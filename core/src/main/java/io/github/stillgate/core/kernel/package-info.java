/**
 * The floor: what a backend must do, how weights lie in memory, and in which order sums are formed.
 * It knows nobody above it.
 *
 * <p>A step is cut into <b>select, multiply, finish</b>. An {@link
 * io.github.stillgate.core.kernel.ActiveSet} says what is live, never why. An {@link
 * io.github.stillgate.core.kernel.Operand} is a vector on its way into packs. A {@link
 * io.github.stillgate.core.kernel.Pack} is immutable and shared, and multiplies itself; bound to
 * the operands of one stream it gives a {@link io.github.stillgate.core.kernel.Product}, which owns
 * that stream's sums and scratch. {@link io.github.stillgate.core.kernel.VectorOps Vector
 * operations} and {@link io.github.stillgate.core.kernel.Cells cells} composed of them finish the
 * units. Backends know packs and vectors, never layers.
 *
 * <p>Every backend returns the same bits: the order of each sum is an argument of packing ({@link
 * io.github.stillgate.core.kernel.SumOrder}), as is the format of the weights ({@link
 * io.github.stillgate.core.kernel.WeightFormat}), and elementary functions are the polynomials of
 * {@link io.github.stillgate.core.kernel.Elementary}, followed operation by operation.
 *
 * <p>Kernels trust their arguments: shapes, alignment and finiteness are checked where a plan is
 * compiled and where a session is stepped. All memory is off-heap, 64-byte aligned and padded to
 * {@link io.github.stillgate.core.kernel.Lanes#COUNT}, so kernels have no tails. With assertions
 * enabled a {@link io.github.stillgate.core.kernel.CheckedBackend} stands before each backend and
 * looks after what kernels trust.
 *
 * <p><b>Padding.</b> Elements after the last one of a vector or a row of sums have memory and no
 * meaning. Packs are +0 there, and so is every operand. Operations may read and write the padding
 * of what they are given; they leave finite numbers there if they find finite numbers, and +0 if
 * they find +0, unless the function is not 0 at 0 (then the stage clears it). The first n elements
 * of a result never depend on padding, and no index of padding is ever selected.
 *
 * <p><b>Scratch.</b> A kernel writes its outputs and the scratch it was given, nothing else.
 * Inputs, sums among them, stay as they are, and a sum that no row belongs to stays +0.
 */
@NullMarked
package io.github.stillgate.core.kernel;

import org.jspecify.annotations.NullMarked;
