package io.github.stillgate.core.kernel;

/**
 * The elementary functions as formulas: these operations, in this order, are what every backend
 * does for every lane, so a step's bits do not depend on a maths library.
 *
 * <p>Each arithmetic operation is one IEEE float32 operation, or one of float64 in the functions
 * that say so, which round once at their end; {@code fma} is fused; choices are compare and select.
 * Coefficients were fitted in float64 by iteratively re-weighted least squares on Chebyshev nodes
 * and rounded to float32. Errors against float64 were measured over all float32 arguments within
 * plus and minus 86; {@code ElementaryTest} asserts them over every 1009th.
 *
 * <p>Arguments must be finite.
 */
public final class Elementary {
  /** Arguments of {@link #exp} are clamped to plus and minus this, so results stay normal. */
  public static final float EXP_LIMIT = 86f;

  /** log2(e). */
  public static final float LOG2_E = 0x1.715476p0f;

  /** 1.5 * 2^23: adding it rounds to a whole number, which then stands in the low bits. */
  public static final float ROUNDING = 0x1.8p23f;

  /** ln 2 cut to 12 bits, so that whole multiples up to 2^12 are exact. */
  public static final float LN2_HIGH = 0x1.63p-1f;

  /** The rest of ln 2. */
  public static final float LN2_LOW = -0x1.bd0106p-13f;

  /** exp(r) = 1 + r + r^2 (E0 + r (E1 + r (E2 + r (E3 + r E4)))) for |r| at most ln 2 / 2. */
  public static final float E0 = 0x1p-1f;

  /** See {@link #E0}. */
  public static final float E1 = 0x1.555486p-3f;

  /** See {@link #E0}. */
  public static final float E2 = 0x1.555454p-5f;

  /** See {@link #E0}. */
  public static final float E3 = 0x1.124148p-7f;

  /** See {@link #E0}. */
  public static final float E4 = 0x1.6dbc64p-10f;

  /** Below this magnitude tanh is a polynomial, above it a quotient of exponentials. */
  public static final float TANH_POLYNOMIAL_BELOW = 0.625f;

  /** tanh(x) = x + x^3 (T0 + s (T1 + s (T2 + s (T3 + s T4)))) with s = x^2. */
  public static final float T0 = -0x1.555534p-2f;

  /** See {@link #T0}. */
  public static final float T1 = 0x1.110768p-3f;

  /** See {@link #T0}. */
  public static final float T2 = -0x1.b84448p-5f;

  /** See {@link #T0}. */
  public static final float T3 = 0x1.5256cep-6f;

  /** See {@link #T0}. */
  public static final float T4 = -0x1.76abf6p-8f;

  /** Magnitudes below this become +0 when a state is blended or restored: no denormals. */
  public static final float FLUSH_BELOW = 1e-30f;

  /** What {@link #clip} cuts to, 2^59: far from where float32 overflows, even squared. */
  public static final float LIMIT = 0x1p59f;

  private static final double LN2 = 0x1.62e42fefa39efp-1;

  /** ln 2 cut to 33 bits, so that whole multiples up to 2^11 are exact in float64. */
  private static final double LN2_UPPER = 0x1.62e42feep-1;

  private static final double LN2_LOWER = 0x1.a39ef35793c76p-33;

  /** Arguments of {@link #exp64} are clamped to plus and minus this, so results stay normal. */
  private static final double EXP64_LIMIT = 700;

  private static final double TWO_OVER_SQRT_PI = 0x1.20dd750429b6dp0;

  private static final double SQRT_HALF = 0x1.6a09e667f3bcdp-1;

  /** Terms of the series of {@link #erfBelow1}: the next one is below 1e-15 of the sum. */
  private static final int ERF_TERMS = 17;

  private Elementary() {}

