package io.github.stillgate.core.weights;

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

  private static final int TYPE_BITS = 0170000;
  private static final int PIPE = 0010000;

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
    require(path);
    try (InputStream in = Files.newInputStream(path)) {
      return in.readNBytes(count);
    }
  }

  /** {@link #read(Path)} with a smaller limit. */
  static byte[] read(Path path, int largest) throws IOException {
    long size = require(path).size();
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

  /**
   * The attributes of a regular file. What would block a reader, never end, or is no file is
   * refused without being opened.
   *
   * @throws NoSuchFileException if there is no such file
   * @throws IOException if it is a folder, a pipe or a device
   */
  public static BasicFileAttributes require(Path path) throws IOException {
    if (path.toString().isEmpty()) {
      throw new IOException("the path of the file to read is empty");
    }
    BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
    if (attributes.isDirectory()) {
      throw new IOException(path + ": is a folder; name a file in it");
    }
    if (!attributes.isRegularFile()) {
      throw new IOException(
          (isPipe(path)
                  ? "%s: is a pipe; write what it gives to a file and name that"
                  : "%s: is a device or a socket; name a file")
              .formatted(path));
    }
    return attributes;
  }

  /** Whether {@code path} is a named pipe, as far as the system tells. */
  public static boolean isPipe(Path path) throws IOException {
    return path.getFileSystem().supportedFileAttributeViews().contains("unix")
        && ((int) Files.getAttribute(path, "unix:mode") & TYPE_BITS) == PIPE;
  }
}
