package io.github.stillgate.importers;

/** In which order the gates of an LSTM are stacked: input i, forget f, output o, candidate g. */
public enum LstmOrder {
  /** PyTorch, cuDNN and Keras. */
  I_F_G_O(0, 1, 3, 2),
  /** ONNX. */
  I_O_F_G(0, 2, 1, 3);

  private final int input;
  private final int forget;
  private final int output;
  private final int candidate;

  LstmOrder(int input, int forget, int output, int candidate) {
    this.input = input;
    this.forget = forget;
    this.output = output;
    this.candidate = candidate;
  }

  /** Position of i. */
  int input() {
    return input;
  }

  /** Position of f. */
  int forget() {
    return forget;
  }

  /** Position of o. */
  int output() {
    return output;
  }

  /** Position of g. */
  int candidate() {
    return candidate;
  }
}
