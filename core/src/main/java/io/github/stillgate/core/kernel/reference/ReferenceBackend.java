package io.github.stillgate.core.kernel.reference;

import io.github.stillgate.core.kernel.Availability;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackedWeights;
import io.github.stillgate.core.kernel.VectorOps;
import java.lang.foreign.Arena;

/** Plain Java. Always usable; the others are measured and tested against it. */
public final class ReferenceBackend implements Backend {
  private static final VectorOps VECTORS = new ReferenceVectors();
  private static final Cells CELLS = new ReferenceCells(VECTORS);

  /** For {@link java.util.ServiceLoader}. */
  public ReferenceBackend() {}

  @Override
  public String name() {
    return "reference";
  }

  @Override
  public int preference() {
    return 0;
  }

  @Override
  public Availability availability() {
    return Availability.usable("scalar");
  }

  @Override
  public Pack over(PackedWeights weights, Arena arena) {
    return switch (weights.layout().order()) {
      case INTERLEAVED, CHAIN -> new ReferencePack(weights);
      case TILES -> new ReferenceTiles(weights);
      case ROWS -> new ReferenceIntegerRows(weights);
    };
  }

  @Override
  public VectorOps vectors() {
    return VECTORS;
  }

  @Override
  public Cells cells() {
    return CELLS;
  }
}
