package io.github.stillgate.kernel.ffm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/** What Linux says this CPU can do. */
final class CpuFlags {
  private CpuFlags() {}

  /** The flags of the first CPU in {@code /proc/cpuinfo}; none where there is no such file. */
  static Set<String> here() {
    Path info = Path.of("/proc/cpuinfo");
    if (!Files.exists(info)) {
      return Set.of();
    }
    try {
      return Files.readAllLines(info).stream()
          .filter(line -> line.startsWith("flags"))
          .findFirst()
          .map(line -> Set.of(line.substring(line.indexOf(':') + 1).strip().split("\\s+")))
          .orElse(Set.of());
    } catch (IOException unreadable) {
      return Set.of();
    }
  }
}
