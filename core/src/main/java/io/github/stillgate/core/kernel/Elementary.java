package io.github.stillgate.core.kernel;

/**
 * The elementary functions as formulas: these operations, in this order, are what every backend
 * does for every lane, so a step's bits do not depend on a maths library.
 *
 * <p>Each arithmetic operation is one IEEE float32 operation; {@code fma} is fused; choices are
 * compare and select. Coefficients were fitted in float64 by iteratively re-weighted least squares
 * on Chebyshev nodes and rounded to float32. Errors against float64 were measured over all float32
 * arguments within plus and minus 86; {@code ElementaryTest} asserts them over every 1009th.
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
}
