package io.github.stillgate.core.model.format;

import io.github.stillgate.core.model.Matrix;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** A SHA-256 under way, of which the first 64 bits are taken. Matrices are fed in pieces. */
final class Digest {
  private static final int FLOATS = 1 << 13;

  private final MessageDigest sha;
  private final float[] floats = new float[FLOATS];
  private final ByteBuffer chunk = ByteBuffer.allocate(Float.BYTES * FLOATS);

  Digest() {
    try {
      this.sha = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  /** The bytes of {@code text} in UTF-8, nothing around them. */
  Digest text(String text) {
    sha.update(text.getBytes(StandardCharsets.UTF_8));
    return this;
  }

  /** Four bytes, the highest first. */
  Digest number(int value) {
    sha.update(ByteBuffer.allocate(Integer.BYTES).putInt(value).array());
    return this;
  }

  /** Rows, columns, and the bits of every element row by row, the highest byte first. */
  Digest matrix(Matrix m) {
    number(m.rows()).number(m.columns());
    int size = m.rows() * m.columns();
    for (int from = 0; from < size; from += FLOATS) {
      int count = Math.min(FLOATS, size - from);
      m.copy(from, count, floats, 0);
      chunk.clear().asFloatBuffer().put(floats, 0, count);
      sha.update(chunk.array(), 0, Float.BYTES * count);
    }
    return this;
  }

  /** The first 64 bits; the digest is used up. */
  long first64() {
    return ByteBuffer.wrap(sha.digest()).getLong();
  }
}
