package io.github.stillgate.core.kernel.reference;

import io.github.stillgate.core.kernel.Availability;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.DenseMatrix;
import io.github.stillgate.core.kernel.PackedPanels;
import io.github.stillgate.core.kernel.PackedRows;
import io.github.stillgate.core.kernel.PanelLayout;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.Arena;

/** Plain Java. Always usable; the others are measured and tested against it. */
public final class ReferenceBackend implements Backend {
  private static final Cells CELLS = new ReferenceCells();

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
  public PackedRows packRows(RowGroups rows, Arena memory) {
    RowLayout layout = RowLayout.of(rows);
    return new ReferenceRows(layout, layout.pack(rows, memory));
  }

  @Override
  public PackedPanels packPanels(DenseMatrix panels, Arena memory) {
    PanelLayout layout = new PanelLayout(panels.rows(), panels.columns());
    return new ReferencePanels(layout, layout.pack(panels, memory));
  }

  @Override
  public Cells cells() {
    return CELLS;
  }
}
