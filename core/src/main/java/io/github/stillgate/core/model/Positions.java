package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * A dense layer at several positions, with one set of weights: what it reads is cut into equal
 * slices, and {@code y_p = activation(W x_p + b)}. With an {@link IndexMap} before it that makes
 * the slices it is a convolution.
 *
 * <p>With groups a slice is cut again: of {@code groups} parts of c values each, part g gives m
 * values with the rows {@code g m} to {@code (g + 1) m} of W. Slices, and parts in a slice, lie one
 * after the other, in what it gives too.
 *
 * @param name of the layer and of what it gives
 * @param positions number of slices
 * @param groups number of parts of a slice
 * @param w groups m x c
 * @param b groups m
 * @param activation what follows the sums
 */
public record Positions(
    String name, int positions, int groups, Matrix w, Matrix b, Activation.Elementwise activation)
    implements Layer {
  /** Checks that the shapes agree. */
  public Positions {
    b.requireLength(w.rows());
    if (positions < 1 || groups < 1 || w.rows() % groups != 0) {
      throw new IllegalArgumentException(
          "layer %s: %d positions and %d groups of %d rows; expected 1 or more, and as many rows in"
                  .formatted(name, positions, groups, w.rows())
              + " each group");
    }
    Operation.requireWidth(name, (long) positions * groups * w.columns());
    Operation.requireWidth(name, (long) positions * w.rows());
  }

  /** Values that a group reads of a slice. */
  public int groupInputs() {
    return w.columns();
  }

  /** Values that a group gives. */
  public int groupOutputs() {
    return w.rows() / groups;
  }

  @Override
  public int inputs() {
    return positions * groups * w.columns();
  }

  @Override
  public int outputs() {
    return positions * w.rows();
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
    tensors.put("W", w);
    tensors.put("b", b);
    return tensors;
  }
}
