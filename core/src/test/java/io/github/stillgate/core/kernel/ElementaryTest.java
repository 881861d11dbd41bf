package io.github.stillgate.core.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ElementaryTest {
  /** Prime, so that the arguments fall on all low bits. */
  private static final int STRIDE = 1009;

  private static final float[] EDGES = {
    0f,
    Float.MIN_VALUE,
    Float.MIN_NORMAL,
    0x1p-24f,
    0.34657359f,
    Math.nextDown(Elementary.TANH_POLYNOMIAL_BELOW),
    Elementary.TANH_POLYNOMIAL_BELOW,
    1f,
    9.01f,
    43f,
    Math.nextDown(Elementary.EXP_LIMIT),
    Elementary.EXP_LIMIT
  };

  private interface Function {
    float at(float x);
  }

  private interface Exact {
    double at(double x);
  }

  private record Worst(float argument, double error) {}

  @Test
  void expIsWithinItsRelativeError() {
    Worst worst = worst(Elementary.EXP_LIMIT, Elementary::exp, Math::exp, true);
    assertThat(worst.error()).as("%s", worst).isLessThanOrEqualTo(9e-8);
  }

  @Test
  void sigmoidIsWithinItsAbsoluteError() {
    Exact sigmoid = x -> 1 / (1 + Math.exp(-x));
    Worst worst = worst(Float.MAX_VALUE, Elementary::sigmoid, sigmoid, false);
    assertThat(worst.error()).as("%s", worst).isLessThanOrEqualTo(1e-7);
  }

  @Test
  void tanhIsWithinItsRelativeError() {
    Worst worst = worst(Float.MAX_VALUE, Elementary::tanh, Math::tanh, true);
    assertThat(worst.error()).as("%s", worst).isLessThanOrEqualTo(1.5e-7);
  }

  @Test
  void logIsWithinItsRelativeError() {
    Worst worst =
        worst(Float.MAX_VALUE, x -> Elementary.log(Math.abs(x)), ElementaryTest::log, true);
    assertThat(worst.error()).as("%s", worst).isLessThanOrEqualTo(6e-8);
  }

  private static double log(double x) {
    return x == 0 ? -0x1p59 : Math.log(Math.abs(x));
  }

  @Test
  void erfIsWithinItsAbsoluteError() {
    Worst worst = worst(8, Elementary::erf, ElementaryTest::erf, false);
    assertThat(worst.error()).as("%s", worst).isLessThanOrEqualTo(1e-7);
  }

  /** The integral of its derivative by Simpson's rule. */
  private static double erf(double x) {
    int intervals = 400;
    double width = x / intervals;
    double sum = 1 + Math.exp(-x * x);
    for (int i = 1; i < intervals; i++) {
      double v = i * width;
      sum += (i % 2 == 0 ? 2 : 4) * Math.exp(-v * v);
    }
    return 2 / Math.sqrt(Math.PI) * sum * width / 3;
  }

  @Test
  void softplusAndSiluAreWithinTheirErrors() {
    Exact softplus = x -> Math.max(0, x) + Math.log1p(Math.exp(-Math.abs(x)));
    Worst worst = worst(15, Elementary::softplus, softplus, true);
    assertThat(worst.error()).as("%s", worst).isLessThanOrEqualTo(7e-8);
    for (float x = -80; x < 80; x += 0.37f) {
      double silu = x / (1 + Math.exp(-(double) x));
      assertThat(Elementary.silu(x)).isEqualTo((float) silu, within((float) Math.abs(6e-8 * silu)));
    }
  }

  /** Of arguments from 0.01 on: what becomes denormal has no relative error to speak of. */
  @ParameterizedTest
  @ValueSource(floats = {2, 3, -1, 0.5f, -0.5f, 1.7f, -2.3f, 4})
  void powerIsRoundedOnce(float exponent) {
    Worst worst =
        worst(
            100,
            x -> Elementary.power(Math.abs(x) + 0.01f, exponent),
            x -> Math.pow((float) Math.abs(x) + 0.01f, exponent),
            true);
    assertThat(worst.error()).as("%s", worst).isLessThanOrEqualTo(7e-8);
  }

  @Test
  void powerKnowsSigns() {
    assertThat(Elementary.power(-2, 3)).isEqualTo(-8);
    assertThat(Elementary.power(-2, 2)).isEqualTo(4);
    assertThat(Elementary.power(-2, 0.5f)).isEqualTo(0);
    assertThat(Elementary.power(-2, -1)).isEqualTo(-0.5f);
    assertThat(Elementary.power(0, -1)).isEqualTo(0x1p59f);
    assertThat(Elementary.power(0, 0)).isEqualTo(1);
    assertThat(Elementary.power(-1e30f, 3)).isEqualTo(-0x1p59f);
  }

  private static Worst worst(float limit, Function f, Exact exact, boolean relative) {
    Worst worst = new Worst(0, -1);
    int[] magnitudes = magnitudes(limit).toArray();
    assertThat(magnitudes.length).isGreaterThan(1_000_000);
    for (int bits : magnitudes) {
      for (int sign : new int[] {0, Integer.MIN_VALUE}) {
        float x = Float.intBitsToFloat(bits | sign);
        double expected = exact.at(x);
        double error = Math.abs(f.at(x) - expected);
        if (relative && expected != 0) {
          error /= Math.abs(expected);
        }
        if (!(error <= worst.error())) {
          worst = new Worst(x, error);
        }
      }
    }
    return worst;
  }

  /** Bit patterns of positive floats up to {@code limit}: every {@link #STRIDE}th and the edges. */
  private static IntStream magnitudes(float limit) {
    IntStream strided =
        IntStream.iterate(0, b -> b <= Float.floatToRawIntBits(limit), b -> b + STRIDE);
    IntStream edges = IntStream.range(0, EDGES.length).map(i -> Float.floatToRawIntBits(EDGES[i]));
    return IntStream.concat(strided, edges);
  }

  @Test
  void tanhIsOddBitForBitAndBoundedByOne() {
    magnitudes(Float.MAX_VALUE)
        .filter(bits -> bits != 0)
        .forEach(bits -> {
          float x = Float.intBitsToFloat(bits);
          float y = Elementary.tanh(x);
          int mirrored = Float.floatToRawIntBits(Elementary.tanh(-x));
          if (mirrored != (Float.floatToRawIntBits(y) ^ Integer.MIN_VALUE) || !(y <= 1)) {
            throw new AssertionError("tanh(%s) is %s".formatted(x, y));
          }
        });
  }

  @Test
  void tanhOfAPositiveArgumentIsPositive() {
    for (int bits = 1; bits < 100_000; bits++) {
      assertPositiveTanh(bits);
    }
    magnitudes(Float.MAX_VALUE)
        .filter(bits -> bits != 0)
        .forEach(ElementaryTest::assertPositiveTanh);
  }

  private static void assertPositiveTanh(int bits) {
    float x = Float.intBitsToFloat(bits);
    if (!(Elementary.tanh(x) > 0)) {
      throw new AssertionError("tanh(%s) is %s".formatted(x, Elementary.tanh(x)));
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {10, 20, 43, 44, 1e3f, 1e20f, Float.MAX_VALUE})
  void tanhSaturates(float x) {
    assertThat(Elementary.tanh(x)).isEqualTo(1f);
    assertThat(Elementary.tanh(-x)).isEqualTo(-1f);
  }

  @Test
  void tanhOfEitherZeroIsPositiveZero() {
    assertThat(Float.floatToRawIntBits(Elementary.tanh(0f))).isZero();
    assertThat(Float.floatToRawIntBits(Elementary.tanh(-0f))).isZero();
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.MAX_VALUE, -Float.MAX_VALUE})
  void resultsAreFiniteAtTheEndsOfTheRange(float x) {
    assertThat(Elementary.exp(x)).isFinite().isPositive();
    assertThat(Elementary.sigmoid(x)).isFinite().isBetween(0f, 1f);
    assertThat(Elementary.tanh(x)).isFinite();
  }

  @Test
  void expIsClampedToNormalNumbers() {
    assertThat(Elementary.exp(Math.nextUp(86f))).isEqualTo(Elementary.exp(86f));
    assertThat(Elementary.exp(Float.MAX_VALUE)).isEqualTo(Elementary.exp(86f));
    assertThat(Elementary.exp(Math.nextDown(-86f))).isEqualTo(Elementary.exp(-86f));
    assertThat(Elementary.exp(-Float.MAX_VALUE)).isEqualTo(Elementary.exp(-86f));
    assertThat(Elementary.exp(-86f)).isGreaterThan(Float.MIN_NORMAL);
    assertThat(Elementary.exp(85f)).isLessThan(Elementary.exp(86f));
    assertThat(Elementary.exp(-85f)).isGreaterThan(Elementary.exp(-86f));
    assertThat(Elementary.exp(0f)).isEqualTo(1f);
    assertThat(Elementary.exp(-0f)).isEqualTo(1f);
  }

  @Test
  void sigmoidIsAHalfAtZeroAndSaturates() {
    assertThat(Elementary.sigmoid(0f)).isEqualTo(0.5f);
    assertThat(Elementary.sigmoid(20f)).isEqualTo(1f);
    assertThat(Elementary.sigmoid(-Float.MAX_VALUE)).isBetween(Float.MIN_NORMAL, 1e-37f);
  }

  @ParameterizedTest
  @ValueSource(floats = {0, -0f, Float.MIN_VALUE, -Float.MIN_VALUE, 1e-38f, -1e-31f})
  void smallMagnitudesAreFlushedToPositiveZero(float x) {
    assertThat(Float.floatToRawIntBits(Elementary.flush(x))).isZero();
  }

  @ParameterizedTest
  @ValueSource(floats = {1e-30f, -1e-30f, 1, -1, Float.MAX_VALUE})
  void otherMagnitudesAreNotFlushed(float x) {
    assertThat(Elementary.flush(x)).isEqualTo(x);
    assertThat(Elementary.flush(Math.nextDown(Elementary.FLUSH_BELOW))).isZero();
  }
}
