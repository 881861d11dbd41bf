package io.github.stillgate.core.kernel;

/**
 * A matrix on its way into a pack, read row by row, so that packing needs no copy of the whole. Its
 * values are finite and must not change while packs are made from it.
 */
public interface RowSource {
  /** Number of rows, at least 1. */
  int rows();

  /** Number of columns, at least 1. */
  int columns();

  /** Copies one row to {@code to[0 .. columns)}. */
  void copyRow(int row, float[] to);

  /**
   * The scale a row was stored with as int8: its values are integers from -127 to 127 times that. 0
   * if it has none.
   */
  default float scale(int row) {
    return 0;
  }
}
