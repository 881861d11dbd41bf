package io.github.stillgate.cli.rows;

import java.io.IOException;

/** Rows of equal width, from the first to the last. One thread at a time. */
public interface RowReader extends AutoCloseable {
  /** How many there are. */
  long rows();

  /**
   * Reads the next row.
   *
   * @param row receives as many values as were asked for when it was opened
   * @throws IOException if it has another width, holds what is no number, or cannot be read; the
   *     message names file and row
   */
  void next(float[] row) throws IOException;

  /** Where the row stands that was read last: the file and the row, counted from 0. */
  String place();

  @Override
  void close() throws IOException;
}
