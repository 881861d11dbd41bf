package io.github.stillgate.core.model;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The first 64 bits of a SHA-256 over everything that decides what a model computes. */
final class Fingerprint {
  private Fingerprint() {}

  static long of(Model model) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
    for (Layer layer : model.layers()) {
      String kind =
          layer.getClass().getSimpleName()
              + (layer instanceof Dense dense ? dense.activation().name() : "");
      digest.update(kind.getBytes(StandardCharsets.UTF_8));
      for (Matrix m : layer.tensors().values()) {
        float[] values = m.toArray();
        ByteBuffer bytes = ByteBuffer.allocate(8 + 4 * values.length);
        bytes.putInt(m.rows()).putInt(m.columns());
        bytes.asFloatBuffer().put(values);
        digest.update(bytes.array());
      }
    }
    return ByteBuffer.wrap(digest.digest()).getLong();
  }
}
