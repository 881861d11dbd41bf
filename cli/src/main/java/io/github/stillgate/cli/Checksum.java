package io.github.stillgate.cli;

import java.util.HexFormat;

/**
 * FNV-1a over the bits of floats, 32 bits at a time: equal checksums mean equal outputs, bit for
 * bit.
 */
final class Checksum {
  private static final long PRIME = 0x100000001b3L;

  private long hash = 0xcbf29ce484222325L;

  void add(float[] values) {
    for (float value : values) {
      hash = (hash ^ (Float.floatToRawIntBits(value) & 0xffff_ffffL)) * PRIME;
    }
  }

  @Override
  public String toString() {
    return HexFormat.of().toHexDigits(hash);
  }
}
