package io.github.stillgate.kernel.ffm;

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
    GroupLayout layout = GroupLayout.of(rows);
    MemorySegment weights = layout.pack(rows, memory);
    return switch (layout) {
      case RowLayout l -> new NativeRows(l, weights, memory);
      case BlockLayout l -> new NativeBlocks(l, weights, memory);
    };
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
