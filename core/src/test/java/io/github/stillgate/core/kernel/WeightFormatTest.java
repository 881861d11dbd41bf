package io.github.stillgate.core.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WeightFormatTest {
  @ParameterizedTest
  @CsvSource({
    "3f800000, 3f800000, exact",
    "3f808000, 3f800000, a tie to even below",
    "3f818000, 3f820000, a tie to even above",
    "3f808001, 3f810000, just above a tie",
    "3f807fff, 3f800000, just below a tie",
    "bf818000, bf820000, a negative tie",
    "3fffffff, 40000000, into the next binade",
    "7f7fffff, 7f7f0000, the largest finite stays finite",
    "ff7fffff, ff7f0000, and its negative",
    "7f7f7fff, 7f7f0000, below the last tie",
    "00000001, 00000000, the smallest denormal",
    "00008000, 00000000, a denormal tie",
    "00018000, 00020000, a denormal tie above",
    "007fffff, 00800000, the largest denormal",
    "80000000, 80000000, minus zero",
  })
  void roundsToNearestTiesToEven(String weight, String stored, String what) {
    float[] row = {Float.intBitsToFloat(bits(weight))};
    WeightFormat.F32.round(row);
    assertThat(Float.floatToRawIntBits(row[0])).as(what).isEqualTo(bits(weight));
    WeightFormat.BF16.round(row);
    assertThat(Float.floatToRawIntBits(row[0])).as(what).isEqualTo(bits(stored));
  }

  /** Steps of a 127th of the largest weight; ties to even. */
  @Test
  void int8HasAScaleForEachRow() {
    float[] row = {-254, 254, 3, 2.9f, -3, 5, 1, 0.9f, 0, -0f};
    WeightFormat.I8.round(row);
    assertThat(row).containsExactly(-254, 254, 4, 2, -4, 4, 0, 0, 0, 0);
    float[] tiny = {1e-31f, -1e-32f};
    WeightFormat.I8.round(tiny);
    assertThat(tiny).containsExactly(0, 0);
  }

  private static int bits(String hex) {
    return Integer.parseUnsignedInt(hex, 16);
  }
}
