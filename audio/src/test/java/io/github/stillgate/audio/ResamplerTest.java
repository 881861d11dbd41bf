package io.github.stillgate.audio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ResamplerTest {
  private static float[] sine(int rate, double hertz, int samples) {
    float[] sine = new float[samples];
    for (int i = 0; i < samples; i++) {
      sine[i] = (float) Math.sin(2 * Math.PI * hertz * i / rate + 0.3);
    }
    return sine;
  }

  private static float[] all(Resampler resampler, float[] input) {
    float[] output =
        new float
            [resampler.mostOutputs(input.length) + resampler.mostOutputs(resampler.lookAhead())];
    int made = resampler.next(input, 0, input.length, output, 0);
    made += resampler.finish(output, made);
    assertThat((long) made).isEqualTo(resampler.outputs(input.length));
    return Arrays.copyOf(output, made);
  }

  /** Away from the ends, where the zeros around the stream are heard. */
  private static int margin(int from, int to) {
    return (int) (60L * to / Math.min(from, to)) + 1;
  }

  @ParameterizedTest
  @CsvSource({
    "8000, 16000",
    "16000, 8000",
    "48000, 16000",
    "44100, 16000",
    "22050, 16000",
    "16000, 48000",
    "16000, 44100",
    "11025, 16000",
    "16000, 16000"
  })
  void sinesComeOutAsTheyWere(int from, int to) {
    double limit = 0.88 * Math.min(from, to) / 2;
    for (double hertz : new double[] {50, 440, 0.5 * limit, limit}) {
      float[] output = all(new Resampler(from, to), sine(from, hertz, from / 4));
      float[] expected = sine(to, hertz, output.length);
      int margin = margin(from, to);
      double largest = 0;
      for (int i = margin; i < output.length - margin; i++) {
        largest = Math.max(largest, Math.abs(output[i] - expected[i]));
      }
      assertThat(largest).as("%s Hz", hertz).isLessThan(1e-4);
    }
  }

  @ParameterizedTest
  @CsvSource({"16000, 8000", "48000, 16000", "44100, 16000", "22050, 16000"})
  void whatTheLowerRateCannotHoldIsGone(int from, int to) {
    for (double share : new double[] {1.0, 1.05, 1.3}) {
      double hertz = Math.min(share * to / 2, from / 2.0 - 100);
      float[] output = all(new Resampler(from, to), sine(from, hertz, from / 4));
      int margin = margin(from, to);
      double largest = 0;
      for (int i = margin; i < output.length - margin; i++) {
        largest = Math.max(largest, Math.abs(output[i]));
      }
      assertThat(largest).as("%s Hz", hertz).isLessThan(1e-4);
    }
  }

  /** Whatever pieces a stream comes in, and after another stream: the same bits. */
  @Property(tries = 60)
  void piecesDoNotMatter(@ForAll long seed) {
    Random random = new Random(seed);
    int[] rates = {8000, 11025, 16000, 22050, 44100, 48000, 3, 7, 100, 1};
    int from = rates[random.nextInt(rates.length)];
    int to = rates[random.nextInt(rates.length)];
    if ((long) from * 8 < to || (long) to * 50 < from) {
      return;
    }
    float[] input = RealFftTest.noise(random.nextInt(10_000), seed);
    Resampler resampler = new Resampler(from, to);
    float[] whole = all(resampler, input);
    resampler.reset();
    float[] pieces = new float[whole.length];
    int made = 0;
    for (int at = 0; at < input.length; ) {
      int some = Math.min(input.length - at, random.nextInt(3000));
      float[] room = new float[resampler.mostOutputs(some)];
      int more = resampler.next(input, at, some, room, 0);
      System.arraycopy(room, 0, pieces, made, more);
      made += more;
      at += some;
    }
    made += resampler.finish(pieces, made);
    assertThat(made).isEqualTo(whole.length);
    assertThat(pieces).isEqualTo(whole);
  }

  @Test
  void theSameRateChangesNothing() {
    float[] input = RealFftTest.noise(10_000, 3);
    assertThat(all(new Resampler(44_100, 44_100), input)).isEqualTo(input);
  }

  @Test
  void aConstantStaysOne() {
    float[] ones = new float[2000];
    Arrays.fill(ones, 1);
    float[] output = all(new Resampler(44_100, 16_000), ones);
    for (int i = 70; i < output.length - 70; i++) {
      assertThat(output[i]).isCloseTo(1, within(2e-6f));
    }
  }

  @Test
  void ratesThatCannotBeAreRefused() {
    assertThatThrownBy(() -> new Resampler(0, 16_000)).hasMessageContaining("0 and 16000");
    assertThatThrownBy(() -> new Resampler(1_000_003, 16_001))
        .hasMessageContaining("1000003 to 16001 in lowest terms");
  }
}
