package io.github.stillgate.core.plan;

/**
 * How a plan keeps the matrices of a model. Biases and peepholes stay float32, and a format has the
 * same bits on every backend.
 */
public enum WeightFormat {
  /** float32, as the model has them. */
  F32,

  /**
   * bfloat16, half the bytes: the upper 16 bits of a float32, rounded to nearest, ties to even. A
   * step has the bits of the same plan with {@link #F32} on the rounded model. Weights of a bf16
   * file are not changed by it.
   */
  BF16,

  /**
   * int8, a quarter of the bytes: each row of a matrix has a scale, its largest magnitude over 127,
   * and so has what it is multiplied by. Sums are exact integers. What is proved to lie within [-1,
   * 1], as the state of an ordinary GRU does, has the scale min(1, bound) / 127, and a step reads
   * only the columns of values that moved since the last: with the bits of a step that reads all.
   * So it is with operands for which the model has a scale ({@link
   * io.github.stillgate.core.model.OperandScales}); what is beyond 127 times it is clamped and
   * counted ({@link io.github.stillgate.core.session.StepStats#clamped}). Other operands have a
   * scale of their own in each step. {@link Plan#operandScales} tells which is which. Matrices that
   * the model holds as int8 keep their integers and scales.
   *
   * <p>Of layers that skip units, conditional and estimated ones, the rows of a unit are int8, and
   * all columns of a live unit are read; what decides which units are live stays float32. A BLAS
   * serves none of it.
   */
  I8
}
