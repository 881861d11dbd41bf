package io.github.stillgate.kernel.ffm;

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

/** Kernels in C. Usable where the build had a compiler and the CPU has fused multiply-add. */
public final class NativeBackend implements Backend {
  /** For {@link java.util.ServiceLoader}. */
  public NativeBackend() {}

  @Override
  public String name() {
    return "native";
  }

  @Override
  public int preference() {
    return 200;
  }

  @Override
  public Availability availability() {
    return NativeLibrary.availability();
  }

  @Override
  public PackedRows packRows(RowGroups rows, Arena memory) {
    RowLayout layout = RowLayout.of(rows);
    return new NativeRows(layout, layout.pack(rows, memory), memory);
  }

  @Override
  public PackedPanels packPanels(DenseMatrix panels, Arena memory) {
    PanelLayout layout = new PanelLayout(panels.rows(), panels.columns());
    return new NativePanels(layout, layout.pack(panels, memory));
  }

  @Override
  public Cells cells() {
    return NativeCells.INSTANCE;
  }

  /**
   * Whether the calling thread flushes denormals or treats them as zero, which changes bits. Java
   * never sets this; a native library in the same process may.
   *
   * @throws IllegalStateException if the backend is not usable
   */
  public static boolean threadFlushesDenormals() {
    return Kernels.flushesDenormals();
  }
}
