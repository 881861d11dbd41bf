package io.github.stillgate.core.model;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** What a layer's matrices multiply, by its name in the formulas of {@code docs/format.md}. */
public enum OperandRole {
  /** x, what the layer reads. */
  INPUT,

  /** h, its state as it is before the step. */
  STATE,

  /** {@code r * h} of a GRU whose reset is before the matrix. */
  RESET_STATE,

  /** {@code o * tanh(c')} of an LSTM, which its projection multiplies. */
  CELL_OUTPUT;

  /** The operands of a layer; none of a pair of directions, which have their own. */
  public static Set<OperandRole> of(Layer layer) {
    return switch (layer) {
      case ConditionalGru _, SimpleRnn _ -> EnumSet.of(INPUT, STATE);
      case Gru gru ->
          gru.reset() instanceof Reset.BeforeMatrix
              ? EnumSet.of(INPUT, STATE, RESET_STATE)
              : EnumSet.of(INPUT, STATE);
      case Lstm lstm ->
          lstm.projection().isPresent()
              ? EnumSet.of(INPUT, STATE, CELL_OUTPUT)
              : EnumSet.of(INPUT, STATE);
      case Sru _, Embedding _, Dense _, ConditionalDense _ -> EnumSet.of(INPUT);
      case Backward backward -> of(backward.layer());
      case AtPositions at -> of(at.layer());
      case Bidirectional _, Positions _, Operation _ -> EnumSet.noneOf(OperandRole.class);
    };
  }

  /** Its word in a weights file: {@code input}, {@code state}, ... */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
