package io.github.stillgate.audio;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Writes a WAV file to a stream of bytes, from its beginning to its end: the number of frames is
 * told before. Samples beyond full scale are clipped where integers are stored, and counted.
 */
public final class WavWriter {
  private static final int BUFFER = 1 << 16;

  private final OutputStream out;
  private final WavFormat format;
  private final long samples;
  private final byte[] bytes;
  private final ByteBuffer buffer;
  private long written;
  private long clipped;

  /**
   * Writes the header.
   *
   * @param out receives the bytes; it is neither flushed nor closed
   * @param frames how many will be written
   * @throws IllegalArgumentException if the file would have 2^32 bytes or more, which WAV cannot
   *     say
   * @throws IOException if {@code out} cannot be written to
   */
  public WavWriter(OutputStream out, WavFormat format, long frames) throws IOException {
    if (frames < 0 || frames > (0xffff_ffffL - 64) / format.frameBytes()) {
      throw new IllegalArgumentException(
          "%d frames of %d bytes do not fit a WAV file, which has less than 2^32 bytes; write it in parts"
              .formatted(frames, format.frameBytes()));
    }
    this.out = out;
    this.format = format;
    this.samples = frames * format.channels();
    this.bytes = new byte[BUFFER];
    this.buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    header(frames);
  }

  private void header(long frames) {
    long data = frames * format.frameBytes();
    boolean isFloat = format.encoding() == WavEncoding.FLOAT32;
    int formatBytes = isFloat ? 18 : 16;
    int factBytes = isFloat ? 12 : 0;
    long padded = data + (data & 1);
    name("RIFF").putInt((int) (4 + 8 + formatBytes + factBytes + 8 + padded));
    name("WAVE");
    name("fmt ").putInt(formatBytes);
    buffer.putShort((short) (isFloat ? 3 : 1)).putShort((short) format.channels());
    buffer.putInt(format.rate()).putInt((int) ((long) format.rate() * format.frameBytes()));
    buffer.putShort((short) format.frameBytes()).putShort((short) (8 * format.encoding().bytes()));
    if (isFloat) {
      buffer.putShort((short) 0);
      name("fact").putInt(4).putInt((int) frames);
    }
    name("data").putInt((int) data);
  }

  private ByteBuffer name(String name) {
    return buffer.put(name.getBytes(StandardCharsets.ISO_8859_1));
  }

  /**
   * Writes the next samples, those of a frame side by side; 0 bytes are allocated.
   *
   * @throws IllegalArgumentException if a sample is NaN, or they are more than were announced
   * @throws IOException if they cannot be written
   */
  public void write(float[] values, int from, int count) throws IOException {
    if (written + count > samples) {
      throw new IllegalArgumentException(
          "%d samples were announced, these are %d".formatted(samples, written + count));
    }
    for (int i = 0; i < count; i++) {
      float sample = values[from + i];
      if (Float.isNaN(sample)) {
        throw new IllegalArgumentException("sample %d is NaN".formatted(written));
      }
      if (buffer.remaining() < Integer.BYTES) {
        empty();
      }
      if (Math.abs(sample) > 1 && format.encoding() != WavEncoding.FLOAT32) {
        clipped++;
      }
      format.encoding().write(sample, buffer);
      written++;
    }
  }

  private void empty() throws IOException {
    out.write(bytes, 0, buffer.position());
    buffer.clear();
  }

  /**
   * Writes what is left. The file is whole then.
   *
   * @throws IllegalStateException if fewer samples were written than announced
   * @throws IOException if they cannot be written
   */
  public void finish() throws IOException {
    if (written != samples) {
      throw new IllegalStateException(
          "%d samples were announced, %d were written".formatted(samples, written));
    }
    if ((samples * format.encoding().bytes() & 1) != 0) {
      if (!buffer.hasRemaining()) {
        empty();
      }
      buffer.put((byte) 0);
    }
    empty();
  }

  /** Samples so far whose magnitude was above 1 and that an integer could not hold. */
  public long clipped() {
    return clipped;
  }
}
