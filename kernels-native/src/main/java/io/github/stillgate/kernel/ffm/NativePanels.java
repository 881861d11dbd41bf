package io.github.stillgate.kernel.ffm;

import io.github.stillgate.core.kernel.PackedPanels;
import io.github.stillgate.core.kernel.PanelLayout;
import java.lang.foreign.MemorySegment;

/** Panels multiplied by {@code sg_multiply_panels}. */
final class NativePanels extends PackedPanels {
  private final long weights;

  NativePanels(PanelLayout layout, MemorySegment weights) {
    super(layout);
    this.weights = weights.address();
  }

  @Override
  public void multiply(MemorySegment vector, MemorySegment sums) {
    Kernels.multiplyPanels(
        weights, layout().panels(), layout().columns(), vector.address(), sums.address());
  }
}
