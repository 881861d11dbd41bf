package io.github.stillgate.kernel.ffm;

import io.github.stillgate.core.kernel.Availability;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackedWeights;
import io.github.stillgate.core.kernel.VectorOps;
import java.lang.foreign.Arena;
import java.util.List;

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
    return NativeLibrary.loaded().availability();
  }

  @Override
  public Pack over(PackedWeights weights, Arena arena) {
    return switch (weights.layout().order()) {
      case INTERLEAVED -> new NativeRows(weights, arena);
      case CHAIN -> new NativePanels(weights, arena);
      case TILES -> new NativeTiles(weights, arena);
      case ROWS -> new NativeIntegerRows(weights, arena);
    };
  }

  @Override
  public VectorOps vectors() {
    return NativeVectors.INSTANCE;
  }

  @Override
  public Cells cells() {
    return NativeCells.INSTANCE;
  }

  /**
   * How the floating-point control of the calling thread differs from what Java promises, in words,
   * one an element; empty where it does not. Each difference changes bits. Java never sets any; a
   * native library in the same process may leave them behind: results or operands that are denormal
   * flushed to zero, another rounding mode, an unmasked exception, any other control bit. Flags of
   * exceptions that have occurred are no difference.
   *
   * @throws IllegalStateException if the backend is not usable
   */
  public static List<String> threadDeviations() {
    return FloatEnvironment.deviations(environment());
  }

  /**
   * Whether the calling thread flushes denormals or treats them as zero, which is part of {@link
   * #threadDeviations}.
   *
   * @throws IllegalStateException if the backend is not usable
   */
  public static boolean threadFlushesDenormals() {
    return FloatEnvironment.flushes(environment());
  }

  private static long environment() {
    if (NativeLibrary.loaded().availability() instanceof Availability.Unusable unusable) {
      throw new IllegalStateException(unusable.toString());
    }
    return Kernels.floatEnvironment();
  }
}
