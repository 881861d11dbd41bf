package io.github.stillgate.audio;

import java.util.Arrays;

/**
 * A stream of samples from spectra of frames that overlap: each is transformed back, weighted by a
 * window, and added where it lies; the sum is divided by what the two windows add up to there.
 *
 * <p>{@code y[t] = sum over frames of s[i] f[i] / sum over frames of a[i] s[i]}, with i the place
 * of t in the frame f, and a and s the windows before and after. So spectra of {@link Stft} that
 * nobody changed give the stream back, with whatever windows, to float32's rounding (Griffin and
 * Lim, 1984).
 */
public final class InverseStft {
  /** Below this share of the largest sum of windows the division would make noise of rounding. */
  private static final float SMALLEST_SHARE = 1e-3f;

  private final float[] window;
  private final int hop;
  private final RealFft transform;
  private final float[] sum;
  private final float[] frame;

  /**
   * The way back from {@code new Stft(analysis, hop)}.
   *
   * @param analysis the window that weighted the frames
   * @param synthesis the window that weights them now, as long
   * @throws IllegalArgumentException if the lengths differ or are odd, {@code hop} is out of range,
   *     or some sample has next to no weight in any frame
   */
  public InverseStft(float[] analysis, float[] synthesis, int hop) {
    if (analysis.length != synthesis.length) {
      throw new IllegalArgumentException(
          "the windows before and after have %d and %d values; they must be as long"
              .formatted(analysis.length, synthesis.length));
    }
    this.transform = new RealFft(synthesis.length);
    this.hop = Stft.checkedHop(hop, synthesis.length);
    this.window = normalised(analysis, synthesis, hop);
    this.sum = new float[synthesis.length];
    this.frame = new float[synthesis.length];
  }

  private static float[] normalised(float[] analysis, float[] synthesis, int hop) {
    double[] weights = new double[hop];
    for (int i = 0; i < synthesis.length; i++) {
      weights[i % hop] += (double) analysis[i] * synthesis[i];
    }
    double largest = Arrays.stream(weights).map(Math::abs).max().orElse(0);
    float[] normalised = new float[synthesis.length];
    for (int i = 0; i < synthesis.length; i++) {
      double weight = weights[i % hop];
      if (!(Math.abs(weight) > SMALLEST_SHARE * largest)) {
        throw new IllegalArgumentException(
            "with a hop of %d sample %d of each has a weight of %s in all frames together, which leaves nothing of it; choose a smaller hop"
                .formatted(hop, i % hop, weight));
      }
      normalised[i] = (float) (synthesis[i] / weight);
    }
    return normalised;
  }

  /** Samples that each spectrum gives. */
  public int hop() {
    return hop;
  }

  /** Values of a spectrum: half the window's length and 1. */
  public int bins() {
    return transform.bins();
  }

  /** How many samples later than {@link Stft} took them samples come out. */
  public int delay() {
    return window.length - hop;
  }

  /**
   * The next samples, to which no later frame adds.
   *
   * @param real {@link #bins} real parts; not changed
   * @param imaginary {@link #bins} imaginary parts; not changed
   * @param samples receives {@link #hop} samples
   * @param at place of the first
   * @throws IllegalArgumentException if an array of the spectrum has the wrong length
   * @throws IndexOutOfBoundsException if {@code samples} has less room from there on
   */
  public void next(float[] real, float[] imaginary, float[] samples, int at) {
    transform.inverse(real, imaginary, frame);
    addFrame(samples, at);
  }

  /**
   * The same with a frame of samples, as a network gives that works on samples.
   *
   * @param values as many as the window has; not changed
   * @param samples receives {@link #hop} samples
   * @param at place of the first
   * @throws IllegalArgumentException if {@code values} has the wrong length
   * @throws IndexOutOfBoundsException if {@code samples} has less room from there on
   */
  public void nextFrame(float[] values, float[] samples, int at) {
    RealFft.require("samples of a frame", frame.length, values);
    System.arraycopy(values, 0, frame, 0, frame.length);
    addFrame(samples, at);
  }

  private void addFrame(float[] samples, int at) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += window[i] * frame[i];
    }
    System.arraycopy(sum, 0, samples, at, hop);
    System.arraycopy(sum, hop, sum, 0, sum.length - hop);
    Arrays.fill(sum, sum.length - hop, sum.length, 0);
  }

  /** Begins a new stream. */
  public void reset() {
    Arrays.fill(sum, 0);
  }
}
