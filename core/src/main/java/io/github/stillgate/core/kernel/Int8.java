package io.github.stillgate.core.kernel;

/**
 * The arithmetic of products over int8, which every backend follows operation by operation.
 *
 * <pre>
 *   q(v)  = min(max(rint(v * (1 / s)), -127), 127)      rint: to nearest, ties to even
 *   S     = sum of q(w) q(x)                            an int32, exact
 *   sum   = float(S) * (s_row * s_x)                    three roundings
 * </pre>
 *
 * A row's scale is its largest magnitude over 127, unless it was stored with one. So is that of an
 * operand, each time it is multiplied, unless it is fixed: min(1, bound) / 127 for what is proved
 * to lie within [-1, 1], or was found on data. Then what did not move need not be multiplied again
 * ({@link KeptSums}). A value beyond a fixed scale, one that {@code rint} takes beyond 127, is
 * clamped and counted.
 */
public final class Int8 {
  /** Largest magnitude of a stored value. */
  public static final int LARGEST = 127;

  /** The scale of what is proved to lie within [-1, 1]. */
  public static final float UNIT_SCALE = 1f / LARGEST;

  /** Largest number of columns: {@code 127 * 127} times as many is below 2^31. */
  public static final int MOST_COLUMNS = Integer.MAX_VALUE / (LARGEST * LARGEST);

  /**
   * 1.5 x 2^23: added to a float of magnitude below 2^22 and taken away again, it leaves the
   * nearest integer, ties to even.
   */
  public static final float ROUNDING = 0x1.8p23f;

  /** What is proved to stay within this reach stays within [-1, 1] but for rounding. */
  private static final double UNIT_REACH = 1.001;

  private Int8() {}

  /** Whether what reaches at most {@code reach} is proved to lie within [-1, 1]. */
  public static boolean isProved(double reach) {
    return reach <= UNIT_REACH;
  }

  /**
   * The scale of what is proved to reach at most {@code reach}: min(1, reach) / 127, so that no
   * rounded value lies beyond its bound. It is {@link #UNIT_SCALE} from 1 on.
   */
  public static float provedScale(double reach) {
    return scale((float) Math.min(1, reach));
  }

  /** The largest magnitude of {@code values}. */
  public static float largest(float[] values) {
    float largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  /** The scale of values up to {@code largest}; 1 for those that would be flushed to zero. */
  public static float scale(float largest) {
    return largest < Elementary.FLUSH_BELOW ? 1 : largest / LARGEST;
  }

  /** q(v), given 1 / s. */
  public static int round(float value, float inverse) {
    return Math.clamp((int) nearest(value, inverse), -LARGEST, LARGEST);
  }

  /** Whether q(v) is clamped, given 1 / s. */
  public static boolean isBeyond(float value, float inverse) {
    return Math.abs(nearest(value, inverse)) > LARGEST;
  }

  /** The nearest integer where it matters, and beyond 127 where it is beyond. */
  private static float nearest(float value, float inverse) {
    return (value * inverse + ROUNDING) - ROUNDING;
  }

  /** What a sum is as a float. */
  public static float sum(int sum, float rowScale, float operandScale) {
    return sum * (rowScale * operandScale);
  }
}
