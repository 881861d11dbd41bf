package io.github.stillgate.core.session;

import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.plan.StatePart;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
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

  static float[] decode(byte[] snapshot, long fingerprint, int floats, List<StatePart> parts) {
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
      state[i] = Elementary.flush(bytes.getFloat());
    }
    for (StatePart part : parts) {
      for (int i = 0; i < part.width(); i++) {
        check(part, i, state[part.at() + i]);
      }
      // Padding is no part of a state; nothing but zeros goes on from here.
      Arrays.fill(state, part.at() + part.width(), part.at() + RowLayout.padded(part.width()), 0f);
    }
    return state;
  }

  /** Refuses what no state can be. */
  static void check(StatePart part, int i, float value) {
    // Written so that NaN fails it too.
    if (!(Math.abs(value) <= part.bound())) {
      throw new IllegalArgumentException(
          "value %d of %s is %s; it lies within plus and minus %s"
              .formatted(i, part.name(), value, part.bound()));
    }
  }

  private static int checksum(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }
}
