package io.github.stillgate.cli;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonLocation;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/** Says in one line what went wrong and what to do about it, whatever was thrown. */
final class Failures {
  private static final String DEBUG = "STILLGATE_DEBUG";
  private static final int MIB = 1 << 20;

  private Failures() {}

  /** Whether the environment asks for stack traces. */
  static boolean wantsStackTrace() {
    String debug = System.getenv(DEBUG);
    return debug != null && !debug.isEmpty();
  }

  /**
   * Tells {@code failure} to {@code line}, with its stack trace if that is wanted.
   *
   * @return the exit code
   */
  static int report(Throwable failure, Consumer<String> line, boolean stackTrace) {
    line.accept("stillgate: " + message(failure));
    if (stackTrace) {
      StringWriter trace = new StringWriter();
      failure.printStackTrace(new PrintWriter(trace));
      trace.toString().lines().map(text -> Escaped.of(text.replace("\t", "    "))).forEach(line);
    }
    return 1;
  }

  /** One line without control characters. */
  static String message(Throwable failure) {
    return Escaped.of(
        switch (failure) {
          case UncheckedIOException e when e.getCause() != null -> message(e.getCause());
          case ExecutionException e when e.getCause() != null -> message(e.getCause());
          case JacksonException e -> json(e);
          case IOException e -> io(e);
          case InvalidPathException e ->
              "%s: this name cannot be expressed in the encoding of your locale; run with LC_ALL=C.UTF-8"
                  .formatted(e.getInput());
          case Error e -> error(e);
          case NullPointerException e -> bug(e);
          case IndexOutOfBoundsException e -> bug(e);
          case ClassCastException e -> bug(e);
          case NegativeArraySizeException e -> bug(e);
          default -> failure.getMessage() == null ? bug(failure) : failure.getMessage();
        });
  }

  private static String io(IOException failure) {
    String file = failure instanceof FileSystemException e ? e.getFile() : null;
    return switch (failure) {
      case FileSystemException _ when file != null -> file + ": " + reason(failure);
      // "name (reason)"
      case FileNotFoundException _ when failure.getMessage() != null -> {
        String text = failure.getMessage();
        int at = text.lastIndexOf(" (");
        yield at < 0
            ? text
            : text.substring(0, at) + ": " + plain(text.substring(at + 2, text.length() - 1));
      }
      default -> reason(failure);
    };
  }

  /** The cause of an input or output error without the file's name. */
  static String reason(IOException failure) {
    return switch (failure) {
      case NoSuchFileException _ -> "no such file";
      case AccessDeniedException _ -> "permission denied";
      case FileAlreadyExistsException _ -> "is there already";
      case DirectoryNotEmptyException _ -> "the folder is not empty";
      case NotDirectoryException _ -> "is not a folder";
      case FileSystemLoopException _ -> "links lead in a circle";
      case FileSystemException e -> e.getReason() == null ? "cannot be used" : plain(e.getReason());
      case CharacterCodingException _ -> "is not valid UTF-8";
      case EOFException _ -> "ended too early";
      default ->
          failure.getMessage() == null
              ? "an input or output error without a reason; %s=1 shows where".formatted(DEBUG)
              : plain(failure.getMessage());
    };
  }

  /** The operating system begins its reasons with a capital; everything of ours is a clause. */
  private static String plain(String reason) {
    return switch (reason) {
      case "No space left on device" -> "no space left on the device";
      case "Bad file descriptor" -> "it is closed";
      case "Is a directory",
          "Permission denied",
          "No such file or directory",
          "Not a directory",
          "Read-only file system",
          "Too many open files",
          "File name too long",
          "Input/output error",
          "Too many levels of symbolic links",
          "Disk quota exceeded",
          "File too large",
          "Invalid argument",
          "Operation not permitted",
          "Broken pipe",
          "No such device or address",
          "Is a named pipe" ->
          reason.toLowerCase(Locale.ROOT);
      default -> reason;
    };
  }

  private static String json(JacksonException failure) {
    JsonLocation at = failure.getLocation();
    return at == null
        ? "this is not valid JSON"
        : "this is not valid JSON: line %s, column %s".formatted(at.getLineNr(), at.getColumnNr());
  }

  private static String error(Error failure) {
    return switch (failure) {
      case OutOfMemoryError e ->
          ("out of memory with a Java heap of %s MiB%s; give more, for example"
                  + " STILLGATE_JAVA_ARGS=-Xmx%sm ./stillgate ...")
              .formatted(
                  Runtime.getRuntime().maxMemory() / MIB,
                  String.valueOf(e.getMessage()).contains("irect buffer")
                          || String.valueOf(e.getMessage()).contains("malloc")
                      ? " and what the machine has outside it"
                      : "",
                  Math.max(256, 4 * Runtime.getRuntime().maxMemory() / MIB));
      case StackOverflowError _ ->
          "the input nests deeper than the thread's stack; if it is meant to, give more, for example"
              + " STILLGATE_JAVA_ARGS=-Xss16m ./stillgate ...";
      case InternalError e when String.valueOf(e.getMessage()).contains("unsafe memory access") ->
          "a file became shorter while it was read, or its disk failed; run the command again when"
              + " nothing writes to it";
      case LinkageError _ ->
          "this build is incomplete; remove cli/target and run the command again, which builds it"
              + " anew (%s=1 shows what is missing)".formatted(DEBUG);
      default -> bug(failure);
    };
  }

  private static String bug(Throwable failure) {
    StackTraceElement[] trace = failure.getStackTrace();
    return "this is a bug in Stillgate (%s%s): please report it with the output of the same command under %s=1"
        .formatted(
            failure.getClass().getSimpleName(),
            trace.length == 0
                ? ""
                : ", %s line %s".formatted(trace[0].getFileName(), trace[0].getLineNumber()),
            DEBUG);
  }
}
