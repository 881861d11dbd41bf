package io.github.stillgate.core.plan;

/**
 * How a plan keeps the matrices of a model. Sums are formed in float32 in every format, biases and
 * peepholes stay float32, and a format has the same bits on every backend.
 */
public enum WeightFormat {
  /** float32, as the model has them. */
  F32,

  /**
   * bfloat16, half the bytes: the upper 16 bits of a float32, rounded to nearest, ties to even. A
   * step has the bits of the same plan with {@link #F32} on the rounded model. Weights of a bf16
   * file are not changed by it.
   */
  BF16
}
