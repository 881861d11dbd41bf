package io.github.stillgate.core.model;

import java.util.SequencedMap;

/**
 * A layer that reads its sequence from the last step to the first; its output at a step belongs to
 * that step. Runs in a {@code Sequence} and never in a {@code Session}.
 *
 * @param layer what it does
 */
public record Backward(Layer layer) implements Layer {
  /** Refuses what has a direction of its own. */
  public Backward {
    requireOneDirection(layer);
  }

  static void requireOneDirection(Layer layer) {
    if (layer instanceof Backward || layer instanceof Bidirectional) {
      throw new IllegalArgumentException(
          "layer %s has directions of its own and cannot stand inside another"
              .formatted(layer.name()));
    }
  }

  @Override
  public String name() {
    return layer.name();
  }

  @Override
  public int inputs() {
    return layer.inputs();
  }

  @Override
  public int outputs() {
    return layer.outputs();
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    return layer.tensors();
  }

  @Override
  public InitialState initialState() {
    return layer.initialState();
  }

  @Override
  public Backward withInitialState(InitialState state) {
    return new Backward(layer.withInitialState(state));
  }
}
