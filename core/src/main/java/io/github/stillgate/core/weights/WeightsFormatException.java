package io.github.stillgate.core.weights;

import java.nio.file.Path;
import java.util.Locale;

/**
 * A weights file cannot be trusted: truncated, inconsistent, or not a network this library knows.
 * The message names the file, the tensor or field, and the numbers that do not fit. It is one line
 * of bounded length whatever the file holds: control characters are written as escapes.
 */
public final class WeightsFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private static final int LONGEST = 1000;

  /** A defect of {@code file} described by {@code problem}. */
  public WeightsFormatException(Path file, String problem) {
    super(line(file + ": ", Integer.MAX_VALUE) + line(problem, LONGEST));
  }

  /** A defect of {@code file} described by {@code problem}, found through {@code cause}. */
  public WeightsFormatException(Path file, String problem, Throwable cause) {
    super(line(file + ": ", Integer.MAX_VALUE) + line(problem, LONGEST), cause);
  }

  /** {@code text} with what would break the line, or steer a terminal, written out. */
  private static String line(String text, int longest) {
    StringBuilder line = new StringBuilder();
    int at = 0;
    while (at < text.length() && line.length() < longest) {
      int c = text.codePointAt(at);
      at += Character.charCount(c);
      boolean visible =
          switch (Character.getType(c)) {
            case Character.CONTROL,
                Character.FORMAT,
                Character.LINE_SEPARATOR,
                Character.PARAGRAPH_SEPARATOR,
                Character.SURROGATE ->
                false;
            default -> true;
          };
      if (visible) {
        line.appendCodePoint(c);
      } else {
        line.append(String.format(Locale.ROOT, "\\u%04x", c));
      }
    }
    return at < text.length() ? line + " ..." : line.toString();
  }
}
