package io.github.stillgate.audio;

import java.nio.ByteBuffer;

/** How a sample is stored in a WAV file, little-endian. */
public enum WavEncoding {
  /** 16-bit integers; full scale is 2^15. */
  PCM16(2) {
    @Override
    float read(ByteBuffer from, int at) {
      return from.getShort(at) * 0x1p-15f;
    }

    @Override
    void write(float sample, ByteBuffer to) {
      to.putShort((short) rounded(sample, 15));
    }
  },
  /** 24-bit integers; full scale is 2^23. */
  PCM24(3) {
    @Override
    float read(ByteBuffer from, int at) {
      int value = from.get(at + 2) << 16 | (from.getShort(at) & 0xffff);
      return value * 0x1p-23f;
    }

    @Override
    void write(float sample, ByteBuffer to) {
      int value = (int) rounded(sample, 23);
      to.putShort((short) value).put((byte) (value >> 16));
    }
  },
  /** 32-bit integers; full scale is 2^31. What is read is rounded to float32. */
  PCM32(4) {
    @Override
    float read(ByteBuffer from, int at) {
      return from.getInt(at) * 0x1p-31f;
    }

    @Override
    void write(float sample, ByteBuffer to) {
      to.putInt((int) rounded(sample, 31));
    }
  },
  /** float32; full scale is 1. */
  FLOAT32(4) {
    @Override
    float read(ByteBuffer from, int at) {
      return from.getFloat(at);
    }

    @Override
    void write(float sample, ByteBuffer to) {
      to.putFloat(sample);
    }
  };

  private final int bytes;

  WavEncoding(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of a sample. */
  public int bytes() {
    return bytes;
  }

  abstract float read(ByteBuffer from, int at);

  abstract void write(float sample, ByteBuffer to);

  /** The nearest integer, at the ends of the range where it lies beyond. */
  private static long rounded(float sample, int bits) {
    double full = 1L << bits;
    return Math.round(Math.clamp(sample * full, -full, full - 1));
  }
}
