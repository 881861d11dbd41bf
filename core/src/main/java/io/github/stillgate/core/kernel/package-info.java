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
 */
@NullMarked
package io.github.stillgate.core.kernel;

import org.jspecify.annotations.NullMarked;
