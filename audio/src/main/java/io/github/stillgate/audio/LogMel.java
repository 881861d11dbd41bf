package io.github.stillgate.audio;

/**
 * Logarithms of the power in bands that are equally wide in mel.
 *
 * <p>{@code y[b] = ln(max(floor, sum over k of w[b][k] (re[k]^2 + im[k]^2)))}, with triangles w
 * whose feet stand on the peaks of their neighbours. A triangle's height is 1, or with equal areas
 * {@code 2 / (its width in Hz)}, as librosa has it (norm="slaney"). Immutable; any thread may use
 * it.
 */
public final class LogMel {
  private final int bins;
  private final float floor;
  private final int[] first;
  private final float[][] weights;

  /**
   * Bands of a spectrum.
   *
   * @param rate samples a second
   * @param size samples of a frame, even; its spectrum has {@code size / 2 + 1} values
   * @param bands number of bands
   * @param lowest Hz where the first band begins
   * @param highest Hz where the last one ends, at most half the rate
   * @param scale the spread
   * @param equalAreas whether triangles have equal areas, not equal heights
   * @param floor power below which every power counts as this one, such as 1e-10
   * @throws IllegalArgumentException if a number is out of range, or a band holds no value of the
   *     spectrum
   */
  public LogMel(
      int rate,
      int size,
      int bands,
      double lowest,
      double highest,
      MelScale scale,
      boolean equalAreas,
      float floor) {
    if (size < 2 || size % 2 != 0 || bands < 1 || rate < 1) {
      throw new IllegalArgumentException(
          "expected a positive rate, an even size and at least one band, not %d, %d and %d"
              .formatted(rate, size, bands));
    }
    if (!(lowest >= 0 && lowest < highest && highest <= rate / 2.0)) {
      throw new IllegalArgumentException(
          "bands lie between 0 and %s Hz, half the rate, not between %s and %s"
              .formatted(rate / 2.0, lowest, highest));
    }
    if (!(floor > 0) || Float.isInfinite(floor)) {
      throw new IllegalArgumentException("the floor must be a positive power, not " + floor);
    }
    this.bins = size / 2 + 1;
    this.floor = floor;
    this.first = new int[bands];
    this.weights = new float[bands][];
    double low = scale.mel(lowest);
    double width = (scale.mel(highest) - low) / (bands + 1);
    for (int band = 0; band < bands; band++) {
      double from = scale.hertz(low + band * width);
      double peak = scale.hertz(low + (band + 1) * width);
      double to = scale.hertz(low + (band + 2) * width);
      double height = equalAreas ? 2 / (to - from) : 1;
      double binWidth = (double) rate / size;
      int begin = (int) Math.floor(from / binWidth) + 1;
      int end = Math.min(bins, (int) Math.ceil(to / binWidth));
      if (end <= begin) {
        throw new IllegalArgumentException(
            "band %d lies from %.1f to %.1f Hz, between two values of the spectrum, which stand %.1f Hz apart; take fewer bands or longer frames"
                .formatted(band, from, to, binWidth));
      }
      first[band] = begin;
      weights[band] = new float[end - begin];
      for (int k = begin; k < end; k++) {
        double hertz = k * binWidth;
        weights[band][k - begin] =
            (float) (height * Math.min((hertz - from) / (peak - from), (to - hertz) / (to - peak)));
      }
    }
  }

  /** The number of bands. */
  public int bands() {
    return first.length;
  }

  /**
   * The bands of a spectrum.
   *
   * @param real its real parts; not changed
   * @param imaginary its imaginary parts; not changed
   * @param bands receives {@link #bands} logarithms
   * @throws IllegalArgumentException if an array has the wrong length
   */
  public void of(float[] real, float[] imaginary, float[] bands) {
    RealFft.require("real parts", bins, real);
    RealFft.require("imaginary parts", bins, imaginary);
    RealFft.require("bands", first.length, bands);
    for (int band = 0; band < bands.length; band++) {
      float[] triangle = weights[band];
      int begin = first[band];
      float power = 0;
      for (int i = 0; i < triangle.length; i++) {
        float re = real[begin + i];
        float im = imaginary[begin + i];
        power += triangle[i] * (re * re + im * im);
      }
      bands[band] = (float) Math.log(Math.max(floor, power));
    }
  }
}
