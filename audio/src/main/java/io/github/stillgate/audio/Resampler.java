package io.github.stillgate.audio;

import java.util.Arrays;

/**
 * A stream at another rate: each output is a sum of inputs around its time, weighted by a sinc
 * under a Kaiser window.
 *
 * <p>With L / M the rates' ratio in lowest terms, output i lies at input time {@code i M / L}:
 * {@code y[i] = sum over j of x[j] h(i M / L - j)}, {@code h(t) = 2 f sinc(2 f t) kaiser(t)}, the
 * samples before the first and after the last being 0. The cut-off f lies at 0.94 of half the lower
 * rate, 48 zeros of the sinc to each side; each of the L phases is scaled to sum to 1. Sines below
 * 0.88 of half the lower rate come out within 1e-4, those above half the lower rate are at most
 * 1e-4 of what they were (Oppenheim and Schafer, "Discrete-time signal processing", on Kaiser's
 * method; the bounds are tested).
 *
 * <p>It looks ahead: an output is made when the last input that it needs has come ({@link
 * #lookAhead}), or at the end ({@link #finish}). {@code n} inputs give {@code ceil(n L / M)}
 * outputs in all.
 */
public final class Resampler {
  private static final int ZEROS = 48;
  private static final double CUT_OFF = 0.94;
  private static final double BETA = 10.0;
  private static final int LARGEST_TABLE = 1 << 24;

  /**
   * Room for inputs beyond those that an output needs: they are moved to the front once it is full.
   */
  private static final int ROOM = 4096;

  private final int up;
  private final int down;

  /** Inputs on each side of an output's time. */
  private final int reach;

  private final float[][] phases;
  private final float[] kept;

  /** Place in {@link #kept} of the input that lies at or before the next output's time. */
  private int centre;

  /** How far behind that input the next output lies, in L-ths. */
  private int phase;

  private int end;
  private long taken;
  private long given;

  /**
   * From one rate to another.
   *
   * @param from samples a second that come in
   * @param to samples a second that go out
   * @throws IllegalArgumentException if a rate is not positive, or the ratio is of numbers so large
   *     that the table of weights would have more than 2^24
   */
  public Resampler(int from, int to) {
    if (from < 1 || to < 1) {
      throw new IllegalArgumentException(
          "rates are positive; given were %d and %d".formatted(from, to));
    }
    int common = gcd(from, to);
    this.up = to / common;
    this.down = from / common;
    double cutOff = 0.5 * CUT_OFF * Math.min(1, (double) to / from);
    this.reach = from == to ? 1 : (int) Math.ceil(ZEROS / (2 * cutOff));
    if ((long) up * 2 * reach > LARGEST_TABLE) {
      throw new IllegalArgumentException(
          "%d to %d is %d to %d in lowest terms, which needs %d weights; choose rates that have more in common"
              .formatted(from, to, down, up, (long) up * 2 * reach));
    }
    this.phases = new float[up][];
    for (int i = 0; i < up; i++) {
      phases[i] = from == to ? new float[] {1, 0} : weights((double) i / up, cutOff);
    }
    this.kept = new float[2 * reach + ROOM];
    reset();
  }

  private static int gcd(int a, int b) {
    return b == 0 ? a : gcd(b, a % b);
  }

  /** Weights of the inputs from {@code reach - 1} before to {@code reach} behind. */
  private float[] weights(double behind, double cutOff) {
    double[] exact = new double[2 * reach];
    for (int i = 0; i < exact.length; i++) {
      double time = behind - (i - (reach - 1));
      double share = time / reach;
      exact[i] =
          Math.abs(share) > 1
              ? 0
              : sinc(2 * cutOff * time) * bessel(BETA * Math.sqrt(1 - share * share));
    }
    double sum = Arrays.stream(exact).sum();
    float[] rounded = new float[exact.length];
    for (int i = 0; i < exact.length; i++) {
      rounded[i] = (float) (exact[i] / sum);
    }
    return rounded;
  }

