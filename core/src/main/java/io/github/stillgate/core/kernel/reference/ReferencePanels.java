package io.github.stillgate.core.kernel.reference;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.PackedPanels;
import io.github.stillgate.core.kernel.PanelLayout;
import java.lang.foreign.MemorySegment;

/** Panels summed as {@link PanelLayout} says, one row's chain after the other. */
final class ReferencePanels extends PackedPanels {
  private final MemorySegment weights;

  ReferencePanels(PanelLayout layout, MemorySegment weights) {
    super(layout);
    this.weights = weights;
  }

  @Override
  public void multiply(MemorySegment vector, MemorySegment sums) {
    int columns = layout().columns();
    for (int panel = 0; panel < layout().panels(); panel++) {
      long panelAt = (long) panel * columns * PanelLayout.PANEL_ROWS;
      for (int lane = 0; lane < PanelLayout.PANEL_ROWS; lane++) {
        float sum = 0;
        for (int column = 0; column < columns; column++) {
          float weight =
              weights.getAtIndex(JAVA_FLOAT, panelAt + column * PanelLayout.PANEL_ROWS + lane);
          sum = Math.fma(weight, vector.getAtIndex(JAVA_FLOAT, column), sum);
        }
        sums.setAtIndex(JAVA_FLOAT, panel * PanelLayout.PANEL_ROWS + lane, sum);
      }
    }
  }
}
