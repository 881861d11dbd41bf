package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * A layer of a {@link Graph} that packs no matrix of its own and keeps no state: it moves values or
 * computes with them.
 *
 * <p>Operations are total: whatever finite numbers they read, they give finite ones, within plus
 * and minus {@link #LIMIT}. Each says what it gives where a formula has no finite value.
 */
public sealed interface Operation extends Layer
    permits IndexMap,
        Elementwise,
        Combine,
        Constant,
        WeightedSum,
        Reduction,
        Softmax,
        Normalise,
        MatrixProduct {
  /** What an operation gives is clipped to plus and minus this, 2^59. */
  float LIMIT = 0x1p59f;

  @Override
  List<Integer> inputWidths();

  /** The sum of {@link #inputWidths}. */
  @Override
  default int inputs() {
    return inputWidths().stream().mapToInt(Integer::intValue).sum();
  }

  /** None, unless it says otherwise. */
  @Override
  default SequencedMap<String, Matrix> tensors() {
    return new LinkedHashMap<>();
  }

  /**
   * Refuses what is no width.
   *
   * @throws IllegalArgumentException if it is not from 1 to {@link Graph#MAX_VALUES}
   */
  static void requireWidth(String layer, long width) {
    if (width < 1 || width > Graph.MAX_VALUES) {
      throw new IllegalArgumentException(
          "layer %s: a width of %d; expected 1 to %d".formatted(layer, width, Graph.MAX_VALUES));
    }
  }

  /**
   * Refuses what is no shape of a matrix in a value.
   *
   * @throws IllegalArgumentException if a side is below 1, or it has more than {@link
   *     Graph#MAX_VALUES} elements
   */
  static void requireMatrix(String layer, int rows, int columns) {
    if (rows < 1 || columns < 1 || (long) rows * columns > Graph.MAX_VALUES) {
      throw new IllegalArgumentException(
          "layer %s: a matrix of %d x %d; expected sides from 1 on and up to %d elements"
              .formatted(layer, rows, columns, Graph.MAX_VALUES));
    }
  }
}
