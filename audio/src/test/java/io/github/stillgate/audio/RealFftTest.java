package io.github.stillgate.audio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RealFftTest {
  static float[] noise(int size, long seed) {
    Random random = new Random(seed);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = random.nextFloat(-1, 1);
    }
    return values;
  }

  /** What its documentation promises, with the root of the sum of squares. */
  private static double bound(float[] values) {
    double squares = 0;
    for (float value : values) {
      squares += (double) value * value;
    }
    return 4e-7 * Math.max(1, Math.log(values.length) / Math.log(2)) * Math.sqrt(squares);
  }

  private static void check(float[] values) {
    RealFft transform = new RealFft(values.length);
    float[] real = new float[transform.bins()];
    float[] imaginary = new float[transform.bins()];
    transform.forward(values, real, imaginary);
    Dft exact = new Dft(values);
    double bound = bound(values);
    for (int k = 0; k < real.length; k++) {
      assertThat((double) real[k]).as("re %d", k).isCloseTo(exact.real[k], within(bound));
      assertThat((double) imaginary[k]).as("im %d", k).isCloseTo(exact.imaginary[k], within(bound));
    }
    float[] back = new float[values.length];
    transform.inverse(real, imaginary, back);
    for (int i = 0; i < back.length; i++) {
      assertThat(back[i]).as("sample %d", i).isCloseTo(values[i], within(2e-6f));
    }
  }

  @Property(tries = 150)
  void agreesWithTheDefinitionAtEveryEvenSize(
      @ForAll @IntRange(min = 1, max = 300) int half, @ForAll long seed) {
    check(noise(2 * half, seed));
  }

  @ParameterizedTest
  @ValueSource(ints = {320, 400, 480, 512, 960, 1024, 1920, 2048})
  void agreesAtTheSizesThatNetworksUse(int size) {
    check(noise(size, size));
  }

  @Test
  void aCosineStandsInOneBin() {
    float[] values = new float[16];
    for (int i = 0; i < 16; i++) {
      values[i] = (float) Math.cos(2 * Math.PI * 3 * i / 16 + 0.5);
    }
    float[] real = new float[9];
    float[] imaginary = new float[9];
    new RealFft(16).forward(values, real, imaginary);
    for (int k = 0; k < 9; k++) {
      assertThat(real[k]).isCloseTo(k == 3 ? 8 * (float) Math.cos(0.5) : 0, within(2e-6f));
      assertThat(imaginary[k]).isCloseTo(k == 3 ? 8 * (float) Math.sin(0.5) : 0, within(2e-6f));
    }
  }

  /**
   * Real values have no imaginary part at 0 and at half the rate: whatever stands there is let
   * alone.
   */
  @Test
  void theEndsOfASpectrumAreReal() {
    RealFft transform = new RealFft(6);
    float[] real = {3, 1, -2, 4};
    float[] with = new float[6];
    transform.inverse(real, new float[] {9, 0.5f, -1, 7}, with);
    float[] without = new float[6];
    transform.inverse(real, new float[] {0, 0.5f, -1, 0}, without);
    assertThat(with).isEqualTo(without);
  }

  @Test
  void wrongSizesAreRefusedWithBothNumbers() {
    for (int size : new int[] {0, 7, -2}) {
      assertThatThrownBy(() -> new RealFft(size)).hasMessageContaining("not " + size);
    }
    assertThatThrownBy(() -> new RealFft(8).forward(new float[7], new float[5], new float[5]))
        .hasMessage("values: 8 expected, the array has 7");
    assertThatThrownBy(() -> new RealFft(8).forward(new float[8], new float[5], new float[4]))
        .hasMessage("imaginary parts: 5 expected, the array has 4");
  }
}
