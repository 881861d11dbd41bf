package io.github.stillgate.bench.strategy;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.bench.DenseRows;
import java.lang.foreign.MemorySegment;

/** Holds a strategy's sums against float64. */
final class Answers {
  private Answers() {}

  /**
   * @throws IllegalStateException if the sum is off by more than rounding in any order: n times
   *     half an ulp of the sum of magnitudes
   */
  static void check(String strategy, DenseRows rows, int row, MemorySegment x, float sum) {
    double exact = 0;
    double magnitude = 0;
    for (int k = 0; k < rows.columns(); k++) {
      double product = (double) rows.at(row, k) * x.getAtIndex(JAVA_FLOAT, k);
      exact += product;
      magnitude += Math.abs(product);
    }
    if (!(Math.abs(sum - exact) <= rows.columns() * 0x1p-24 * magnitude)) {
      throw new IllegalStateException(
          "%s gives %s for row %d; float64 gives %s".formatted(strategy, sum, row, exact));
    }
  }
}
