package io.github.stillgate.cli;

import io.github.stillgate.core.weights.RegularFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** Looks at what a command is to read before it opens it: opening a pipe may wait for ever. */
final class InputFile {
  private InputFile() {}

  /**
   * A file that is read from its beginning: it may be a pipe, and with a limit a device.
   *
   * @throws IOException if it is absent, a folder, or a device that need not end
   */
  static void requireText(Path file, boolean limited) throws IOException {
    BasicFileAttributes attributes = attributes(file);
    if (attributes.isDirectory()) {
      throw new IOException(file + ": is a folder; name a text file in it");
    }
    if (attributes.isOther() && !RegularFile.isPipe(file) && !limited) {
      throw new IOException(
          file
              + ": is a device, which may never end; name a file (stillgate run reads the first N"
              + " characters with --limit N)");
    }
  }

  private static BasicFileAttributes attributes(Path file) throws IOException {
    if (file.toString().isEmpty()) {
      throw new NoSuchFileException("\"\"");
    }
    return Files.readAttributes(file, BasicFileAttributes.class);
  }
}
