package io.github.stillgate.importers;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/** Reads whole files of known size: nothing that could go on without end, or wait. */
public final class RegularFile {
  /** Largest size in bytes: what one array holds. */
  public static final int LARGEST = Integer.MAX_VALUE - 8;

  private RegularFile() {}

  /**
   * The bytes of {@code path}. Devices, pipes, sockets and folders are refused before they are
   * opened. Any thread may call it.
   *
   * @throws NoSuchFileException if there is no such file
   * @throws IOException if it is no regular file, is larger than {@link #LARGEST}, changes its size
   *     meanwhile, or cannot be read; the message names the file and says what to do
   */
  public static byte[] read(Path path) throws IOException {
    return read(path, LARGEST);
  }

  /**
   * The first bytes of {@code path}: {@code count}, or all if it has fewer.
   *
   * @throws IOException as {@link #read(Path)} does, but for the size
   */
  public static byte[] first(Path path, int count) throws IOException {
    requireRegular(path);
    try (InputStream in = Files.newInputStream(path)) {
      return in.readNBytes(count);
    }
  }

  static byte[] read(Path path, int largest) throws IOException {
    long size = requireRegular(path).size();
    if (size > largest) {
      throw new IOException(
          "%s: is %d bytes long; files up to %d bytes are read".formatted(path, size, largest));
    }
    try (InputStream in = Files.newInputStream(path)) {
      byte[] bytes = in.readNBytes((int) size);
      if (bytes.length != size || in.read() >= 0) {
        throw new IOException(
            "%s: had %d bytes and has other ones now; something writes it, so read it again later"
                .formatted(path, size));
      }
      return bytes;
    }
  }

  private static BasicFileAttributes requireRegular(Path path) throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
    if (!attributes.isRegularFile()) {
      throw new IOException(
          "%s: is %s; expected a regular file"
              .formatted(path, attributes.isDirectory() ? "a folder" : "a device or a pipe"));
    }
    return attributes;
  }
}
