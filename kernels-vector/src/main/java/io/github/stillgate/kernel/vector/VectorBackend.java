package io.github.stillgate.kernel.vector;

import com.sun.management.HotSpotDiagnosticMXBean;
import io.github.stillgate.core.kernel.Availability;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackedWeights;
import io.github.stillgate.core.kernel.VectorOps;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Java SIMD. This class itself touches no vector type, so that it can say what is missing where the
 * incubator module is.
 *
 * <p>Refused wherever it would be slower than the reference: module not resolved, no C2, no fused
 * multiply-add, vectors below 128 bits; and where native access is denied.
 */
public final class VectorBackend implements Backend {
  private static final String MODULE = "jdk.incubator.vector";

  private final Availability availability = find();

  /** For {@link java.util.ServiceLoader}. */
  public VectorBackend() {}

  @Override
  public String name() {
    return "vector";
  }

  @Override
  public int preference() {
    return 100;
  }

  @Override
  public Availability availability() {
    return availability;
  }

  /** A class of its own for each order, format and width: no kernel asks which of them it is. */
  @Override
  public Pack over(PackedWeights weights, Arena arena) {
    return switch (weights.layout().order()) {
      case CHAIN ->
          switch (weights.layout().format()) {
            case F32 -> new VectorPanelsF32(weights);
            case BF16 -> new VectorPanelsBf16(weights);
            case I8 -> throw inTiles();
          };
      case INTERLEAVED ->
          switch (weights.layout().format()) {
            case F32 ->
                switch (Species.BITS) {
                  case 512 -> new VectorRows512F32(weights);
                  case 256 -> new VectorRows256F32(weights);
                  default -> new VectorRows128F32(weights);
                };
            case BF16 ->
                switch (Species.BITS) {
                  case 512 -> new VectorRows512Bf16(weights);
                  case 256 -> new VectorRows256Bf16(weights);
                  default -> new VectorRows128Bf16(weights);
                };
            case I8 -> throw inTiles();
          };
      case TILES -> new VectorTiles(weights);
      case ROWS -> new VectorIntegerRows(weights);
    };
  }

  private static IllegalArgumentException inTiles() {
    return new IllegalArgumentException("int8 is multiplied in tiles");
  }

  @Override
  public VectorOps vectors() {
    return VectorVectors.INSTANCE;
  }

  @Override
  public Cells cells() {
    return VectorCells.INSTANCE;
  }

  private static Availability find() {
    if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
      return Availability.unusable(
          "the module " + MODULE + " is not loaded", "add --add-modules " + MODULE);
    }
    String mode = System.getProperty("java.vm.info", "").toLowerCase(Locale.ROOT);
    if (mode.contains("interpreted") || mode.contains("emulated-client")) {
      return Availability.unusable(
          "this JVM runs without its optimizing compiler (" + mode + ")",
          "run without -Xint and -XX:TieredStopAtLevel");
    }
    if (below("TieredStopAtLevel", 4)) {
      return Availability.unusable(
          "the C2 compiler is off", "run without -XX:TieredStopAtLevel below 4");
    }
    if ("false".equals(option("UseFMA"))) {
      return Availability.unusable(
          "this JVM uses no fused multiply-add", "run with -XX:+UseFMA on a CPU that has it");
    }
    if (below("MaxVectorSize", 16)) {
      return Availability.unusable(
          "this JVM allows vectors of %s bytes only".formatted(option("MaxVectorSize")),
          "run with -XX:MaxVectorSize=16 or more");
    }
    if (!Memory.isAccessible()) {
      return Availability.unusable(
          "this JVM denies native access, and with it reading weights by address",
          "add --enable-native-access=ALL-UNNAMED, or on the module path"
              + " --enable-native-access=io.github.stillgate.kernel.vector");
    }
    return Availability.usable(Species.BITS + "-bit");
  }

  private static boolean below(String name, int least) {
    String value = option(name);
    return value != null && Integer.parseInt(value) < least;
  }

  private static @Nullable String option(String name) {
    try {
      return ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
          .getVMOption(name)
          .getValue();
    } catch (IllegalArgumentException unknownHere) {
      return null;
    }
  }
}
