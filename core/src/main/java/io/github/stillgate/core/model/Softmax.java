package io.github.stillgate.core.model;

import java.util.List;

/**
 * The softmax of each row of a matrix, {@code exp(v_j - max v) / sum_k exp(v_k - max v)}, in the
 * order of {@link Activation#SOFTMAX}. Rows lie one after the other.
 *
 * @param name of the layer and of what it gives
 * @param rows number of rows
 * @param columns values of a row
 */
public record Softmax(String name, int rows, int columns) implements Operation {
  /** Checks the widths. */
  public Softmax {
    Operation.requireMatrix(name, rows, columns);
  }

  @Override
  public List<Integer> inputWidths() {
    return List.of(rows * columns);
  }

  @Override
  public int outputs() {
    return rows * columns;
  }
}
