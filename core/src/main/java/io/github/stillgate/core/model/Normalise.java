package io.github.stillgate.core.model;

import java.util.List;

/**
 * Each row of a matrix to mean 0 and variance 1: {@code (v - mean) / sqrt(var + epsilon)}, with the
 * variance of all its values (biased). What layer, group and instance norm have in common; scale
 * and shift are a {@link WeightedSum} behind. Rows lie one after the other.
 *
 * <p>Values beyond plus and minus 2^49 are cut to that, so that no square overflows. Sums are made
 * in the order of {@link Reduction}, those of squares by fused multiply-add. 0 / 0 is 0.
 *
 * @param name of the layer and of what it gives
 * @param rows number of rows
 * @param columns values of a row
 * @param epsilon 0 or more
 */
public record Normalise(String name, int rows, int columns, float epsilon) implements Operation {
  /** Checks the widths and epsilon. */
  public Normalise {
    Operation.requireMatrix(name, rows, columns);
    if (!(epsilon >= 0 && epsilon <= LIMIT)) {
      throw new IllegalArgumentException(
          "layer %s: an epsilon of %s; expected 0 to %s".formatted(name, epsilon, LIMIT));
    }
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
