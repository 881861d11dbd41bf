package io.github.stillgate.cli.rows;

import java.io.IOException;

/** Takes the outputs of each step. One thread at a time. */
public interface RowWriter {
  /**
   * Takes the outputs of one step.
   *
   * @param outputs a row of each output, in the order that was told; copied
   */
  void add(float[][] outputs) throws IOException;

  /** Writes what is left. */
  void finish() throws IOException;
}
