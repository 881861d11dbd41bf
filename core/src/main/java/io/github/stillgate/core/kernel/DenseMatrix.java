package io.github.stillgate.core.kernel;

import java.util.Objects;

/**
 * A row-major matrix on its way into a pack: {@code values[row * columns + column]}. Not copied;
 * must not change while packs are made from it.
 *
 * @param rows number of rows, at least 1
 * @param columns number of columns, at least 1
 * @param values rows times columns values
 */
public record DenseMatrix(int rows, int columns, float[] values) {
  /** Checks that the values fit the shape. */
  public DenseMatrix {
    Objects.requireNonNull(values);
    if (rows < 1 || columns < 1 || (long) rows * columns != values.length) {
      throw new IllegalArgumentException(
          "a %d x %d matrix cannot hold %d values".formatted(rows, columns, values.length));
    }
  }

  /** The element at {@code row}, {@code column}. */
  public float at(int row, int column) {
    return values[row * columns + column];
  }
}
