package io.github.stillgate.audio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class StftTest {
  @Test
  void windowsAreThoseOfTheirFormulas() {
    assertThat(Window.HANN.of(4)).containsExactly(new float[] {0, 0.5f, 1, 0.5f}, within(1e-7f));
    float half = (float) Math.sqrt(0.5);
    assertThat(Window.SQRT_HANN.of(4))
        .containsExactly(new float[] {0, half, 1, half}, within(1e-7f));
    assertThat(Window.RECTANGULAR.of(2)).containsExactly(1, 1);
  }

  /** The first frame ends with the first samples; each is a spectrum of the last n. */
  @Test
  void eachFrameIsTheSpectrumOfTheLastSamples() {
    float[] stream = RealFftTest.noise(40, 1);
    float[] window = Window.HANN.of(16);
    Stft stft = new Stft(window, 4);
    float[] real = new float[stft.bins()];
    float[] imaginary = new float[stft.bins()];
    for (int frame = 0; frame < 10; frame++) {
      stft.next(stream, 4 * frame, real, imaginary);
      float[] expected = new float[16];
      for (int i = 0; i < 16; i++) {
        int at = 4 * frame - 12 + i;
        expected[i] = at < 0 ? 0 : window[i] * stream[at];
      }
      Dft exact = new Dft(expected);
      for (int k = 0; k < real.length; k++) {
        assertThat((double) real[k]).isCloseTo(exact.real[k], within(1e-5));
        assertThat((double) imaginary[k]).isCloseTo(exact.imaginary[k], within(1e-5));
      }
    }
  }

  /** Whatever the windows and the hop, if they leave each sample some weight. */
  @Property(tries = 100)
  void unchangedSpectraGiveTheStreamBack(
      @ForAll Window analysis,
      @ForAll Window synthesis,
      @ForAll @IntRange(min = 2, max = 40) int half,
      @ForAll @IntRange(min = 2, max = 8) int overlap,
      @ForAll long seed) {
    int size = 2 * half;
    int hop = Math.max(1, size / (2 * overlap));
    float[] stream = RealFftTest.noise(12 * size / hop * hop, seed);
    Stft stft = new Stft(analysis.of(size), hop);
    InverseStft inverse = new InverseStft(analysis.of(size), synthesis.of(size), hop);
    assertThat(inverse.delay()).isEqualTo(size - hop);
    float[] real = new float[stft.bins()];
    float[] imaginary = new float[stft.bins()];
    float[] back = new float[stream.length];
    for (int at = 0; at < stream.length; at += hop) {
      stft.next(stream, at, real, imaginary);
      inverse.next(real, imaginary, back, at);
    }
    for (int i = inverse.delay(); i < stream.length; i++) {
      assertThat(back[i]).as("sample %d", i).isCloseTo(stream[i - inverse.delay()], within(1e-5f));
    }
    inverse.reset();
    stft.reset();
    float[] first = new float[hop];
    stft.next(stream, 0, real, imaginary);
    inverse.next(real, imaginary, first, 0);
    assertThat(first).containsExactly(Arrays.copyOf(back, hop));
  }

  /** A network may work on samples: its frames are added as those of spectra are. */
  @Test
  void framesOfSamplesAreAddedAlike() {
    float[] window = Window.RECTANGULAR.of(8);
    InverseStft inverse = new InverseStft(window, window, 2);
    float[] out = new float[2];
    float[] ones = new float[8];
    Arrays.fill(ones, 1);
    for (int i = 0; i < 4; i++) {
      inverse.nextFrame(ones, out, 0);
      assertThat(out).containsExactly((i + 1) / 4f, (i + 1) / 4f);
    }
  }

  @Test
  void whatCannotBeUndoneIsRefused() {
    float[] hann = Window.HANN.of(8);
    assertThatThrownBy(() -> new InverseStft(hann, hann, 8))
        .hasMessageContaining("sample 0 of each has a weight of 0.0")
        .hasMessageContaining("choose a smaller hop");
    assertThatThrownBy(() -> new InverseStft(hann, new float[6], 2))
        .hasMessageContaining("8 and 6 values");
    assertThatThrownBy(() -> new Stft(hann, 9)).hasMessageContaining("not 9");
    assertThatThrownBy(() -> new Stft(hann, 0)).hasMessageContaining("not 0");
    assertThatThrownBy(() -> new Stft(new float[7], 1)).hasMessageContaining("not 7");
  }
}
