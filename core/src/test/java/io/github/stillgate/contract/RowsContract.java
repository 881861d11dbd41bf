package io.github.stillgate.contract;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.SumOrder;

/** Rows that are summed one by one: {@link SumOrder#INTERLEAVED}. */
public abstract class RowsContract extends SumsContract {
  protected RowsContract(Backend backend) {
    super(backend, SumOrder.INTERLEAVED);
  }

  /** 32 partial sums from +0, then the tree. */
  @Override
  float sum(float[] row, float[] vector) {
    float[] partial = new float[32];
    int padded = (row.length + 31) / 32 * 32;
    for (int i = 0; i < padded; i++) {
      // A product with the padding is +0; it turns a partial sum that underflowed to -0 into +0.
      float weight = i < row.length ? row[i] : 0f;
      float value = i < row.length ? vector[i] : 0f;
      partial[i % 32] = Math.fma(weight, value, partial[i % 32]);
    }
    for (int half = 16; half > 0; half /= 2) {
      for (int lane = 0; lane < half; lane++) {
        partial[lane] = partial[lane] + partial[lane + half];
      }
    }
    return partial[0];
  }
}
