package io.github.stillgate.core.model;

/**
 * A recurrent layer that runs over an axis within a step, over the frequencies of a frame say: what
 * it reads is cut into equal slices, which are the layer's steps, from its initial state in each
 * step. It gives the layer's outputs one after the other, and keeps nothing for the next step.
 *
 * @param layer an ordinary recurrent layer, one that reads from the end, or both directions
 * @param positions number of slices
 */
public record Along(Layer layer, int positions) implements AtPositions {
  /** Refuses what is no ordinary recurrent layer. */
  public Along {
    switch (layer) {
      case Bidirectional pair -> {
        AtPositions.requireRecurrent(pair.name(), pair.forward());
        AtPositions.requireRecurrent(pair.name(), pair.backward());
      }
      case Backward backward -> AtPositions.requireRecurrent(backward.name(), backward.layer());
      default -> AtPositions.requireRecurrent(layer.name(), layer);
    }
    AtPositions.requireShape(layer, positions);
  }

  @Override
  public Along withInitialState(InitialState state) {
    return new Along(layer.withInitialState(state), positions);
  }
}
