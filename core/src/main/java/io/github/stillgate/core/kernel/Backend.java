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
 * shared; the memory handed to one multiplication or cell belongs to one thread at a time.
 */
public interface Backend {
  /** Name as used by {@code -Dstillgate.backend} and in reports: a single lower-case word. */
  String name();

  /** Rank among usable backends when none is asked for; the highest wins. */
  int preference();

  /** Whether this backend runs here, and if not, why and what to do. The answer never changes. */
  Availability availability();

  /** Copies {@code rows} into their {@link GroupLayout}, allocated from {@code memory}. */
  PackedRows packRows(RowGroups rows, Arena memory);

  /** Selection and the elementwise ends of layers. */
  Cells cells();
}
