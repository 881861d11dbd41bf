package io.github.stillgate.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What a measurement was made on. */
public final class Machine {
  private Machine() {}

  /** CPU, cores and Java version on one line. */
  public static String description() {
    return "%s, %d cores, Java %s"
        .formatted(
            field("model name").orElse(System.getProperty("os.arch")),
            Runtime.getRuntime().availableProcessors(),
            System.getProperty("java.version"));
  }

  /** Make, family and model of the CPU: times of one kind may be held against each other. */
  public static String cpuKind() {
    return field("vendor_id")
        .map(vendor ->
            "%s %s/%s"
                .formatted(vendor, field("cpu family").orElse("?"), field("model").orElse("?")))
        .orElse(System.getProperty("os.arch"));
  }

  /** What Linux says of the first CPU. */
  private static Optional<String> field(String name) {
    Path info = Path.of("/proc/cpuinfo");
    if (!Files.exists(info)) {
      return Optional.empty();
    }
    try {
      return Files.readAllLines(info).stream()
          .filter(line -> line.indexOf(':') > 0)
          .filter(line -> line.substring(0, line.indexOf(':')).strip().equals(name))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst();
    } catch (IOException unreadable) {
      return Optional.empty();
    }
  }
}
