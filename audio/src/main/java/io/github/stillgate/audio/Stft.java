package io.github.stillgate.audio;

import java.util.Arrays;

/**
 * The spectrum of the last n samples of a stream, every {@code hop} samples: {@link RealFft} of the
 * frame times a window.
 *
 * <p>The stream begins after n - hop zeros, so the first frame ends with the first {@code hop}
 * samples, and {@link InverseStft} gives the stream back n - hop samples late.
 */
public final class Stft {
  private final float[] window;
  private final int hop;
  private final RealFft transform;
  private final float[] frame;
  private final float[] weighted;

  /**
   * Frames as long as {@code window}.
   *
   * @param window weights of a frame's samples, an even number ({@link Window}); copied
   * @param hop samples from frame to frame, at most the window's length
   * @throws IllegalArgumentException if the window's length is odd or {@code hop} is out of range
   */
  public Stft(float[] window, int hop) {
    this.transform = new RealFft(window.length);
    this.window = window.clone();
    this.hop = checkedHop(hop, window.length);
    this.frame = new float[window.length];
    this.weighted = new float[window.length];
  }

  static int checkedHop(int hop, int size) {
    if (hop < 1 || hop > size) {
      throw new IllegalArgumentException(
          "frames of %d samples follow each other after 1 to %d samples, not %d"
              .formatted(size, size, hop));
    }
    return hop;
  }

  /** Samples from frame to frame. */
  public int hop() {
    return hop;
  }

  /** Values of a spectrum: half the window's length and 1. */
  public int bins() {
    return transform.bins();
  }

  /**
   * The spectrum of the frame that ends with the next samples.
   *
   * @param samples holds the next {@link #hop} samples; not changed
   * @param from place of the first
   * @param real receives {@link #bins} real parts
   * @param imaginary receives {@link #bins} imaginary parts
   * @throws IndexOutOfBoundsException if {@code samples} has fewer from there on
   * @throws IllegalArgumentException if an array of the spectrum has the wrong length
   */
  public void next(float[] samples, int from, float[] real, float[] imaginary) {
    int kept = frame.length - hop;
    System.arraycopy(frame, hop, frame, 0, kept);
    System.arraycopy(samples, from, frame, kept, hop);
    for (int i = 0; i < weighted.length; i++) {
      weighted[i] = window[i] * frame[i];
    }
    transform.forward(weighted, real, imaginary);
  }

  /** Begins a new stream. */
  public void reset() {
    Arrays.fill(frame, 0);
  }
}
