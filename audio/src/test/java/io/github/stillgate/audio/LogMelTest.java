package io.github.stillgate.audio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LogMelTest {
  /** Numbers that torchaudio's and librosa's documentation and sources have. */
  @Test
  void scalesHaveTheirKnownPoints() {
    assertThat(MelScale.HTK.mel(1000)).isCloseTo(999.9855, within(1e-3));
    assertThat(MelScale.SLANEY.mel(60)).isCloseTo(0.9, within(1e-12));
    assertThat(MelScale.SLANEY.mel(1000)).isCloseTo(15, within(1e-12));
    assertThat(MelScale.SLANEY.mel(6400)).isCloseTo(42, within(1e-12));
  }

  @Property
  void scalesComeBack(
      @ForAll MelScale scale, @ForAll @DoubleRange(min = 0, max = 24_000) double hertz) {
    assertThat(scale.hertz(scale.mel(hertz))).isCloseTo(hertz, within(1e-6));
  }

  /** By the definition, over all values of the spectrum, in float64. */
  @ParameterizedTest
  @EnumSource(MelScale.class)
  void bandsAreSumsUnderTriangles(MelScale scale) {
    for (boolean equalAreas : new boolean[] {false, true}) {
      int size = 400;
      LogMel mel = new LogMel(16_000, size, 40, 20, 7600, scale, equalAreas, 1e-10f);
      float[] real = RealFftTest.noise(size / 2 + 1, 1);
      float[] imaginary = RealFftTest.noise(size / 2 + 1, 2);
      float[] bands = new float[mel.bands()];
      mel.of(real, imaginary, bands);
      double[] points = new double[42];
      for (int i = 0; i < 42; i++) {
        points[i] = scale.hertz(scale.mel(20) + i * (scale.mel(7600) - scale.mel(20)) / 41);
      }
      for (int b = 0; b < 40; b++) {
        double power = 0;
        for (int k = 0; k <= size / 2; k++) {
          double hertz = 16_000.0 * k / size;
          double weight =
              Math.max(
                  0,
                  Math.min(
                      (hertz - points[b]) / (points[b + 1] - points[b]),
                      (points[b + 2] - hertz) / (points[b + 2] - points[b + 1])));
          power += weight * ((double) real[k] * real[k] + (double) imaginary[k] * imaginary[k]);
        }
        power *= equalAreas ? 2 / (points[b + 2] - points[b]) : 1;
        assertThat((double) bands[b]).as("band %d", b).isCloseTo(Math.log(power), within(1e-5));
      }
    }
  }

  @Test
  void silenceIsTheFloor() {
    LogMel mel = new LogMel(16_000, 512, 20, 0, 8000, MelScale.HTK, false, 1e-5f);
    float[] bands = new float[20];
    mel.of(new float[257], new float[257], bands);
    assertThat(bands).containsOnly((float) Math.log(1e-5f));
  }

  @Test
  void bandsThatCannotBeAreRefused() {
    assertThatThrownBy(() -> new LogMel(16_000, 64, 80, 0, 8000, MelScale.HTK, false, 1e-5f))
        .hasMessageContaining("band 0 lies from 0.0 to")
        .hasMessageContaining("250.0 Hz apart")
        .hasMessageContaining("fewer bands or longer frames");
    assertThatThrownBy(() -> new LogMel(8_000, 512, 20, 0, 8000, MelScale.HTK, false, 1e-5f))
        .hasMessageContaining("between 0 and 4000.0 Hz");
    assertThatThrownBy(() -> new LogMel(8_000, 512, 20, 0, 4000, MelScale.HTK, false, 0))
        .hasMessageContaining("floor");
    assertThatThrownBy(() -> new LogMel(8_000, 511, 20, 0, 4000, MelScale.HTK, false, 1))
        .hasMessageContaining("511");
  }
}
