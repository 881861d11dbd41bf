package io.github.stillgate.core.model;

/**
 * A recurrent layer at several positions, with one set of weights and a state for each: what it
 * reads is cut into equal slices, and each is the next step of the stream at its position. It gives
 * the outputs of all positions one after the other.
 *
 * <p>The states of position p are called as the layer's, with p behind the layer's name: {@code
 * gru.3.h}. All begin in the layer's initial state.
 *
 * @param layer an ordinary recurrent layer
 * @param positions number of slices
 */
public record PerPosition(Layer layer, int positions) implements AtPositions {
  /** Refuses what is no ordinary recurrent layer. */
  public PerPosition {
    AtPositions.requireRecurrent(layer.name(), layer);
    AtPositions.requireShape(layer, positions);
  }

  @Override
  public PerPosition withInitialState(InitialState state) {
    return new PerPosition(layer.withInitialState(state), positions);
  }
}
