package io.github.stillgate.cli.rows;

import java.nio.charset.StandardCharsets;

/**
 * Decimal numbers as bytes, rounded to the nearest float32 as {@link Float#parseFloat} does, mostly
 * without an object.
 *
 * <p>Up to 15 digits and powers of ten up to 22 are exact in float64, so one operation rounds their
 * quotient or product once (Clinger, "How to read floating point numbers accurately", 1990).
 * Rounded again to float32 it is the nearest unless it lies exactly between two of them: that, and
 * whatever else is longer, is left to the JDK.
 */
final class Decimal {
  private static final int MOST_DIGITS = 15;

  /** Bits of a float64 below a float32, and the half of the last of those. */
  private static final long BELOW = (1L << 29) - 1;

  private static final long HALF = 1L << 28;

  private static final double[] TENS = new double[23];

  static {
    TENS[0] = 1;
    for (int i = 1; i < TENS.length; i++) {
      TENS[i] = 10 * TENS[i - 1];
    }
  }

  private Decimal() {}

  /**
   * The number between {@code from} and {@code to}, spaces around it let alone.
   *
   * @throws NumberFormatException if there is none
   */
  static float parse(byte[] text, int from, int to) {
    int begin = from;
    int end = to;
    while (begin < end && text[begin] <= ' ') {
      begin++;
    }
    while (end > begin && text[end - 1] <= ' ') {
      end--;
    }
    int at = begin;
    boolean negative = at < end && text[at] == '-';
    if (negative || at < end && text[at] == '+') {
      at++;
    }
    long digits = 0;
    int count = 0;
    int behind = 0;
    boolean point = false;
    int read = 0;
    for (; at < end; at++) {
      byte c = text[at];
      if (c == '.' && !point) {
        point = true;
        continue;
      }
      if (c < '0' || c > '9') {
        break;
      }
      read++;
      count += count > 0 || c != '0' ? 1 : 0;
      if (count > MOST_DIGITS) {
        return slow(text, begin, end);
      }
      digits = 10 * digits + (c - '0');
      behind += point ? 1 : 0;
    }
    int exponent = 0;
    if (at < end && read > 0 && (text[at] == 'e' || text[at] == 'E')) {
      at++;
      boolean down = at < end && text[at] == '-';
      if (down || at < end && text[at] == '+') {
        at++;
      }
      int start = at;
      for (; at < end && text[at] >= '0' && text[at] <= '9' && at - start < 4; at++) {
        exponent = 10 * exponent + (text[at] - '0');
      }
      if (at == start) {
        return slow(text, begin, end);
      }
      exponent = down ? -exponent : exponent;
    }
    int power = exponent - behind;
    if (at != end || read == 0 || Math.abs(power) >= TENS.length) {
      return slow(text, begin, end);
    }
    double value = power < 0 ? digits / TENS[-power] : digits * TENS[power];
    if ((Double.doubleToRawLongBits(value) & BELOW) == HALF
        || value != 0 && value < Float.MIN_NORMAL) {
      return slow(text, begin, end);
    }
    return (float) (negative ? -value : value);
  }

  private static float slow(byte[] text, int from, int to) {
    return Float.parseFloat(new String(text, from, to - from, StandardCharsets.ISO_8859_1));
  }
}
