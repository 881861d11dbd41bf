package io.github.stillgate.core.weights;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Locale;
import java.util.Objects;

/**
 * The bytes of a regular file that stays open. They are read and not mapped: a mapped file that
 * another process cuts short makes the JVM throw errors no caller expects, and weights are copied
 * into packs anyway.
 *
 * <p>A file that changes its length or is written to while it is read is refused. One that is
 * replaced by renaming is not: the old one is read on. Any thread may read; an interrupt neither
 * stops a reader nor closes the file.
 */
final class FileBytes implements AutoCloseable {
  private static final int TRIES = 100;

  private final Path path;
  private final Path opened;
  private final RandomAccessFile file;
  private final BasicFileAttributes attributes;
  private boolean closed;

  private FileBytes(Path path, Path opened, RandomAccessFile file, BasicFileAttributes attributes) {
    this.path = path;
    this.opened = opened;
    this.file = file;
    this.attributes = attributes;
  }

  static FileBytes open(Path path) throws IOException {
    RegularFile.require(path);
    if (!Files.isReadable(path)) {
      throw new AccessDeniedException(path.toString());
    }
    Path opened = path.getFileSystem() == FileSystems.getDefault() ? path : copy(path);
    try {
      for (int tries = 0; tries < TRIES; tries++) {
        BasicFileAttributes before = attributes(opened);
        RandomAccessFile file = new RandomAccessFile(opened.toFile(), "r");
        // Else the path was given to another file between the two, and which was opened is unknown.
        if (same(before, attributes(opened)) && file.length() == before.size()) {
          return new FileBytes(path, opened, file, before);
        }
        file.close();
      }
      throw new IOException(path + " changes all the time; read it when its writer is done");
    } catch (Throwable failure) {
      discard(path, opened);
      throw failure;
    }
  }

  private static BasicFileAttributes attributes(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class);
  }

  private static boolean same(BasicFileAttributes a, BasicFileAttributes b) {
    return Objects.equals(a.fileKey(), b.fileKey())
        && a.size() == b.size()
        && a.lastModifiedTime().equals(b.lastModifiedTime());
  }

  /** A file of another file system, such as an archive, has no place to seek in. */
  private static Path copy(Path path) throws IOException {
    Path copy = Files.createTempFile("stillgate", ".safetensors");
    Files.copy(path, copy, StandardCopyOption.REPLACE_EXISTING);
    return copy;
  }

  private static void discard(Path path, Path opened) throws IOException {
    if (opened != path) {
      Files.deleteIfExists(opened);
    }
  }

  /** Length when it was opened. */
  long size() {
    return attributes.size();
  }

  /**
   * Reads {@code length} bytes that begin at {@code at}.
   *
   * @throws WeightsFormatException if the file has become shorter, or cannot be read
   * @throws IllegalStateException if it is closed
   */
  synchronized void read(long at, byte[] to, int length) {
    requireOpen();
    try {
      file.seek(at);
      int read = 0;
      while (read < length) {
        int more = file.read(to, read, length - read);
        if (more < 0) {
          throw changed(file.length());
        }
        read += more;
      }
    } catch (IOException e) {
      throw new WeightsFormatException(
          path, String.format(Locale.ROOT, "cannot be read at byte %d", at), e);
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException(path + " is closed");
    }
  }

  /**
   * Refuses a file that has been written to since it was opened, as far as its length and time
   * tell.
   */
  synchronized void requireUnchanged() {
    requireOpen();
    try {
      if (file.length() != size()) {
        throw changed(file.length());
      }
    } catch (IOException e) {
      throw new WeightsFormatException(path, "cannot be read", e);
    }
    BasicFileAttributes now;
    try {
      now = attributes(opened);
    } catch (IOException e) {
      // It was deleted or moved, and is still open here.
      return;
    }
    boolean same = Objects.equals(now.fileKey(), attributes.fileKey());
    if (same && !now.lastModifiedTime().equals(attributes.lastModifiedTime())) {
      throw changed(now.size());
    }
  }

  private WeightsFormatException changed(long now) {
    return new WeightsFormatException(
        path,
        String.format(
            Locale.ROOT,
            "changed while it was read: it had %d bytes when it was opened and has %d now; read it"
                + " again when its writer is done",
            size(),
            now));
  }

  /** The bytes of {@code [from, to)} in their order. */
  InputStream stream(long from, long to) {
    return new InputStream() {
      private long at = from;

      @Override
      public int read() {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] bytes, int offset, int length) {
        if (at == to) {
          return -1;
        }
        byte[] part = new byte[(int) Math.min(length, to - at)];
        FileBytes.this.read(at, part, part.length);
        System.arraycopy(part, 0, bytes, offset, part.length);
        at += part.length;
        return part.length;
      }
    };
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      file.close();
      discard(path, opened);
    } catch (IOException e) {
      // Nothing was written, so nothing is lost.
    }
  }
}
