package io.github.stillgate.core.kernel;

/** Rows whose weight at (row, column) is {@code first + 1000 row + column}. */
record NumberedRows(int rows, int columns, int first) implements RowSource {
  static NumberedRows of(int rows, int columns) {
    return new NumberedRows(rows, columns, 0);
  }

  @Override
  public void copyRow(int row, float[] to) {
    for (int column = 0; column < columns; column++) {
      to[column] = first + 1000 * row + column;
    }
  }
}
