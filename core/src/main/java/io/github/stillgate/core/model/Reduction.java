package io.github.stillgate.core.model;

import java.util.List;

/**
 * Each row of a matrix to one value. Rows lie one after the other.
 *
 * <p>A sum has 16 partial sums, number l taking the elements l, l + 16, l + 32, ... from +0 on;
 * then the tree p[l] += p[l + 8], += 4, += 2, += 1. A mean is the sum divided by the number of
 * columns. Of equal values the first is the largest, and the smallest.
 *
 * @param name of the layer and of what it gives
 * @param rows values it gives
 * @param columns values of a row
 * @param kind what it makes of a row
 */
public record Reduction(String name, int rows, int columns, Kind kind) implements Operation {
  /** What is made of a row. */
  public enum Kind {
    /** The sum. */
    SUM,
    /** The sum divided by the number of columns. */
    MEAN,
    /** The largest value. */
    MAXIMUM,
    /** The smallest value. */
    MINIMUM
  }

  /** Checks the widths. */
  public Reduction {
    Operation.requireMatrix(name, rows, columns);
  }

  @Override
  public List<Integer> inputWidths() {
    return List.of(rows * columns);
  }

  @Override
  public int outputs() {
    return rows;
  }
}
