package io.github.stillgate.core.model;

import java.util.List;
import java.util.SequencedMap;

/** One layer of a {@link Model}: immutable, its shapes checked when made. */
public sealed interface Layer
    permits ConditionalGru,
        Gru,
        Lstm,
        Sru,
        SimpleRnn,
        Embedding,
        Dense,
        ConditionalDense,
        Bidirectional,
        Backward,
        Positions,
        AtPositions,
        Operation {
  /** Name, the prefix of its tensors in a weights file. */
  String name();

  /** Width of what it reads. */
  int inputs();

  /** Widths of the vectors it reads: one, unless it is made for a {@link Graph}. */
  default List<Integer> inputWidths() {
    return List.of(inputs());
  }

  /** Width of what it gives. */
  int outputs();

  /**
   * Its matrices and vectors by their names in the formulas, in the order they are written to a
   * file.
   */
  SequencedMap<String, Matrix> tensors();

  /** The state in which its streams begin; of a layer with two directions each has its own. */
  default InitialState initialState() {
    return InitialState.ZERO;
  }

  /**
   * The same layer, whose streams begin in {@code state}.
   *
   * @throws IllegalArgumentException if it keeps no such state, or another width of it
   */
  default Layer withInitialState(InitialState state) {
    throw new IllegalArgumentException(
        "layer %s keeps no state of its own, so it cannot begin in one".formatted(name()));
  }
}
