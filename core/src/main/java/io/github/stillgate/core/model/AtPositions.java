package io.github.stillgate.core.model;

import java.util.SequencedMap;

/**
 * A recurrent layer that reads what it is given in equal slices, one for each position, with one
 * set of weights, and gives its outputs one after the other. It has the name and the tensors of the
 * layer in it, and begins in that layer's initial state.
 */
public sealed interface AtPositions extends Layer permits Along, PerPosition {
  /** The layer in it, which reads a slice. */
  Layer layer();

  /** Number of slices. */
  int positions();

  @Override
  default String name() {
    return layer().name();
  }

  @Override
  default int inputs() {
    return positions() * layer().inputs();
  }

  @Override
  default int outputs() {
    return positions() * layer().outputs();
  }

  @Override
  default SequencedMap<String, Matrix> tensors() {
    return layer().tensors();
  }

  /** That of the layer in it; of both directions each has its own. */
  @Override
  default InitialState initialState() {
    return layer().initialState();
  }

  @Override
  AtPositions withInitialState(InitialState state);

  /**
   * Refuses what is no GRU, LSTM, SRU or simple RNN.
   *
   * @throws IllegalArgumentException naming {@code name}
   */
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

  /**
   * Refuses more slices, or longer values, than there may be.
   *
   * @throws IllegalArgumentException naming the layer and the numbers
   */
  static void requireShape(Layer layer, int positions) {
    Operation.requirePositions(layer.name(), positions);
    Operation.requireMatrix(layer.name(), positions, layer.inputs());
    Operation.requireMatrix(layer.name(), positions, layer.outputs());
  }
}
