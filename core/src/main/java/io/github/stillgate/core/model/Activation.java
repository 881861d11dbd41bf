package io.github.stillgate.core.model;

/** What a {@link Dense} layer does to its sums. */
public enum Activation {
  /** Nothing. */
  LINEAR,
  /** {@code exp(v_i - max v) / sum_j exp(v_j - max v)}. */
  SOFTMAX
}
