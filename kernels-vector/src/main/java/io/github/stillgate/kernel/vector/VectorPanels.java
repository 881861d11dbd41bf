package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Lanes.BYTES;
import static io.github.stillgate.kernel.vector.Lanes.ORDER;
import static io.github.stillgate.kernel.vector.Lanes.SPECIES;
import static io.github.stillgate.kernel.vector.Memory.ALL;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.PackedPanels;
import io.github.stillgate.core.kernel.PanelLayout;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Panels two registers of rows at a time; chains of neighbouring panels overlap in the CPU. */
final class VectorPanels extends PackedPanels {
  private static final int PANEL_BYTES = 4 * PanelLayout.PANEL_ROWS;

  private final long weights;

  VectorPanels(PanelLayout layout, MemorySegment weights) {
    super(layout);
    this.weights = Memory.at(weights);
  }

  @Override
  public void multiply(MemorySegment vector, MemorySegment sums) {
    int columns = layout().columns();
    int panels = layout().panels();
    for (int panel = 0; panel < panels; panel++) {
      for (int lanes = 0; lanes < PANEL_BYTES; lanes += 2 * BYTES) {
        sumTwo(
            weights + (long) panel * columns * PANEL_BYTES + lanes,
            columns,
            Memory.at(vector),
            Memory.at(sums) + (long) panel * PANEL_BYTES + lanes);
      }
    }
  }

  private static void sumTwo(long panel, int columns, long vector, long sums) {
    long w = Memory.at(panel);
    long x = Memory.at(vector);
    long to = Memory.at(sums);
    FloatVector a = FloatVector.zero(SPECIES);
    FloatVector b = FloatVector.zero(SPECIES);
    for (int column = 0; column < columns; column++) {
      FloatVector v = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, x + 4L * column));
      long columnAt = w + (long) column * PANEL_BYTES;
      a = FloatVector.fromMemorySegment(SPECIES, ALL, columnAt, ORDER).fma(v, a);
      b = FloatVector.fromMemorySegment(SPECIES, ALL, columnAt + BYTES, ORDER).fma(v, b);
    }
    a.intoMemorySegment(ALL, to, ORDER);
    b.intoMemorySegment(ALL, to + BYTES, ORDER);
  }
}
