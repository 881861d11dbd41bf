package io.github.stillgate.audio;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A {@link WavReader} at the rate that is wanted: {@link Resampler} stands behind it if need be.
 */
public final class ResampledWav implements AutoCloseable {
  private static final int PIECE = 4096;

  private final WavReader wav;
  private final Resampler resampler;
  private final float[] piece = new float[PIECE];
  private final float[] made;
  private int next;
  private int end;
  private boolean finished;

  private ResampledWav(WavReader wav, int rate) {
    this.wav = wav;
    this.resampler = new Resampler(wav.format().rate(), rate);
    this.made =
        new float[resampler.mostOutputs(PIECE) + resampler.mostOutputs(resampler.lookAhead())];
  }

  /**
   * Opens a file.
   *
   * @param channel from 0, or {@link WavReader#MIX}
   * @param rate samples a second that are wanted
   * @throws IOException as {@link WavReader#open} does
   * @throws IllegalArgumentException if the file has no such channel, or the rates have too little
   *     in common ({@link Resampler})
   */
  public static ResampledWav open(Path path, int channel, int rate) throws IOException {
    WavReader wav = WavReader.open(path, channel);
    try {
      return new ResampledWav(wav, rate);
    } catch (Throwable failure) {
      wav.close();
      throw failure;
    }
  }

  /** What the file's samples are. */
  public WavFormat format() {
    return wav.format();
  }

  /** Samples in all at the rate that is wanted. */
  public long samples() {
    return resampler.outputs(wav.frames());
  }

  /**
   * The next samples; 0 bytes are allocated.
   *
   * @param samples receives them
   * @param at place of the first
   * @param count how many are wanted
   * @return how many there were: fewer than {@code count} at the end only
   * @throws IOException if the file cannot be read
   */
  public int read(float[] samples, int at, int count) throws IOException {
    int read = 0;
    while (read < count) {
      if (next == end) {
        if (finished) {
          return read;
        }
        next = 0;
        int more = wav.read(piece, 0, PIECE);
        finished = more < PIECE;
        end = resampler.next(piece, 0, more, made, 0);
        if (finished) {
          end += resampler.finish(made, end);
        }
      }
      int some = Math.min(end - next, count - read);
      System.arraycopy(made, next, samples, at + read, some);
      next += some;
      read += some;
    }
    return read;
  }

  @Override
  public void close() throws IOException {
    wav.close();
  }
}
