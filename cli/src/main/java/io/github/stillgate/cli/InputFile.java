package io.github.stillgate.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** Looks at what a command is to read before it opens it: opening a pipe may wait for ever. */
final class InputFile {
  private static final int TYPE_BITS = 0170000;
  private static final int PIPE = 0010000;

  private InputFile() {}

  /**
   * A file that is mapped: it must have a size.
   *
   * @throws IOException if it is absent, or a folder, a pipe or a device
   */
  static void requireRegular(Path file) throws IOException {
    BasicFileAttributes attributes = attributes(file);
    if (attributes.isDirectory()) {
      throw new IOException(file + ": is a folder; name the file in it");
    }
    if (attributes.isOther()) {
      throw new IOException(
          (isPipe(file)
                  ? "%s: is a pipe, and a model is mapped; write it to a file and name that"
                  : "%s: is a device and holds no model; name a file")
              .formatted(file));
    }
  }

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
    if (attributes.isOther() && !isPipe(file) && !limited) {
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

  private static boolean isPipe(Path file) throws IOException {
    return file.getFileSystem().supportedFileAttributeViews().contains("unix")
        && ((int) Files.getAttribute(file, "unix:mode") & TYPE_BITS) == PIPE;
  }
}
