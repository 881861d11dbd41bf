package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * A dense layer: {@code y = activation(W x + b)}.
 *
 * @param name prefix of its tensors
 * @param w outputs x inputs
 * @param b outputs
 * @param activation what follows the sums
 */
public record Dense(String name, Matrix w, Matrix b, Activation activation) implements Layer {
  /** Checks that the shapes agree. */
  public Dense {
    b.requireLength(w.rows());
  }

  @Override
  public int inputs() {
    return w.columns();
  }

  @Override
  public int outputs() {
    return w.rows();
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
    tensors.put("W", w);
    tensors.put("b", b);
    return tensors;
  }
}
