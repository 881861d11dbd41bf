package io.github.stillgate.importers;

/** In which order the gates of a GRU are stacked: update z, reset r, candidate c. */
public enum GruOrder {
  /** PyTorch and cuDNN. */
  R_Z_C(1, 0, 2),
  /** ONNX and Keras. */
  Z_R_C(0, 1, 2);

  private final int update;
  private final int reset;
  private final int candidate;

  GruOrder(int update, int reset, int candidate) {
    this.update = update;
    this.reset = reset;
    this.candidate = candidate;
  }

  /** Position of z. */
  int update() {
    return update;
  }

  /** Position of r. */
  int reset() {
    return reset;
  }

  /** Position of c. */
  int candidate() {
    return candidate;
  }
}
