package io.github.stillgate.core.model;

import java.util.SequencedMap;

/**
 * A recurrent layer at several positions, with one set of weights and a state for each: what it
 * reads is cut into equal slices, and each is the next step of the stream at its position. It gives
 * the outputs of all positions one after the other.
 *
 * <p>It has the name and the tensors of its layer. The states of position p are called as the
 * layer's, with p behind the layer's name: {@code gru.3.h}.
 *
 * @param layer an ordinary recurrent layer
 * @param positions number of slices
 */
public record PerPosition(Layer layer, int positions) implements Layer {
  /** Refuses what is no ordinary recurrent layer. */
  public PerPosition {
    Along.requireRecurrent(layer.name(), layer);
    Operation.requireMatrix(layer.name(), positions, layer.inputs());
    Operation.requireMatrix(layer.name(), positions, layer.outputs());
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
