package io.github.stillgate.bench.paper.digits;

import java.util.Arrays;

/**
 * From the probabilities of frames to words, frame by frame, as {@code
 * training/pytorch/spotting.py} does it. Class 0 is nothing, class d + 1 the digit d.
 *
 * <pre>
 *   s_d(t) = (p_d(t - window + 1) + ... + p_d(t)) / window,   frames before the first count as 0
 * </pre>
 *
 * A digit is spotted at t when its s is the greatest and at least {@code threshold}, and none was
 * spotted in the {@code refractory - 1} frames before.
 */
final class Decoder {
  /** No digit is spotted at this frame. */
  static final int NONE = -1;

  /** Nothing and ten digits. */
  static final int CLASSES = 11;

  private final Settings settings;
  private final float[][] last;
  private int frame;
  private int readyAt;

  /**
   * How words are found.
   *
   * @param window frames of the mean
   * @param threshold of the mean probability
   * @param refractory frames from one word to the next, at least
   */
  record Settings(int window, double threshold, int refractory) {}

  Decoder(Settings settings) {
    this.settings = settings;
    this.last = new float[settings.window()][CLASSES];
  }

  /** The digit that is spotted at the next frame, or {@link #NONE}. */
  int next(float[] probabilities) {
    System.arraycopy(probabilities, 0, last[frame % last.length], 0, CLASSES);
    int best = NONE;
    double most = -1;
    for (int digit = 0; digit < CLASSES - 1; digit++) {
      int column = digit + 1;
      double sum = Arrays.stream(last).mapToDouble(row -> row[column]).sum();
      if (sum > most) {
        most = sum;
        best = digit;
      }
    }
    boolean spotted = frame >= readyAt && most / last.length >= settings.threshold();
    if (spotted) {
      readyAt = frame + settings.refractory();
    }
    frame++;
    return spotted ? best : NONE;
  }
}
