package io.github.stillgate.core.weights;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A file that is written whole or not at all, whatever interrupts the writing and whoever else
 * writes to the same path.
 *
 * <p>The bytes go to a new file of a name nobody else has, in the target's directory; it is forced
 * to the disk and then renamed over the target, and the directory is forced too where the system
 * can. If anything fails it is deleted and the target is as it was; only a process that is killed
 * leaves one behind, {@code .16-hex-digits.stillgate-tmp}. Of two writers to one path the one that
 * ends last wins; a reader sees one whole file or the other.
 *
 * <p>Only a regular file, or nothing, is replaced. A symbolic link is followed, and the file it
 * leads to is replaced, as if it had been written in place; a link to nothing is refused. The new
 * file has the mode of the one it replaces, or the mode any new file gets from the process. An
 * owner or access list of the old file is not carried over.
 *
 * <p>Immutable; any thread may use it.
 */
public final class NewFile {
  private static final String SUFFIX = ".stillgate-tmp";

  private final Path path;

  /** What writes the bytes. */
  @FunctionalInterface
  public interface Content {
    /** Writes all bytes to {@code out}, which is buffered and need not be closed. */
    void writeTo(OutputStream out) throws IOException;
  }

  /** What writes the bytes wherever they belong. */
  @FunctionalInterface
  public interface PlacedContent {
    /** Writes all bytes to {@code file}, which is empty, and does not close it. */
    void writeTo(FileChannel file) throws IOException;
  }

  private NewFile(Path path) {
    this.path = path;
  }

  /**
   * A file to be written at {@code path}. Nothing is made yet, so this can stand before long work.
   *
   * @throws IOException if {@code path} is empty, a directory, a device, a FIFO, a link to nothing,
   *     or lies under something that is no directory
   */
  public static NewFile at(Path path) throws IOException {
    target(path);
    return new NewFile(path);
  }

  /** The path that was asked for. */
  public Path path() {
    return path;
  }

  private static Path target(Path path) throws IOException {
    if (path.toString().isEmpty()) {
      throw new IOException("the path to write to is empty; give the name of a file");
    }
    Path target = path.toAbsolutePath();
    if (Files.isSymbolicLink(target)) {
      if (!Files.exists(target)) {
        throw new FileSystemException(
            path.toString(), null, "is a symbolic link to nothing; give the file itself");
      }
      target = target.toRealPath();
    }
    if (Files.isDirectory(target) || target.getFileName() == null) {
      throw new FileSystemException(
          path.toString(), null, "is a directory; give the name of a file in it");
    }
    if (Files.exists(target, LinkOption.NOFOLLOW_LINKS) && !Files.isRegularFile(target)) {
      throw new FileSystemException(
          path.toString(),
          null,
          "is a device, a FIFO or a socket; only regular files are written, so give another name");
    }
    Path above = target.getParent();
    while (above != null && !Files.exists(above)) {
      if (Files.isSymbolicLink(above)) {
        throw new FileSystemException(
            path.toString(), null, "cannot be made, since " + above + " is a link to nothing");
      }
      above = above.getParent();
    }
    if (above != null && !Files.isDirectory(above)) {
      throw new FileSystemException(
          path.toString(), null, "cannot be made, since " + above + " is no directory");
    }
    return target;
  }

  /**
   * Writes the file, and the directories above it that are missing. Returns when it is on the disk.
   *
   * @throws IOException if it cannot be written; the target is as it was. An interrupt of this
   *     thread under way is such a failure, one from before is kept until the file is written
   */
  public void write(Content content) throws IOException {
    writePlaced(file -> {
      OutputStream out = new BufferedOutputStream(Channels.newOutputStream(file), 1 << 16);
      content.writeTo(out);
      out.flush();
    });
  }

  /**
   * Like {@link #write}, for content that is not made from its beginning to its end.
   *
   * @throws IOException as {@link #write} does
   */
  public void writePlaced(PlacedContent content) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      writeAndMove(content);
    } catch (ClosedChannelException stopped) {
      throw stopped;
    } catch (IOException e) {
      throw named(e);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** The same failure under the name that was asked for: a user knows of no temporary file. */
  private IOException named(IOException failure) {
    boolean ours = failure.getClass() == IOException.class;
    String reason = failure.getMessage();
    if (failure instanceof FileSystemException e && String.valueOf(e.getFile()).contains(SUFFIX)) {
      ours = true;
      reason =
          e instanceof AccessDeniedException
              ? "its directory cannot be written to"
              : e instanceof NoSuchFileException
                  ? "its directory takes no new file"
                  : String.valueOf(e.getReason());
    }
    if (!ours || String.valueOf(reason).startsWith(path.toString())) {
      return failure;
    }
    FileSystemException named = new FileSystemException(path.toString(), null, reason);
    named.initCause(failure);
    return named;
  }

  private void writeAndMove(PlacedContent content) throws IOException {
    // Again, since time has passed.
    Path whole = target(path);
    Path directory = whole.getParent();
    Files.createDirectories(directory);
    Optional<Set<PosixFilePermission>> mode = mode(whole);
    Temporary file = Temporary.in(directory, mode);
    try {
      try (FileChannel channel = file.channel) {
        content.writeTo(channel);
        channel.force(true);
      }
      Files.move(
          file.path, whole, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (Throwable failure) {
      file.delete(failure);
      throw failure;
    }
    force(directory);
  }

  /** The mode of the file that will be replaced, if there is one and it has one. */
  private static Optional<Set<PosixFilePermission>> mode(Path file) throws IOException {
    return hasModes(file) && Files.exists(file)
        ? Optional.of(Files.getPosixFilePermissions(file))
        : Optional.empty();
  }

  private static boolean hasModes(Path file) {
    return file.getFileSystem().supportedFileAttributeViews().contains("posix");
  }

  /** Makes the rename last. Systems that cannot open a directory do without. */
  private static void force(Path directory) {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // The file is there and whole; only its name might be lost with the power.
    }
  }

  /** A new file of a name of its own, open. */
  private record Temporary(Path path, FileChannel channel) {
    /**
     * Makes one. Opening with CREATE_NEW follows no link and takes no file that exists.
     *
     * @param mode to have from its first moment on; if empty, that of any new file
     */
    static Temporary in(Path directory, Optional<Set<PosixFilePermission>> mode)
        throws IOException {
      FileAttribute<?>[] attributes =
          mode.map(PosixFilePermissions::asFileAttribute)
              .map(attribute -> new FileAttribute<?>[] {attribute})
              .orElse(new FileAttribute<?>[0]);
      while (true) {
        long name = ThreadLocalRandom.current().nextLong();
        Path path = directory.resolve("." + HexFormat.of().toHexDigits(name) + SUFFIX);
        FileChannel channel;
        try {
          channel =
              FileChannel.open(
                  path,
                  Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                  attributes);
        } catch (FileAlreadyExistsException e) {
          continue;
        }
        try {
          // The process's mask may have taken bits away.
          if (mode.isPresent()) {
            Files.setPosixFilePermissions(path, mode.get());
          }
        } catch (Throwable failure) {
          channel.close();
          new Temporary(path, channel).delete(failure);
          throw failure;
        }
        return new Temporary(path, channel);
      }
    }

    void delete(Throwable failure) {
      try {
        Files.deleteIfExists(path);
      } catch (IOException e) {
        failure.addSuppressed(e);
      }
    }
  }
}
