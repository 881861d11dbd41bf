package io.github.stillgate.contract;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.SumOrder;

/** Panels of rows, each row one chain: {@link SumOrder#CHAIN}. */
public abstract class PanelsContract extends SumsContract {
  protected PanelsContract(Backend backend) {
    super(backend, SumOrder.CHAIN);
  }

  /** From +0, column by column. */
  @Override
  float sum(float[] row, float[] vector) {
    float sum = 0;
    for (int i = 0; i < row.length; i++) {
      sum = Math.fma(row[i], vector[i], sum);
    }
    return sum;
  }
}
