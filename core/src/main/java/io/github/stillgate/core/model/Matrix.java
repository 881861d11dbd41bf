package io.github.stillgate.core.model;

import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * An immutable, finite float32 matrix, (out, in) and row-major as in the papers, or a vector, which
 * has one column.
 *
 * <p>NaN and infinite weights are refused here, so none exists behind this point.
 */
public final class Matrix {
  private final String name;
  private final int rows;
  private final int columns;
  private final boolean vector;
  private final float[] values;

  private Matrix(String name, int rows, int columns, boolean vector, float[] values) {
    this.name = name;
    this.rows = rows;
    this.columns = columns;
    this.vector = vector;
    this.values = values;
  }

  /**
   * A copy of {@code values} as a matrix.
   *
   * @throws IllegalArgumentException if the values do not fit the shape or one is not finite
   */
  public static Matrix of(String name, int rows, int columns, float... values) {
    return adopt(name, rows, columns, false, values.clone());
  }

  /** A copy of {@code values} as a vector; otherwise like {@link #of}. */
  public static Matrix vector(String name, float... values) {
    return adopt(name, values.length, 1, true, values.clone());
  }

  /** Like {@link #of} or {@link #vector}, but keeps the array, which nobody else may hold. */
  static Matrix adopt(String name, int rows, int columns, boolean vector, float[] values) {
    if (rows < 1 || columns < 1 || (long) rows * columns != values.length) {
      throw new IllegalArgumentException(
          "%s: a %d x %d matrix cannot hold %d values"
              .formatted(name, rows, columns, values.length));
    }
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new IllegalArgumentException(
            "%s: the weight at row %d, column %d is %s; weights must be finite"
                .formatted(name, i / columns, i % columns, values[i]));
      }
    }
    return new Matrix(name, rows, columns, vector, values);
  }

  /** Name for messages. */
  public String name() {
    return name;
  }

  /** Number of rows: outputs. */
  public int rows() {
    return rows;
  }

  /** Number of columns: inputs. */
  public int columns() {
    return columns;
  }

  /** Whether this is a vector: one dimension in a weights file. */
  public boolean isVector() {
    return vector;
  }

  /** The element at {@code row}, {@code column}. */
  public float at(int row, int column) {
    return values[row * columns + column];
  }

  /** Copies one row to {@code to[at .. at + columns)}. */
  public void copyRow(int row, float[] to, int at) {
    System.arraycopy(values, row * columns, to, at, columns);
  }

  /** A row-major copy. */
  public float[] toArray() {
    return values.clone();
  }

  /** Puts the elements {@code [from, to)}, in row-major order, into {@code chunk}. */
  void copy(int from, int to, FloatBuffer chunk) {
    chunk.put(values, from, to - from);
  }

  /** The elements themselves, for a writer that only reads them: a copy would double a network. */
  float[] elements() {
    return values;
  }

  /** Number of elements. */
  int size() {
    return values.length;
  }

  /** The largest L1 norm of a row, in float64: what one unit of input can at most become. */
  public double rowNorm() {
    double largest = 0;
    for (int row = 0; row < rows; row++) {
      double norm = 0;
      for (int column = 0; column < columns; column++) {
        norm += Math.abs((double) at(row, column));
      }
      largest = Math.max(largest, norm);
    }
    return largest;
  }

  /** The largest magnitude of an element. */
  public double magnitude() {
    double largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  void requireShape(int expectedRows, int expectedColumns) {
    if (vector || rows != expectedRows || columns != expectedColumns) {
      throw new IllegalArgumentException(
          "%s, expected %d x %d".formatted(this, expectedRows, expectedColumns));
    }
  }

  void requireLength(int expected) {
    if (!vector || rows != expected) {
      throw new IllegalArgumentException("%s, expected a vector of %d".formatted(this, expected));
    }
  }

  /** Equal shape and values, bit for bit; names do not count. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Matrix m
        && rows == m.rows
        && columns == m.columns
        && vector == m.vector
        && Arrays.equals(values, m.values);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * rows + columns) + Arrays.hashCode(values);
  }

  @Override
  public String toString() {
    return vector
        ? "%s is a vector of %d".formatted(name, rows)
        : "%s is %d x %d".formatted(name, rows, columns);
  }
}
