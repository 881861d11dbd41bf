package io.github.stillgate.audio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Reads one channel of a WAV file, or the mean of all, in pieces: 16, 24 or 32-bit integers or
 * float32, plain or WAVE_FORMAT_EXTENSIBLE. What a file says is checked: a chunk that ends beyond
 * the file, half a frame, another coding are refused by name. A data length of 2^32 - 1, which
 * programs write that do not know it yet, means to the end of the file.
 */
public final class WavReader implements AutoCloseable {
  /** Takes the mean of all channels. */
  public static final int MIX = -1;

  private static final int PCM = 1;
  private static final int FLOAT = 3;
  private static final int EXTENSIBLE = 0xfffe;
  private static final long UNKNOWN_LENGTH = 0xffff_ffffL;
  private static final int BUFFER = 1 << 16;

  private final Path path;
  private final FileChannel file;
  private final ByteBuffer buffer;
  private final int channel;
  private @Nullable WavFormat format;
  private long frames;
  private long read;

  private WavReader(Path path, FileChannel file, int channel) {
    this.path = path;
    this.file = file;
    this.channel = channel;
    this.buffer = ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Opens a file.
   *
   * @param channel from 0, or {@link #MIX}
   * @throws IOException if it cannot be read, is no WAV file, is truncated or coded otherwise; the
   *     message names the file and the cure
   * @throws IllegalArgumentException if it has no such channel
   */
  public static WavReader open(Path path, int channel) throws IOException {
    FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
    try {
      WavReader reader = new WavReader(path, file, channel);
      reader.readHeader();
      return reader;
    } catch (Throwable failure) {
      file.close();
      throw failure;
    }
  }

  private void readHeader() throws IOException {
    long size = file.size();
    ByteBuffer head = bytes(0, 12, "its header");
    String kind = name(head, 0);
    if (kind.equals("RF64") || kind.equals("RIFX")) {
      throw refused("is a %s file; only RIFF is read: ffmpeg -i IN.wav -rf64 never OUT.wav", kind);
    }
    if (!kind.equals("RIFF") || !name(head, 8).equals("WAVE")) {
      throw refused("is no WAV file; make one with ffmpeg -i IN OUT.wav");
    }
    long at = 12;
    while (at + 8 <= size) {
      ByteBuffer chunk = bytes(at, 8, "a chunk");
      String id = name(chunk, 0);
      long length = chunk.getInt(4) & 0xffff_ffffL;
      at += 8;
      if (id.equals("data")) {
        readData(at, length, size);
        return;
      }
      if (id.equals("fmt ")) {
        readFormat(at, length);
      }
      at += length + (length & 1);
    }
    throw refused("has no samples: it ends at byte %d without a chunk \"data\"", size);
  }

  private void readFormat(long at, long length) throws IOException {
    if (length < 16 || length > 1 << 16) {
      throw refused("its chunk \"fmt \" has %d bytes; 16, 18 or 40 are usual", length);
    }
    ByteBuffer chunk = bytes(at, (int) Math.min(length, 40), "its chunk \"fmt \"");
    int coding = chunk.getShort(0) & 0xffff;
    if (coding == EXTENSIBLE && chunk.limit() >= 40) {
      coding = chunk.getShort(24) & 0xffff;
    }
    int channels = chunk.getShort(2) & 0xffff;
    int rate = chunk.getInt(4);
    int frameBytes = chunk.getShort(12) & 0xffff;
    int bits = chunk.getShort(14) & 0xffff;
    WavEncoding encoding =
        switch (coding) {
          case PCM ->
              switch (bits) {
                case 16 -> WavEncoding.PCM16;
                case 24 -> WavEncoding.PCM24;
                case 32 -> WavEncoding.PCM32;
                default -> throw unknown("integers of %d bits", bits);
              };
          case FLOAT ->
              switch (bits) {
                case 32 -> WavEncoding.FLOAT32;
                default -> throw unknown("floats of %d bits", bits);
              };
          default -> throw unknown("coded as format %d", coding);
        };
    try {
      format = new WavFormat(rate, channels, encoding);
    } catch (IllegalArgumentException e) {
      throw refused("%s", e.getMessage());
    }
    if (frameBytes != format.frameBytes()) {
      throw refused(
          "says that a frame has %d bytes; %d channels of %d bits have %d",
          frameBytes, channels, bits, format.frameBytes());
    }
  }

  private void readData(long at, long length, long size) throws IOException {
    WavFormat known = format;
    if (known == null) {
      throw refused("its samples stand before the chunk \"fmt \" that says what they are");
    }
    if (channel != MIX && (channel < 0 || channel >= known.channels())) {
      throw new IllegalArgumentException(
          "%s: has no channel %d; it has %d, counted from 0"
              .formatted(path, channel, known.channels()));
    }
    long there = size - at;
    long bytes = length;
    if (length == UNKNOWN_LENGTH) {
      bytes = there - there % known.frameBytes();
    } else if (length > there) {
      throw refused(
          "is truncated: %d bytes of samples are announced, %d are there; copy it again",
          length, there);
    } else if (length % known.frameBytes() != 0) {
      throw refused(
          "its %d bytes of samples are no whole number of frames of %d",
          length, known.frameBytes());
    }
    frames = bytes / known.frameBytes();
    file.position(at);
    buffer.limit(0);
  }

  private IOException unknown(String what, int number) {
    return refused(
        "its samples are "
            + what
            + "; read are integers of 16, 24 and 32 bits and floats of 32: ffmpeg -i IN.wav -c:a"
            + " pcm_s16le OUT.wav",
        number);
  }

  private IOException refused(String reason, Object... arguments) {
    return new IOException(path + ": " + reason.formatted(arguments));
  }

  private static String name(ByteBuffer bytes, int at) {
    byte[] name = new byte[4];
    bytes.get(at, name);
    return new String(name, StandardCharsets.ISO_8859_1);
  }

  private ByteBuffer bytes(long at, int count, String what) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (file.read(bytes, at + bytes.position()) < 0) {
        throw refused(
            "is truncated: it ends within %s, at byte %d; if it is a WAV file, copy it again",
            what, file.size());
      }
    }
    return bytes.flip();
  }

