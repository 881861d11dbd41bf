package io.github.stillgate.core.kernel;

import java.lang.foreign.Arena;

/**
 * A backend that looks after what kernels trust: it checks the arguments of each call and what was
 * written, and otherwise leaves everything to the backend it stands before. It throws {@link
 * AssertionError}, since every breach is the library's own fault, and allocates nothing in a call
 * that finds none.
 */
public final class CheckedBackend implements Backend {
  private final Backend backend;
  private final VectorOps vectors;
  private final Cells cells;

  private CheckedBackend(Backend backend) {
    this.backend = backend;
    this.vectors = new CheckedVectors(backend.vectors());
    this.cells = new CheckedCells(backend.cells());
  }

  /** {@code backend}, which must be usable, with checks before and after each call. */
  public static Backend of(Backend backend) {
    return backend instanceof CheckedBackend ? backend : new CheckedBackend(backend);
  }

  @Override
  public String name() {
    return backend.name();
  }

  @Override
  public int preference() {
    return backend.preference();
  }

  @Override
  public Availability availability() {
    return backend.availability();
  }

  @Override
  public Pack over(PackedWeights weights, Arena arena) {
    return new CheckedPack(backend.over(weights, arena));
  }

  @Override
  public VectorOps vectors() {
    return vectors;
  }

  @Override
  public Cells cells() {
    return cells;
  }
}
