package io.github.stillgate.importers;

/** What the update gate z of a GRU weighs. */
public enum UpdateConvention {
  /** {@code h' = (1 - z) c + z h}: PyTorch, ONNX, cuDNN, Keras. */
  WEIGHS_OLD_STATE,
  /** {@code h' = (1 - z) h + z c}: Davis and Arel (2016), and every layer of this library. */
  WEIGHS_CANDIDATE
}
