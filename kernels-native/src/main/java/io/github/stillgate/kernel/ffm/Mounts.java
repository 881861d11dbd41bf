package io.github.stillgate.kernel.ffm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** What Linux says of its mounted file systems in {@code /proc/self/mounts}. */
final class Mounts {
  private static final Path TABLE = Path.of("/proc/self/mounts");

  private Mounts() {}

  /** Whether {@code directory} is known to lie on a file system that forbids execution. */
  static boolean forbidExecution(Path directory) {
    try {
      return forbidExecution(directory.toRealPath(), Files.readAllLines(TABLE));
    } catch (IOException noTable) {
      return false;
    }
  }

  /** The same by the lines of the table; of two mounts on one point the later one counts. */
  static boolean forbidExecution(Path directory, List<String> table) {
    int longest = -1;
    boolean forbidden = false;
    for (String line : table) {
      String[] fields = line.split(" ");
      if (fields.length < 4) {
        continue;
      }
      Path point = Path.of(fields[1].replace("\\040", " ").replace("\\011", "\t"));
      if (directory.startsWith(point) && point.getNameCount() >= longest) {
        longest = point.getNameCount();
        forbidden = Arrays.asList(fields[3].split(",")).contains("noexec");
      }
    }
    return forbidden;
  }
}
