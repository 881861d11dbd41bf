package io.github.stillgate.kernel.ffm;

import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * Which BLAS this is, by what the library says of itself and never by its file name: {@code
 * libblas.so.3} may be any of them.
 *
 * @param kind whose it is
 * @param version as the library gives it, or null if it gives none
 * @param core the CPU whose kernels it chose, in its own words, or null if it does not say
 * @param threads threads a product may use, or null if it does not say
 * @param file where the library lies, or null if there is no file
 */
public record BlasIdentity(
    Kind kind,
    @Nullable String version,
    @Nullable String core,
    @Nullable Integer threads,
    @Nullable String file) {
  /** Whose BLAS. */
  public enum Kind {
    /** Answers to {@code openblas_get_config}. */
    OPENBLAS("OpenBLAS", "openblas"),
    /** Answers to {@code MKL_Get_Version}. */
    MKL("Intel MKL", "mkl"),
    /** Answers to {@code bli_info_get_version_str}. */
    BLIS("BLIS", "blis"),
    /** Netlib's Fortran with its C interface, one loop after the other: Debian's libblas3. */
    REFERENCE("reference BLAS", "reference-blas"),
    /** A BLAS that none of these signs tells. */
    UNKNOWN("unidentified BLAS", "unknown-blas"),
    /** The Java library dev.ludovic.netlib. */
    NETLIB("netlib (Java)", "netlib"),
    /** None was found. */
    NONE("none", "none");

    private final String title;
    private final String label;

    Kind(String title, String label) {
      this.title = title;
      this.label = label;
    }

    /** What people call it. */
    public String title() {
      return title;
    }

    /** One word for tables, parameters and options. */
    public String label() {
      return label;
    }
  }

  /** How wide the vectors of a set of kernels, or of a CPU, are. */
  private enum Width {
    SSE("128-bit"),
    AVX("AVX"),
    AVX2("AVX2"),
    AVX512("AVX-512");

    private final String title;

    Width(String title) {
      this.title = title;
    }
  }

  static BlasIdentity none() {
    return new BlasIdentity(Kind.NONE, null, null, null, null);
  }

  /** Name and version. */
  public String name() {
    return version == null ? kind.title : kind.title + " " + version;
  }

  /** Name, version, core, threads and file on one line. */
  @Override
  public String toString() {
    StringJoiner line = new StringJoiner(", ");
    line.add(name());
    if (core != null) {
      line.add("kernels for " + core);
    }
    if (threads != null) {
      line.add(threads == 1 ? "1 thread" : threads + " threads");
    }
    if (file != null) {
      line.add(file);
    }
    return line.toString();
  }

  /**
   * What is wrong with the kernels the library chose, if they are for narrower vectors than this
   * CPU has. Environment variables such as {@code OPENBLAS_CORETYPE} do that, and libraries older
   * than the CPU.
   */
  public Optional<String> narrowness() {
    return narrowness(CpuFlags.here());
  }

  /**
   * Whether the kernels leave out fused multiply-adds or half of the vectors of a CPU that has
   * AVX2: then this is no baseline, whatever the memory allows.
   */
  public boolean isFarBelowTheCpu() {
    return isFarBelow(CpuFlags.here());
  }

  /**
   * The core whose kernels an OpenBLAS should be told to use here, by {@code OPENBLAS_CORETYPE}:
   * empty unless it chose some that are far below the CPU. It goes by the model of the CPU, and
   * takes kernels of 2004 for one that it does not know.
   */
  public Optional<String> betterCore() {
    return betterCore(CpuFlags.here());
  }

  Optional<String> betterCore(Set<String> flags) {
    if (kind != Kind.OPENBLAS || !isFarBelow(flags)) {
      return Optional.empty();
    }
    return Optional.of(width(flags) == Width.AVX512 ? "SkylakeX" : "Haswell");
  }

  Optional<String> narrowness(Set<String> flags) {
    Width chosen = width();
    Width cpu = width(flags);
    if (chosen == null || cpu == null || chosen.compareTo(cpu) >= 0) {
      return Optional.empty();
    }
    return Optional.of(
        "%s uses its kernels for %s (%s), and this CPU has %s; %s"
            .formatted(kind.title, core, chosen.title, cpu.title, cure(flags)));
  }

  boolean isFarBelow(Set<String> flags) {
    Width chosen = width();
    Width cpu = width(flags);
    return chosen != null
        && cpu != null
        && cpu.compareTo(Width.AVX2) >= 0
        && chosen.compareTo(Width.AVX2) < 0;
  }

  private String cure(Set<String> flags) {
    String variable =
        switch (kind) {
          case OPENBLAS -> "OPENBLAS_CORETYPE";
          case MKL -> "MKL_ENABLE_INSTRUCTIONS";
          default -> "BLIS_ARCH_TYPE";
        };
    String set = System.getenv(variable);
    if (set != null) {
      return "%s=%s is set in the environment: unset it".formatted(variable, set);
    }
    return "a newer version may know this CPU"
        + betterCore(flags)
            .map(better -> ", and %s=%s names better ones".formatted(variable, better))
            .orElse("");
  }

  private @Nullable Width width() {
    if (core == null) {
      return null;
    }
    String name = core.toLowerCase(Locale.ROOT);
    if (kind == Kind.MKL) {
      if (name.contains("512")) {
        return Width.AVX512;
      }
      if (name.contains("vector extensions 2")) {
        return Width.AVX2;
      }
      return name.contains("vector extensions") ? Width.AVX : Width.SSE;
    }
    return switch (name) {
      case "skylakex", "cooperlake", "sapphirerapids", "skx", "knl", "zen4", "zen5" -> Width.AVX512;
      case "haswell", "zen", "zen2", "zen3" -> Width.AVX2;
      case "sandybridge", "bulldozer", "piledriver", "steamroller", "excavator" -> Width.AVX;
      // Every x86 library has them by these names; on other CPUs they say nothing.
      case "generic",
          "katmai",
          "coppermine",
          "northwood",
          "prescott",
          "banias",
          "core2",
          "penryn",
          "dunnington",
          "nehalem",
          "atom",
          "athlon",
          "opteron",
          "opteron_sse3",
          "barcelona",
          "bobcat",
          "nano" ->
          Width.SSE;
      default -> null;
    };
  }

  private static @Nullable Width width(Set<String> flags) {
    if (flags.contains("avx512f") && flags.contains("avx512bw")) {
      return Width.AVX512;
    }
    if (flags.contains("avx2") && flags.contains("fma")) {
      return Width.AVX2;
    }
    if (flags.contains("avx")) {
      return Width.AVX;
    }
    return flags.contains("sse2") ? Width.SSE : null;
  }
}
