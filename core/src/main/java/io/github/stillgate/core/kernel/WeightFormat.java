package io.github.stillgate.core.kernel;

/**
 * How a pack stores its weights. Sums are formed in float32 in every format: a stored weight is
 * widened, which is exact, and then multiplied. An argument of packing.
 */
public enum WeightFormat {
  /** float32 as it is. */
  F32(4) {
    @Override
    public float round(float weight) {
      return weight;
    }
  },

  /**
   * bfloat16: the upper half of a float32, rounded to nearest, ties to even. 32 weights that follow
   * each other in a row or panel are 16 words of 32 bits: word j holds weight j in its lower half
   * and weight j + 16 in its upper half, so one load, a shift and a mask widen two registers.
   */
  BF16(2) {
    @Override
    public float round(float weight) {
      int bits = Float.floatToRawIntBits(weight);
      int rounded = bits + 0x7fff + (bits >>> 16 & 1);
      // Rounding up beyond the largest number would make an infinity of a finite weight.
      int kept = (rounded & 0x7f800000) == 0x7f800000 ? bits : rounded;
      return Float.intBitsToFloat(kept & 0xffff0000);
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

  /** What {@code weight} is after it was stored. */
  public abstract float round(float weight);
}
