package io.github.stillgate.cli.rows;

import io.github.stillgate.audio.WavReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Frames of a WAV file: the first begins with its first sample, each further one {@code hop}
 * samples later, and the last is filled up with zeros, so that each sample is in one.
 */
final class WavRows implements RowReader {
  private final Path path;
  private final WavReader wav;
  private final int hop;
  private final long rows;
  private final float[] frame;
  private long row = -1;

  private WavRows(Path path, WavReader wav, int width, int hop) {
    this.path = path;
    this.wav = wav;
    this.hop = hop;
    this.frame = new float[width];
    long samples = wav.frames();
    this.rows = samples == 0 ? 0 : 1 + Math.ceilDiv(Math.max(0, samples - width), hop);
  }

  static RowReader open(Path path, int width, int channel, int hop) throws IOException {
    WavReader wav = WavReader.open(path, channel);
    try {
      if (hop > width) {
        throw new IOException(
            "%s: frames of %d samples, as many as the model reads, would leave samples out with a hop of %d"
                .formatted(path, width, hop));
      }
      return new WavRows(path, wav, width, hop);
    } catch (Throwable failure) {
      wav.close();
      throw failure;
    }
  }

  @Override
  public long rows() {
    return rows;
  }

  @Override
  public void next(float[] values) throws IOException {
    row++;
    int fresh = row == 0 ? frame.length : hop;
    int kept = frame.length - fresh;
    System.arraycopy(frame, fresh, frame, 0, kept);
    int read = wav.read(frame, kept, fresh);
    Arrays.fill(frame, kept + read, frame.length, 0);
    System.arraycopy(frame, 0, values, 0, frame.length);
  }

  @Override
  public String place() {
    return "%s: row %d (from sample %d on)".formatted(path, row, row * hop);
  }

  @Override
  public void close() throws IOException {
    wav.close();
  }
}
