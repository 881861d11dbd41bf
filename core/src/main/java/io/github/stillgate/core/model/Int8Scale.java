package io.github.stillgate.core.model;

/** What a scale of int8 values may be, in a file or elsewhere. */
final class Int8Scale {
  /** Below every scale that is made: 1e-30 / 127. Its inverse is finite. */
  private static final float SMALLEST = 0x1p-107f;

  /** 127 times as much is still finite. */
  private static final float LARGEST = 0x1p121f;

  private Int8Scale() {}

  /**
   * Refuses what cannot be one.
   *
   * @param what names it in the message
   * @throws IllegalArgumentException if it is not a number from 2^-107 to 2^121
   */
  static void require(String what, float scale) {
    // Written so that NaN fails it too.
    if (!(scale >= SMALLEST && scale <= LARGEST)) {
      throw new IllegalArgumentException(
          "%s is %s; a scale is a number from %s to %s".formatted(what, scale, SMALLEST, LARGEST));
    }
  }
}
