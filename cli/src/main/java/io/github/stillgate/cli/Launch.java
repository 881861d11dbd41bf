package io.github.stillgate.cli;

import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;
import java.util.Locale;
import picocli.CommandLine;

/**
 * What {@code ./stillgate} starts in every JVM: {@code Launch CLASS ARGUMENTS...} prepares the
 * standard streams and the locale, then runs the command's {@code main}.
 *
 * <p>Digits are ASCII in every message, whatever the user's locale is. What cannot be written to
 * the standard output ends the command with exit code 1 and a line that says why; a reader that
 * went away ends it quietly with 141, as a shell reports a pipe that is closed.
 */
public final class Launch {
  private Launch() {}

  /** Runs the class named first with the other arguments. */
  public static void main(String[] args) {
    StandardStreams.takeOver();
    Locale.setDefault(Locale.Category.FORMAT, Locale.ROOT);
    // What the library logs reads like what the commands say.
    System.setProperty("java.util.logging.SimpleFormatter.format", "stillgate: %5$s%n");
    try {
      Class.forName(args[0])
          .getMethod("main", String[].class)
          .invoke(null, (Object) Arrays.copyOfRange(args, 1, args.length));
    } catch (InvocationTargetException e) {
      System.exit(end(e.getCause()));
    } catch (ReflectiveOperationException e) {
      System.exit(end(new NoClassDefFoundError(args[0])));
    }
  }

  private static int end(Throwable failure) {
    if (failure instanceof OutputFailure output) {
      if (!output.isReaderGone()) {
        System.err.println("stillgate: " + output.getMessage());
      }
      return output.exitCode();
    }
    return Failures.report(failure, System.err::println, Failures.wantsStackTrace());
  }

  /** Colours for messages on the standard error stream, which may be a file when output is none. */
  static CommandLine.Help.Ansi errorColours() {
    return StandardStreams.errorIsTerminal()
        ? CommandLine.Help.Ansi.AUTO
        : CommandLine.Help.Ansi.OFF;
  }
}
