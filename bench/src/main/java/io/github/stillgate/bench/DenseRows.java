package io.github.stillgate.bench;

import io.github.stillgate.core.kernel.RowSource;
import java.util.SplittableRandom;

/**
 * A matrix in one array, row by row: what is packed for a benchmark, and what its answers are held
 * against.
 *
 * @param rows number of rows
 * @param columns number of columns
 * @param values {@code rows * columns} of them; whoever holds the array leaves it as it is
 */
public record DenseRows(int rows, int columns, float[] values) implements RowSource {
  /** Checks the length. */
  public DenseRows {
    if (values.length != rows * columns) {
      throw new IllegalArgumentException(
          "%d values for %d x %d".formatted(values.length, rows, columns));
    }
  }

  /** Values in [-1, 1). */
  public static DenseRows random(int rows, int columns, SplittableRandom random) {
    return new DenseRows(rows, columns, randomValues(rows * columns, random));
  }

  /** {@code count} values in [-1, 1). */
  public static float[] randomValues(int count, SplittableRandom random) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextDouble(-1, 1);
    }
    return values;
  }

  /** The element at {@code row}, {@code column}. */
  public float at(int row, int column) {
    return values[row * columns + column];
  }

  @Override
  public void copyRow(int row, float[] to) {
    System.arraycopy(values, row * columns, to, 0, columns);
  }
}
