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
 * @param initialState h before the first step
 */
public record SimpleRnn(
    String name,
    Matrix w,
    Matrix u,
    Matrix b,
    Activation.Elementwise activation,
    InitialState initialState)
    implements Layer {
  /** Checks that the shapes agree. */
  public SimpleRnn {
    u.requireShape(w.rows(), w.rows());
    b.requireLength(w.rows());
    initialState.requireWidths(name, w.rows(), 0);
  }

  /** One that begins with zeros. */
  public SimpleRnn(String name, Matrix w, Matrix u, Matrix b, Activation.Elementwise activation) {
    this(name, w, u, b, activation, InitialState.ZERO);
  }

  @Override
  public SimpleRnn withInitialState(InitialState state) {
    return new SimpleRnn(name, w, u, b, activation, state);
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
    initialState.addTo(tensors);
    return tensors;
  }
}