  private static double sinc(double x) {
    return x == 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
  }

  /** The modified Bessel function of the first kind and order 0, by its series. */
  private static double bessel(double x) {
    double sum = 1;
    double term = 1;
    for (int k = 1; term > 1e-17 * sum; k++) {
      term *= x / (2 * k) * (x / (2 * k));
      sum += term;
    }
    return sum;
  }

  /** Inputs behind an output's time that must have come before it is made. */
  public int lookAhead() {
    return reach;
  }

  /** Outputs that so many inputs give in all: {@code ceil(inputs L / M)}. */
  public long outputs(long inputs) {
    return Math.ceilDiv(Math.multiplyExact(inputs, up), (long) down);
  }

  /** The most outputs that one call of {@link #next} with so many inputs gives. */
  public int mostOutputs(int inputs) {
    return Math.toIntExact(outputs(inputs) + 1);
  }

  /**
   * Takes inputs and makes the outputs that need no more than these.
   *
   * @param input holds the next inputs; not changed
   * @param from place of the first
   * @param count how many
   * @param output receives outputs, at most {@link #mostOutputs}{@code (count)}
   * @param at place of the first
   * @return how many were made
   * @throws IndexOutOfBoundsException if an array is too short; the stream is unusable then
   */
  public int next(float[] input, int from, int count, float[] output, int at) {
    int made = 0;
    int left = count;
    int place = from;
    while (left > 0) {
      makeRoom();
      int some = Math.min(left, kept.length - end);
      System.arraycopy(input, place, kept, end, some);
      end += some;
      place += some;
      left -= some;
      made += make(output, at + made, Long.MAX_VALUE);
    }
    taken += count;
    return made;
  }

  /**
   * Ends the stream.
   *
   * @param output receives the outputs that are left, at most {@link #mostOutputs}{@code
   *     (lookAhead())}
   * @param at place of the first
   * @return how many they were; {@link #reset} begins anew
   */
  public int finish(float[] output, int at) {
    long wanted = outputs(taken);
    int made = 0;
    while (given < wanted) {
      makeRoom();
      int some = Math.min(reach, kept.length - end);
      Arrays.fill(kept, end, end + some, 0);
      end += some;
      made += make(output, at + made, wanted);
    }
    return made;
  }

  /** Moves the inputs that are still needed to the front once the end is reached. */
  private void makeRoom() {
    if (end == kept.length) {
      int oldest = centre - (reach - 1);
      System.arraycopy(kept, oldest, kept, 0, end - oldest);
      end -= oldest;
      centre -= oldest;
    }
  }

  private int make(float[] output, int at, long most) {
    int made = 0;
    while (centre + reach < end && given < most) {
      float[] weights = phases[phase];
      int oldest = centre - (reach - 1);
      // Four sums, which the compiler can keep in registers of their own.
      float sum0 = 0;
      float sum1 = 0;
      float sum2 = 0;
      float sum3 = 0;
      int i = 0;
      for (; i + 3 < weights.length; i += 4) {
        sum0 += weights[i] * kept[oldest + i];
        sum1 += weights[i + 1] * kept[oldest + i + 1];
        sum2 += weights[i + 2] * kept[oldest + i + 2];
        sum3 += weights[i + 3] * kept[oldest + i + 3];
      }
      for (; i < weights.length; i++) {
        sum0 += weights[i] * kept[oldest + i];
      }
      output[at + made] = (sum0 + sum1) + (sum2 + sum3);
      made++;
      given++;
      phase += down;
      centre += phase / up;
      phase %= up;
    }
    return made;
  }

  /** Begins a new stream. */
  public void reset() {
    Arrays.fill(kept, 0);
    centre = reach - 1;
    end = reach - 1;
    phase = 0;
    taken = 0;
    given = 0;
  }
}
