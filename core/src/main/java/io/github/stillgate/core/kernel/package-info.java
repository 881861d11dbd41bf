/**
 * The floor: what a backend must do, how weights lie in memory, and in which order sums are formed.
 *
 * <p>A step is cut into <b>select, multiply, finish</b>. {@link
 * io.github.stillgate.core.kernel.ActiveSet} says what is live; a pack ({@link
 * io.github.stillgate.core.kernel.PackedRows}) multiplies itself; a {@link
 * io.github.stillgate.core.kernel.Cells cell} finishes the units. Backends know packs and cells,
 * never layers.
 *
 * <p>Every backend gives the same bits: the order of each sum is fixed by the pack's layout ({@link
 * io.github.stillgate.core.kernel.RowLayout}, {@link io.github.stillgate.core.kernel.BlockLayout})
 * and elementary functions are the polynomials of {@link
 * io.github.stillgate.core.kernel.Elementary}, followed operation by operation.
 *
 * <p>Kernels trust their arguments: shapes, alignment and finiteness are checked where a plan is
 * compiled and where a session is stepped. All memory is off-heap and 64-byte aligned, and all
 * extents are padded to {@link io.github.stillgate.core.kernel.RowLayout#LANES}, so kernels have no
 * tails.
 *
 * <p><b>Padding.</b> Elements behind the last one of a vector, a row or a set of rows have memory
 * and no meaning. Packs are +0 there, and so is every vector that a pack multiplies: what a layer
 * reads, its state, what it gives. Cells may read and write the padding of what they are given;
 * they leave finite numbers there if they find finite numbers, and +0 if they find +0, unless the
 * function of a cell is not 0 at 0 (then the stage clears it). The first n elements of a result
 * never depend on padding, and no index of padding is ever selected.
 */
@NullMarked
package io.github.stillgate.core.kernel;

import org.jspecify.annotations.NullMarked;
