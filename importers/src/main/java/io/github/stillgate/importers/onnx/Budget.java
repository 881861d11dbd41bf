package io.github.stillgate.importers.onnx;

/**
 * How many values the layers of a graph may have. Nodes can share weights, and functions of their
 * own become products with the identity, so a small file could describe a network that fills the
 * memory.
 */
final class Budget {
  /** What every file may make: 32 MiB of float32. */
  static final long LEAST = 1L << 23;

  private final long most;
  private final long fileBytes;
  private long taken;

  /** For a file of {@code fileBytes}: two values for each of its bytes. */
  Budget(long fileBytes) {
    this.fileBytes = fileBytes;
    this.most = Math.max(LEAST, 2 * fileBytes);
  }

  /**
   * Takes {@code values}, before they are allocated.
   *
   * @throws UnsupportedOnnxException if there are none left
   */
  void take(long values, GraphNode node) {
    taken += values;
    if (taken > most) {
      throw node.unsupported(
          "with its %d values the layers have %d, while the file has %d bytes; supported are %d (a"
                  .formatted(values, taken, fileBytes, most)
              + " function that does not stand behind a Gemm or MatMul costs the square of its"
              + " width, and shared weights count each time)");
    }
  }
}
