package io.github.stillgate.core.kernel;

import java.lang.foreign.Arena;

/**
 * One implementation of all kernels. Found by {@link java.util.ServiceLoader}; see {@link
 * BackendRegistry}.
 *
 * <p>A provider must be loadable wherever its jar is, and answer {@link #availability} without
 * touching what may be missing. Every other method may be called only when it is usable.
 *
 * <p>Backends are stateless and safe for any number of threads. Packs are immutable and may be
 * shared; the memory handed to one kernel belongs to one thread at a time, but for what a {@link
 * Pack} says of positions.
 */
public interface Backend {
  /** Name as used by {@code -Dstillgate.backend} and in reports: a single lower-case word. */
  String name();

  /** Rank among usable backends when none is asked for; the highest wins. */
  int preference();

  /** Whether this backend runs here, and if not, why and what to do. The answer never changes. */
  Availability availability();

  /**
   * The kernel for packed weights, one for each order and format.
   *
   * @param arena for tables of its own; lives as long as the weights
   */
  Pack over(PackedWeights weights, Arena arena);

  /** Copies {@code rows} into a pack that lives as long as {@code arena}. */
  default Pack pack(RowGroups rows, SumOrder order, WeightFormat format, Arena arena) {
    return over(PackedWeights.of(rows, order, format, arena), arena);
  }

  /** Selection and elementwise operations. */
  VectorOps vectors();

  /**
   * The elementwise ends of layers: composed of {@link #vectors}, unless the backend has some in
   * one piece, with the same bits.
   */
  default Cells cells() {
    return new ComposedCells(vectors());
  }
}
