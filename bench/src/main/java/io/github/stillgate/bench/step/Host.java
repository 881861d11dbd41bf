package io.github.stillgate.bench.step;

import io.github.stillgate.bench.ForkedJvm;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the measuring JVMs may use of this machine. */
enum Host {
  /** All there is. */
  WHOLE,

  /**
   * One core and 128-bit vectors: the Vector API by {@code MaxVectorSize}, OpenBLAS, MKL, oneDNN
   * and PyTorch by the variables that they read. What cannot be narrowed: our C kernels below AVX2,
   * since they need a fused multiply-add, and ONNX Runtime, which asks the CPU alone.
   */
  WEAK;

  private static final int VECTOR_BYTES = 16;

  /** As a JVM is started on it. */
  ForkedJvm.Start start() {
    List<String> flags =
        new ArrayList<>(
            List.of("-Dai.djl.pytorch.num_threads=1", "-Dai.djl.pytorch.num_interop_threads=1"));
    if (this == WHOLE) {
      return new ForkedJvm.Start(List.of(), flags, Map.of());
    }
    flags.add("-XX:MaxVectorSize=" + VECTOR_BYTES);
    flags.add("-XX:ActiveProcessorCount=1");
    if (isX86()) {
      flags.add("-Dstillgate.native.tier=avx2");
    }
    return new ForkedJvm.Start(
        oneCore().map(cpu -> List.of("taskset", "-c", cpu)).orElse(List.of()),
        flags,
        isX86()
            ? Map.of(
                "OPENBLAS_CORETYPE", "Nehalem",
                "MKL_ENABLE_INSTRUCTIONS", "SSE4_2",
                "ONEDNN_MAX_CPU_ISA", "SSE41",
                "ATEN_CPU_CAPABILITY", "default")
            : Map.of());
  }

  /** One line for a report. */
  String description() {
    if (this == WHOLE) {
      return "every core and the widest vectors";
    }
    return "%s, vector backend at 128 bits, native backend at %s; OpenBLAS, MKL and PyTorch told to use SSE; ONNX Runtime cannot be narrowed"
        .formatted(
            oneCore()
                .map(cpu -> "core " + cpu + " alone (taskset)")
                .orElse("one processor for the JVM (there is no taskset)"),
            isX86() ? "AVX2, its narrowest" : "its only tier");
  }

  private static boolean isX86() {
    return List.of("amd64", "x86_64").contains(System.getProperty("os.arch"));
  }

  /** The first CPU that this process may use, where a program is here that holds others to it. */
  private static Optional<String> oneCore() {
    boolean taskset =
        Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, "taskset")));
    Path status = Path.of("/proc/self/status");
    if (!taskset || !Files.exists(status)) {
      return Optional.empty();
    }
    try {
      return Files.readAllLines(status).stream()
          .filter(line -> line.startsWith("Cpus_allowed_list:"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip().split("[,-]")[0])
          .findFirst();
    } catch (IOException unreadable) {
      return Optional.empty();
    }
  }
}
