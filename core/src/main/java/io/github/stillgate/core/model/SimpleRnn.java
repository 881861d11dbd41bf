package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * The recurrent layer without gates of Elman (1990): {@code h' = activation(W x + U h + b)}.
 *
 * @param name prefix of its tensors
 * @param w n x d
 * @param u n x n
 * @param b n
 * @param activation usually tanh; a plan refuses one without bounds, under which the state could
 *     overflow, so a recurrence with relu needs a clip
 */
public record SimpleRnn(
    String name, Matrix w, Matrix u, Matrix b, Activation.Elementwise activation) implements Layer {
  /** Checks that the shapes agree. */
  public SimpleRnn {
    u.requireShape(w.rows(), w.rows());
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
    tensors.put("U", u);
    tensors.put("b", b);
    return tensors;
  }
}
