package io.github.stillgate.audio;

/**
 * What the samples of a WAV file are.
 *
 * @param rate frames a second
 * @param channels samples of a frame
 * @param encoding how each is stored
 */
public record WavFormat(int rate, int channels, WavEncoding encoding) {
  /** As many channels as a file may have here. */
  public static final int MOST_CHANNELS = 1024;

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if there is no rate, or not 1 to {@link #MOST_CHANNELS}
   *     channels
   */
  public WavFormat {
    if (rate < 1) {
      throw new IllegalArgumentException("a rate of %d frames a second is none".formatted(rate));
    }
    if (channels < 1 || channels > MOST_CHANNELS) {
      throw new IllegalArgumentException(
          "%d channels; a file has 1 to %d".formatted(channels, MOST_CHANNELS));
    }
  }

  /** Bytes of a frame. */
  public int frameBytes() {
    return channels * encoding.bytes();
  }
}
