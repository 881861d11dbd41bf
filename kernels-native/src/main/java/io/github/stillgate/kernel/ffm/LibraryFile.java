package io.github.stillgate.kernel.ffm;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Opens a C library from a file: one that the user named, or the one in this jar, copied to a
 * temporary directory for as long as it takes to open it.
 *
 * <p>Whatever opens stays open until the process ends.
 */
final class LibraryFile {
  private LibraryFile() {}

  /**
   * The library that the user named.
   *
   * @throws LibraryRefusedException if it cannot be opened, in the operating system's words
   */
  static SymbolLookup named(String name, Platform platform) throws LibraryRefusedException {
    String property = "-D" + NativeLibrary.LIBRARY_PROPERTY + "=" + name;
    String cure =
        "name the file of a libstillgate built for %s, or leave -D%s out to use the one in the jar"
            .formatted(platform, NativeLibrary.LIBRARY_PROPERTY);
    Path file;
    try {
      file = Path.of(name).toAbsolutePath();
    } catch (InvalidPathException noPath) {
      throw new LibraryRefusedException(property + " is no path: " + noPath.getReason(), cure);
    }
    if (!Files.exists(file)) {
      throw new LibraryRefusedException(property + ": there is no such file", cure);
    }
    if (Files.isDirectory(file)) {
      throw new LibraryRefusedException(property + " is a directory", cure);
    }
    try {
      return open(file);
    } catch (UnsatisfiedLinkError refused) {
      throw new LibraryRefusedException(property + " does not load: " + words(refused, file), cure);
    }
  }

  /**
   * The library of {@code platform} among the resources beside this class.
   *
   * @param directory where the copy goes
   * @param resources opens a resource by its name, or gives null
   * @throws LibraryRefusedException if there is none, or it can be neither written nor opened
   */
  static SymbolLookup packaged(
      Platform platform, Path directory, Function<String, @Nullable InputStream> resources)
      throws LibraryRefusedException {
    try (InputStream packaged = resources.apply(platform.entry())) {
      if (packaged == null) {
        throw noneFor(platform, resources);
      }
      Path copy = copy(packaged, platform.file(), directory);
      try {
        return open(copy);
      } catch (UnsatisfiedLinkError refused) {
        throw doesNotLoad(words(refused, copy), directory);
      } finally {
        delete(copy);
      }
    } catch (IOException unreadable) {
      throw new LibraryRefusedException(
          "the C library in this jar cannot be read: " + words(unreadable), "get the jar again");
    }
  }

  private static LibraryRefusedException noneFor(
      Platform platform, Function<String, @Nullable InputStream> resources) throws IOException {
    String others =
        Platform.KNOWN.stream()
            .filter(other -> exists(resources, other.entry()))
            .map(Platform::toString)
            .collect(Collectors.joining(", "));
    String orName =
        " on this machine, or name a library built for it with -D%s=PATH"
            .formatted(NativeLibrary.LIBRARY_PROPERTY);
    return others.isEmpty()
        ? new LibraryRefusedException(
            "this jar has no C library", "install gcc, cmake and make and build it again" + orName)
        : new LibraryRefusedException(
            "no library for %s in this jar (it has %s)".formatted(platform, others),
            "build the jar" + orName);
  }

  private static boolean exists(Function<String, @Nullable InputStream> resources, String entry) {
    try (InputStream resource = resources.apply(entry)) {
      return resource != null;
    } catch (IOException unreadable) {
      return true;
    }
  }

  /** A copy that nobody else may write to, in a file that was not there before. */
  private static Path copy(InputStream packaged, String name, Path directory)
      throws LibraryRefusedException {
    String another = "choose another with -D" + NativeLibrary.DIRECTORY_PROPERTY + "=DIRECTORY";
    if (!Files.isDirectory(directory)) {
      throw new LibraryRefusedException(
          "the temporary directory %s %s"
              .formatted(directory, Files.exists(directory) ? "is a file" : "does not exist"),
          "make it, or " + another);
    }
    Path copy = null;
    try {
      copy = Files.createTempFile(directory, "stillgate-", "-" + name);
      // Into the file just made: replacing it would make it anew, with everybody's rights.
      try (OutputStream out =
          Files.newOutputStream(copy, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
        packaged.transferTo(out);
      }
      return copy;
    } catch (IOException unwritable) {
      if (copy != null) {
        delete(copy);
      }
      throw new LibraryRefusedException(
          "the C library cannot be written to the temporary directory %s: %s"
              .formatted(directory, words(unwritable)),
          another);
    }
  }

  private static LibraryRefusedException doesNotLoad(String words, Path directory) {
    return Mounts.forbidExecution(directory)
        ? new LibraryRefusedException(
            "the temporary directory %s is mounted noexec: %s".formatted(directory, words),
            "choose another with -D" + NativeLibrary.DIRECTORY_PROPERTY + "=DIRECTORY")
        : new LibraryRefusedException(
            "the C library in this jar does not load: " + words,
            "build the jar on this machine, or name a library built for it with -D%s=PATH"
                .formatted(NativeLibrary.LIBRARY_PROPERTY));
  }

  /** Windows keeps an open library's file; everywhere else it may go as soon as it is mapped. */
  private static void delete(Path copy) {
    if (!copy.toFile().delete()) {
      copy.toFile().deleteOnExit();
    }
  }

  /**
   * Opens a file by FFM, which lets every class loader of a process open it anew.
   *
   * @throws UnsatisfiedLinkError in the operating system's words, which only System.load passes on
   */
  private static SymbolLookup open(Path file) {
    try {
      return SymbolLookup.libraryLookup(file, Arena.global());
    } catch (IllegalArgumentException silent) {
      System.load(file.toString());
      return SymbolLookup.libraryLookup(file, Arena.global());
    }
  }

  /** The loader's words without the file's name, which it says up to twice before them. */
  private static String words(UnsatisfiedLinkError refused, Path file) {
    String words = String.valueOf(refused.getMessage());
    String name = file + ": ";
    while (words.startsWith(name)) {
      words = words.substring(name.length());
    }
    return words;
  }

  /** What went wrong, without the file's name. */
  private static String words(IOException failure) {
    return switch (failure) {
      case AccessDeniedException denied -> "permission denied";
      case NoSuchFileException missing -> "no file can be made there";
      case FileSystemException system when system.getReason() != null -> system.getReason();
      default -> String.valueOf(failure.getMessage());
    };
  }
}
