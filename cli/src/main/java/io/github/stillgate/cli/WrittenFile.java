package io.github.stillgate.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file that a command writes and that must not be one it reads. */
final class WrittenFile {
  private WrittenFile() {}

  /**
   * Refuses to write over what is read, under whatever name.
   *
   * @param option that names the file
   * @throws IllegalArgumentException if {@code written} is one of {@code read}
   */
  static void requireOther(String option, Path written, Path... read) throws IOException {
    for (Path input : read) {
      if (Files.exists(written) && Files.exists(input) && Files.isSameFile(written, input)) {
        throw new IllegalArgumentException(
            "%s %s would write over what the command reads; name another file"
                .formatted(option, written));
      }
    }
  }
}
