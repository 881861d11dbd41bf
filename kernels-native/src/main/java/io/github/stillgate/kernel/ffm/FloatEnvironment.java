package io.github.stillgate.kernel.ffm;

import java.util.Arrays;
import java.util.List;

/** The bits of {@code sg_float_environment} in {@code native/include/stillgate.h}. */
enum FloatEnvironment {
  FLUSHES_RESULTS("results that would be denormal become zero (flush to zero, FTZ)"),
  FLUSHES_INPUTS("denormal operands count as zero (denormals are zero, DAZ)"),
  ROUNDS_DOWN("results are rounded down"),
  ROUNDS_UP("results are rounded up"),
  ROUNDS_TO_ZERO("results are rounded towards zero"),
  TRAPS("a floating-point exception is unmasked"),
  OTHER_CONTROL("some other control bit is set");

  private final String words;

  FloatEnvironment(String words) {
    this.words = words;
  }

  /** The words of every bit that is set. */
  static List<String> deviations(long bits) {
    return Arrays.stream(values()).filter(e -> e.isIn(bits)).map(e -> e.words).toList();
  }

  /** Whether denormal results or operands become zero. */
  static boolean flushes(long bits) {
    return FLUSHES_RESULTS.isIn(bits) || FLUSHES_INPUTS.isIn(bits);
  }

  private boolean isIn(long bits) {
    return (bits & 1L << ordinal()) != 0;
  }
}
