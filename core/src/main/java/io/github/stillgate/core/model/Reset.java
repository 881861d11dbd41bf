package io.github.stillgate.core.model;

import java.util.Optional;

/** Where the reset gate of a {@link Gru} stands. */
public sealed interface Reset permits Reset.AfterMatrix, Reset.BeforeMatrix {
  /** After the matrix, with no bias of its own: eq. 5 of Davis and Arel (2016). */
  Reset AFTER = new AfterMatrix(Optional.empty());

  /** Before the matrix. */
  Reset BEFORE = new BeforeMatrix();

  /**
   * {@code c = f(Wc x + r * (Uc h + bh) + bc)}: PyTorch, cuDNN, ONNX with {@code
   * linear_before_reset = 1}.
   *
   * @param bh bias inside the product with r, n values; empty for none
   */
  record AfterMatrix(Optional<Matrix> bh) implements Reset {}

  /**
   * {@code c = f(Wc x + Uc (r * h) + bc)}: Cho et al. (2014), ONNX with {@code linear_before_reset
   * = 0}.
   */
  record BeforeMatrix() implements Reset {}
}