  /**
   * e^x for the clamped x: x = n ln 2 + r with whole n, then the polynomial in r times 2^n.
   * Relative error at most 9e-8.
   */
  public static float exp(float x) {
    float clamped = x > EXP_LIMIT ? EXP_LIMIT : x;
    clamped = clamped < -EXP_LIMIT ? -EXP_LIMIT : clamped;
    float shifted = Math.fma(clamped, LOG2_E, ROUNDING);
    float n = shifted - ROUNDING;
    float r = Math.fma(n, -LN2_HIGH, clamped);
    r = Math.fma(n, -LN2_LOW, r);
    float p = Math.fma(r, E4, E3);
    p = Math.fma(r, p, E2);
    p = Math.fma(r, p, E1);
    p = Math.fma(r, p, E0);
    p = Math.fma(r * r, p, r);
    p = p + 1f;
    return p * Float.intBitsToFloat((Float.floatToRawIntBits(shifted) + 127) << 23);
  }

  /** 1 / (1 + e^-x). Absolute error at most 1e-7. */
  public static float sigmoid(float x) {
    return 1f / (1f + exp(-x));
  }

  /** tanh(x). Relative error at most 1.5e-7. */
  public static float tanh(float x) {
    float magnitude = Math.abs(x);
    float s = x * x;
    float p = Math.fma(s, T4, T3);
    p = Math.fma(s, p, T2);
    p = Math.fma(s, p, T1);
    p = Math.fma(s, p, T0);
    float small = Math.fma(x * s, p, x);
    float large = 1f - 2f / (exp(magnitude + magnitude) + 1f);
    large = Math.copySign(large, x);
    return magnitude < TANH_POLYNOMIAL_BELOW ? small : large;
  }

  /** {@code x}, or +0 if its magnitude is below {@link #FLUSH_BELOW}. */
  public static float flush(float x) {
    return Math.abs(x) < FLUSH_BELOW ? 0f : x;
  }

  /** {@code x > -2^59 ? (x < 2^59 ? x : 2^59) : -2^59}; infinities too are cut. */
  public static float clip(float x) {
    float below = x < LIMIT ? x : LIMIT;
    return x > -LIMIT ? below : -LIMIT;
  }

  /** {@code clip(left / right)}; +0 if both are 0. */
  public static float divide(float left, float right) {
    return left == 0 && right == 0 ? 0f : clip(left / right);
  }

  /** The square root, rounded once; +0 where x is below 0. */
  public static float sqrt(float x) {
    return x > 0 ? (float) Math.sqrt(x) : 0f;
  }

  /** ln x in float64, rounded once; -2^59 where x is 0 or less. */
  public static float log(float x) {
    return x > 0 ? (float) log64(x) : -LIMIT;
  }

  /**
   * x to the power of {@code exponent} in float64, {@code exp(exponent ln |x|)} with the sign of an
   * odd power, clipped and rounded once.
   *
   * <p>1 if the exponent is 0. Of 0: 0 if the exponent is above 0, else 2^59. Of x below 0: 0 if
   * the exponent is no whole number.
   */
  public static float power(float x, float exponent) {
    boolean whole = Math.rint(exponent) == exponent;
    if (exponent == 0) {
      return 1f;
    }
    if (x == 0) {
      return exponent > 0 ? 0f : LIMIT;
    }
    if (x < 0 && !whole) {
      return 0f;
    }
    double magnitude = exp64(exponent * log64(Math.abs((double) x)));
    float result = magnitude < LIMIT ? (float) magnitude : LIMIT;
    boolean odd = whole && Math.rint(0.5 * exponent) != 0.5 * exponent;
    return x < 0 && odd ? -result : result;
  }

  /** The error function in float64, rounded once. Absolute error at most 1e-7. */
  public static float erf(float x) {
    double magnitude = Math.abs((double) x);
    double result = magnitude < 1 ? erfBelow1(magnitude) : 1 - erfcFrom1(magnitude);
    return (float) Math.copySign(result, x);
  }

  /** {@code x (1 + erf(x / sqrt(2))) / 2} in float64, rounded once. */
  public static float gelu(float x) {
    double scaled = Math.abs((double) x) * SQRT_HALF;
    double tail = 0.5 * (scaled < 1 ? 1 - erfBelow1(scaled) : erfcFrom1(scaled));
    return (float) (x * (x < 0 ? tail : 1 - tail));
  }