  /** What the file's samples are. */
  public WavFormat format() {
    WavFormat known = format;
    if (known == null) {
      throw new IllegalStateException("the header was not read");
    }
    return known;
  }

  /** Samples of each channel. */
  public long frames() {
    return frames;
  }

  /**
   * The next samples; 0 bytes are allocated.
   *
   * @param samples receives them
   * @param at place of the first
   * @param count how many are wanted
   * @return how many were read: fewer than {@code count} at the end of the file only
   * @throws IOException if the file cannot be read, or became shorter
   */
  public int read(float[] samples, int at, int count) throws IOException {
    WavFormat known = format();
    WavEncoding encoding = known.encoding();
    int width = encoding.bytes();
    int wanted = (int) Math.min(count, frames - read);
    int first = channel == MIX ? 0 : channel;
    int last = channel == MIX ? known.channels() : channel + 1;
    for (int i = 0; i < wanted; i++) {
      if (buffer.remaining() < known.frameBytes()) {
        fill(known.frameBytes());
      }
      int frame = buffer.position();
      float sum = 0;
      for (int c = first; c < last; c++) {
        sum += encoding.read(buffer, frame + c * width);
      }
      samples[at + i] = sum / (last - first);
      buffer.position(frame + known.frameBytes());
    }
    read += wanted;
    return wanted;
  }

  private void fill(int needed) throws IOException {
    buffer.compact();
    while (buffer.position() < needed) {
      if (file.read(buffer) < 0) {
        throw refused("became shorter while it was read");
      }
    }
    buffer.flip();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
