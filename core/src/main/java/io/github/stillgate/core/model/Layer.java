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
        Along,
        PerPosition,
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
}
