package io.github.stillgate.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a measurement was made on. */
public final class Machine {
  private Machine() {}

  /** CPU, cores and Java version on one line. */
  public static String description() {
    String cpu = System.getProperty("os.arch");
    Path info = Path.of("/proc/cpuinfo");
    if (Files.exists(info)) {
      try {
        cpu =
            Files.readAllLines(info).stream()
                .filter(line -> line.startsWith("model name"))
                .map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst()
                .orElse(cpu);
      } catch (IOException unreadable) {
        cpu = cpu + " (" + unreadable.getMessage() + ")";
      }
    }
    return "%s, %d cores, Java %s"
        .formatted(
            cpu, Runtime.getRuntime().availableProcessors(), System.getProperty("java.version"));
  }
}
