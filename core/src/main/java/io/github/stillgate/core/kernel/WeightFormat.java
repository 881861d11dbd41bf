package io.github.stillgate.core.kernel;

/**
 * How a pack stores its weights. An argument of packing. Sums over float formats are formed in
 * float32: a stored weight is widened, which is exact, and then multiplied. Sums over {@link #I8}
 * are integers until they are whole.
 */
public enum WeightFormat {
  /** float32 as it is. */
  F32(4) {
    @Override
    public void round(float[] row) {}
  },

  /**
   * bfloat16: the upper half of a float32, rounded to nearest, ties to even. 32 weights that follow
   * each other in a row or panel are 16 words of 32 bits: word j holds weight j in its lower half
   * and weight j + 16 in its upper half, so one load, a shift and a mask widen two registers.
   */
  BF16(2) {
    @Override
    public void round(float[] row) {
      for (int i = 0; i < row.length; i++) {
        row[i] = round(row[i]);
      }
    }

    private static float round(float weight) {
      int bits = Float.floatToRawIntBits(weight);
      int rounded = bits + 0x7fff + (bits >>> 16 & 1);
      // Rounding up beyond the largest number would make an infinity of a finite weight.
      int kept = (rounded & 0x7f800000) == 0x7f800000 ? bits : rounded;
      return Float.intBitsToFloat(kept & 0xffff0000);
    }
  },

  /** int8 with a scale for each row ({@link Int8}); in the order {@link SumOrder#TILES} alone. */
  I8(1) {
    @Override
    public void round(float[] row) {
      float scale = Int8.scale(Int8.largest(row));
      for (int i = 0; i < row.length; i++) {
        row[i] = Int8.round(row[i], 1 / scale) * scale;
      }
    }
  };

  private final int bytes;

  WeightFormat(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one weight. */
  public int bytes() {
    return bytes;
  }

  /** Makes of the weights of one row what they are after they were stored. */
  public abstract void round(float[] row);
}
