package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Lanes.BYTES;
import static io.github.stillgate.kernel.vector.Lanes.ORDER;
import static io.github.stillgate.kernel.vector.Lanes.SPECIES;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.PackedPanels;
import io.github.stillgate.core.kernel.PanelLayout;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Panels two registers of rows at a time; chains of neighbouring panels overlap in the CPU. */
final class VectorPanels extends PackedPanels {
  private static final int PANEL_BYTES = 4 * PanelLayout.PANEL_ROWS;

  private final MemorySegment weights;

  VectorPanels(PanelLayout layout, MemorySegment weights) {
    super(layout);
    this.weights = weights;
  }

  @Override
  public void multiply(MemorySegment vector, MemorySegment sums) {
    int columns = layout().columns();
    int panels = layout().panels();
    for (int panel = 0; panel < panels; panel++) {
      for (int lanes = 0; lanes < PANEL_BYTES; lanes += 2 * BYTES) {
        sumTwo(
            (long) panel * columns * PANEL_BYTES + lanes,
            columns,
            vector,
            sums,
            (long) panel * PANEL_BYTES + lanes);
      }
    }
  }

  private void sumTwo(long at, int columns, MemorySegment vector, MemorySegment sums, long to) {
    FloatVector a = FloatVector.zero(SPECIES);
    FloatVector b = FloatVector.zero(SPECIES);
    for (int column = 0; column < columns; column++) {
      FloatVector x = FloatVector.broadcast(SPECIES, vector.getAtIndex(JAVA_FLOAT, column));
      long columnAt = at + (long) column * PANEL_BYTES;
      a = FloatVector.fromMemorySegment(SPECIES, weights, columnAt, ORDER).fma(x, a);
      b = FloatVector.fromMemorySegment(SPECIES, weights, columnAt + BYTES, ORDER).fma(x, b);
    }
    a.intoMemorySegment(sums, to, ORDER);
    b.intoMemorySegment(sums, to + BYTES, ORDER);
  }
}
