package io.github.stillgate.core.session;

import io.github.stillgate.core.kernel.Elementary;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * The bytes of a session's state, little-endian: magic "SGSN", version, the model's fingerprint,
 * the number of floats, the floats, and a CRC-32C of all before it.
 */
final class Snapshot {
  private static final int MAGIC = 0x4e534753;
  private static final int VERSION = 1;
  private static final int HEADER_BYTES = 4 + 4 + 8 + 4;
  private static final int CHECKSUM_BYTES = 4;

  /** A convex combination of values within [-1, 1], and room for its rounding. */
  private static final float STATE_BOUND = 1.0001f;

  private Snapshot() {}

  static byte[] encode(long fingerprint, float[] state) {
    ByteBuffer bytes =
        ByteBuffer.allocate(HEADER_BYTES + 4 * state.length + CHECKSUM_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(MAGIC).putInt(VERSION).putLong(fingerprint).putInt(state.length);
    for (float value : state) {
      bytes.putFloat(value);
    }
    bytes.putInt(checksum(bytes.array(), bytes.position()));
    return bytes.array();
  }

  static float[] decode(byte[] snapshot, long fingerprint, int floats) {
    ByteBuffer bytes = ByteBuffer.wrap(snapshot).order(ByteOrder.LITTLE_ENDIAN);
    if (snapshot.length < HEADER_BYTES + CHECKSUM_BYTES || bytes.getInt() != MAGIC) {
      throw new IllegalArgumentException(
          "these %d bytes are not a snapshot".formatted(snapshot.length));
    }
    int version = bytes.getInt();
    if (version != VERSION) {
      throw new IllegalArgumentException(
          "snapshot version %d is not known; this library reads version %d"
              .formatted(version, VERSION));
    }
    int payload = snapshot.length - CHECKSUM_BYTES;
    if (bytes.getInt(payload) != checksum(snapshot, payload)) {
      throw new IllegalArgumentException("the snapshot is damaged: its checksum does not match");
    }
    long model = bytes.getLong();
    if (model != fingerprint) {
      throw new IllegalArgumentException(
          "the snapshot is of another model: %016x, this one is %016x"
              .formatted(model, fingerprint));
    }
    int count = bytes.getInt();
    if (count != floats || payload != HEADER_BYTES + 4L * floats) {
      throw new IllegalArgumentException(
          "the snapshot holds %d values in %d bytes, the state has %d"
              .formatted(count, snapshot.length, floats));
    }
    float[] state = new float[floats];
    for (int i = 0; i < floats; i++) {
      float value = bytes.getFloat();
      if (!(Math.abs(value) <= STATE_BOUND)) {
        throw new IllegalArgumentException(
            "the snapshot's value %d is %s; a state lies within [-1, 1]".formatted(i, value));
      }
      state[i] = Elementary.flush(value);
    }
    return state;
  }

  private static int checksum(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }
}
