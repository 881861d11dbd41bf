package io.github.stillgate.core.kernel.reference;

import io.github.stillgate.core.kernel.Availability;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BlockLayout;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.GroupLayout;
import io.github.stillgate.core.kernel.PackedRows;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

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
    GroupLayout layout = GroupLayout.of(rows);
    MemorySegment weights = layout.pack(rows, memory);
    return switch (layout) {
      case RowLayout l -> new ReferenceRows(l, weights);
      case BlockLayout l -> new ReferenceBlocks(l, weights);
    };
  }

  @Override
  public Cells cells() {
    return CELLS;
  }
}