  /**
   * {@code log(1 + exp(x)) = max(x, 0) + log(1 + e)} with {@code e = exp(-|x|)} in float64, rounded
   * once; e stands for its logarithm where it is below 1e-8.
   */
  public static float softplus(float x) {
    double above = x > 0 ? x : 0;
    double e = exp64(-Math.abs((double) x));
    return (float) (above + (e < 1e-8 ? e : log64(1 + e)));
  }

  /** {@code x / (1 + exp(-x))} in float64, rounded once. */
  public static float silu(float x) {
    return (float) (x / (1 + exp64(-(double) x)));
  }

  /**
   * ln x of a normal number above 0: x = 2^e m with m from sqrt(1/2) to sqrt(2), and ln m = 2 (s +
   * s^3/3 + s^5/5 + ... + s^17/17) with s = (m - 1) / (m + 1).
   */
  private static double log64(double x) {
    long bits = Double.doubleToRawLongBits(x);
    double exponent = (bits >>> 52) - 1023;
    double m = Double.longBitsToDouble((bits & 0x000f_ffff_ffff_ffffL) | 0x3ff0_0000_0000_0000L);
    boolean large = m > 2 * SQRT_HALF;
    m = large ? 0.5 * m : m;
    exponent = large ? exponent + 1 : exponent;
    double s = (m - 1) / (m + 1);
    double z = s * s;
    double p = z * (1.0 / 17) + 1.0 / 15;
    p = z * p + 1.0 / 13;
    p = z * p + 1.0 / 11;
    p = z * p + 1.0 / 9;
    p = z * p + 1.0 / 7;
    p = z * p + 1.0 / 5;
    p = z * p + 1.0 / 3;
    return exponent * LN2 + 2 * (s + s * (z * p));
  }

  /** e^x of the clamped x: x = n ln 2 + r with whole n, then the series of exp up to r^11. */
  private static double exp64(double x) {
    double clamped = x > EXP64_LIMIT ? EXP64_LIMIT : x;
    clamped = clamped < -EXP64_LIMIT ? -EXP64_LIMIT : clamped;
    double n = Math.rint(clamped * (1 / LN2));
    double r = clamped - n * LN2_UPPER - n * LN2_LOWER;
    double p = r * (1.0 / 39_916_800) + 1.0 / 3_628_800;
    p = r * p + 1.0 / 362_880;
    p = r * p + 1.0 / 40_320;
    p = r * p + 1.0 / 5_040;
    p = r * p + 1.0 / 720;
    p = r * p + 1.0 / 120;
    p = r * p + 1.0 / 24;
    p = r * p + 1.0 / 6;
    p = r * p + 0.5;
    p = r * p + 1;
    p = r * p + 1;
    return p * Double.longBitsToDouble(((long) n + 1023) << 52);
  }

  /** {@code 2 / sqrt(pi) exp(-x^2) sum_k 2^k x^(2k+1) / (1 3 5 ... (2k+1))} for x from 0 to 1. */
  private static double erfBelow1(double x) {
    double square = x * x;
    double sum = 1;
    for (int k = ERF_TERMS; k > 0; k--) {
      sum = 1 + sum * (2 * square / (2 * k + 1));
    }
    return TWO_OVER_SQRT_PI * exp64(-square) * (x * sum);
  }

  /**
   * 1 - erf(x) for x from 1 on, with a relative error of at most 1.2e-7: the Chebyshev fit of
   * {@code erfcc} in Press et al., Numerical Recipes.
   */
  private static double erfcFrom1(double x) {
    double t = 1 / (1 + 0.5 * x);
    double p = t * 0.17087277 - 0.82215223;
    p = t * p + 1.48851587;
    p = t * p - 1.13520398;
    p = t * p + 0.27886807;
    p = t * p - 0.18628806;
    p = t * p + 0.09678418;
    p = t * p + 0.37409196;
    p = t * p + 1.00002368;
    p = t * p - 1.26551223;
    return t * exp64(p - x * x);
  }
}
