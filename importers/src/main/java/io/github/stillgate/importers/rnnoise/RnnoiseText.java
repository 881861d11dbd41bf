package io.github.stillgate.importers.rnnoise;

import io.github.stillgate.core.weights.RegularFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.importers.UnsupportedNetworkException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The whole numbers of a {@code .rnnn} file, read one by one behind its first line. */
final class RnnoiseText {
  /** What the file begins with, the number of its version behind it. */
  private static final String KIND = "rnnoise-nu model file version ";

  private static final String VERSION = "1";

  /** More than the largest network takes whose layers are as wide as RNNoise reads. */
  private static final long MOST_BYTES = 1 << 24;

  /** Far beyond any number that is taken, and short enough for an int. */
  private static final int MOST_DIGITS = 9;

  private final Path path;
  private final String text;
  private int at;

  private RnnoiseText(Path path, String text, int at) {
    this.path = path;
    this.text = text;
    this.at = at;
  }

  /**
   * Reads a file and its first line.
   *
   * @throws UnsupportedNetworkException if it is of another version
   */
  static RnnoiseText read(Path path) throws IOException {
    long size = RegularFile.require(path).size();
    if (size > MOST_BYTES) {
      throw new WeightsFormatException(
          path, "has %d bytes; an RNNoise model of at most %d is read".formatted(size, MOST_BYTES));
    }
    String text = new String(RegularFile.read(path), StandardCharsets.ISO_8859_1);
    int end = text.indexOf('\n');
    String first = (end < 0 ? text : text.substring(0, end)).strip();
    if (!first.startsWith(KIND)) {
      throw new WeightsFormatException(
          path, "does not begin with \"%s%s\", so it is no RNNoise model".formatted(KIND, VERSION));
    }
    String version = first.substring(KIND.length());
    if (!version.equals(VERSION)) {
      throw new UnsupportedNetworkException(
          path,
          "is an RNNoise model file of version \"%s\"; version %s is read"
              .formatted(version, VERSION));
    }
    return new RnnoiseText(path, text, end < 0 ? text.length() : end);
  }

  /**
   * The next number.
   *
   * @param what names it in messages
   */
  int next(String what, int least, int most) {
    String word = word();
    if (word.isEmpty()) {
      throw broken("%s is missing: the file ends before it".formatted(what));
    }
    int value = number(what, word);
    if (value < least || value > most) {
      throw broken("%s is %d; expected %d to %d".formatted(what, value, least, most));
    }
    return value;
  }

  /**
   * The next numbers, each a signed byte.
   *
   * @param what names them in messages
   */
  byte[] bytes(String what, int count) {
    byte[] values = new byte[count];
    for (int i = 0; i < count; i++) {
      String word = word();
      if (word.isEmpty()) {
        throw broken("%s: the file ends behind %d of %d values".formatted(what, i, count));
      }
      int value = number(what, word);
      if (value != (byte) value) {
        throw broken("%s: value %d is %d; expected -128 to 127".formatted(what, i, value));
      }
      values[i] = (byte) value;
    }
    return values;
  }

  /** What stands before the next space; nothing at the end. */
  private String word() {
    skipSpace();
    int begin = at;
    while (at < text.length() && text.charAt(at) > ' ') {
      at++;
    }
    return text.substring(begin, at);
  }

  private int number(String what, String word) {
    try {
      if (word.length() <= MOST_DIGITS) {
        return Integer.parseInt(word);
      }
    } catch (NumberFormatException notANumber) {
      // Said below.
    }
    throw broken(
        "%s: \"%s\" is no whole number that is taken"
            .formatted(what, word.length() > 20 ? word.substring(0, 20) + "..." : word));
  }

  /** Refuses numbers that no layer takes. */
  void requireEnd() {
    skipSpace();
    if (at < text.length()) {
      throw broken("goes on behind its last layer, vad");
    }
  }

  private void skipSpace() {
    while (at < text.length() && text.charAt(at) <= ' ') {
      at++;
    }
  }

  /** What to throw because something is missing or wrong. */
  WeightsFormatException broken(String problem) {
    return new WeightsFormatException(path, problem);
  }
}
