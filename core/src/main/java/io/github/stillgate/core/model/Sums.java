package io.github.stillgate.core.model;

import java.util.SequencedMap;

/**
 * The weights of one gate or candidate, whose sums are {@code w x + u h + b}.
 *
 * @param w over the input x, n x d
 * @param u over the state h, n x p
 * @param b bias, n
 */
public record Sums(Matrix w, Matrix u, Matrix b) {
  /**
   * Checks that the shapes agree with each other.
   *
   * @throws IllegalArgumentException if w or u is a vector, b is none, or their rows differ
   */
  public Sums {
    w.requireShape(w.rows(), w.columns());
    u.requireShape(w.rows(), u.columns());
    b.requireLength(w.rows());
  }

  /** Number n of sums. */
  public int rows() {
    return w.rows();
  }

  /** Width d of the input. */
  public int inputs() {
    return w.columns();
  }

  /** Whether the sum of {@code row} is its bias for ever: its weights are all 0 or -0. */
  public boolean isConstant(int row) {
    return w.isZeroRow(row) && u.isZeroRow(row);
  }

  /** Whether all sums are. */
  public boolean isConstant() {
    for (int row = 0; row < rows(); row++) {
      if (!isConstant(row)) {
        return false;
      }
    }
    return true;
  }

  void requireShape(int rows, int inputs, int states) {
    w.requireShape(rows, inputs);
    u.requireShape(rows, states);
  }

  /** Adds the three under the names W, U and b, each followed by {@code gate}. */
  void addTo(SequencedMap<String, Matrix> tensors, String gate) {
    tensors.put("W" + gate, w);
    tensors.put("U" + gate, u);
    tensors.put("b" + gate, b);
  }
}
