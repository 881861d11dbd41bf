package io.github.stillgate.core.model;

import java.util.List;

/**
 * The product of two matrices that are computed, {@code y_(r,c) = sum_k a_(r,k) b_(k,c)}, both row
 * by row. The sum is a chain of fused multiply-adds from +0 on with ascending k. Values beyond plus
 * and minus 2^49 are cut to that, so that no sum overflows.
 *
 * @param name of the layer and of what it gives
 * @param rows of a
 * @param inner columns of a, rows of b
 * @param columns of b
 */
public record MatrixProduct(String name, int rows, int inner, int columns) implements Operation {
  /** Checks the widths. */
  public MatrixProduct {
    Operation.requireMatrix(name, rows, inner);
    Operation.requireMatrix(name, inner, columns);
    Operation.requireMatrix(name, rows, columns);
  }

  @Override
  public List<Integer> inputWidths() {
    return List.of(rows * inner, inner * columns);
  }

  @Override
  public int outputs() {
    return rows * columns;
  }
}
