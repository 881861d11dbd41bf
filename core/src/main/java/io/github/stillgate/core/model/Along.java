package io.github.stillgate.core.model;

import java.util.SequencedMap;

/**
 * A recurrent layer that runs over an axis within a step, over the frequencies of a frame say: what
 * it reads is cut into equal slices, which are the layer's steps, from its initial state in each
 * step. It gives the layer's outputs one after the other, and keeps nothing for the next step.
 *
 * <p>It has the name and the tensors of its layer.
 *
 * @param layer an ordinary recurrent layer, one that reads from the end, or both directions
 * @param positions number of slices
 */
public record Along(Layer layer, int positions) implements Layer {
  /** Refuses what is no ordinary recurrent layer. */
  public Along {
    switch (layer) {
      case Bidirectional pair -> {
        requireRecurrent(pair.name(), pair.forward());
        requireRecurrent(pair.name(), pair.backward());
      }
      case Backward backward -> requireRecurrent(backward.name(), backward.layer());
      default -> requireRecurrent(layer.name(), layer);
    }
    Operation.requireMatrix(layer.name(), positions, layer.inputs());
    Operation.requireMatrix(layer.name(), positions, layer.outputs());
  }

  /** Refuses what is no GRU, LSTM, SRU or simple RNN. */
  static void requireRecurrent(String name, Layer layer) {
    if (!(layer instanceof Gru
        || layer instanceof Lstm
        || layer instanceof Sru
        || layer instanceof SimpleRnn)) {
      throw new IllegalArgumentException(
          "layer %s: only a GRU, an LSTM, an SRU or a simple RNN runs at positions of a step"
              .formatted(name));
    }
  }

  @Override
  public String name() {
    return layer.name();
  }

  @Override
  public int inputs() {
    return positions * layer.inputs();
  }

  @Override
  public int outputs() {
    return positions * layer.outputs();
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    return layer.tensors();
  }
}
