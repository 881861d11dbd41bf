package io.github.stillgate.tuning;

import io.github.stillgate.core.model.AtPositions;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Operation;
import io.github.stillgate.core.model.Positions;

/** What is tuned layer by layer: recurrent and dense layers, each of which reads the one before. */
final class Chains {
  private Chains() {}

  /** Whether a network is one. */
  static boolean isOne(Model model) {
    return model.isChain() && model.layers().stream().noneMatch(Chains::isOfGraphs);
  }

  private static boolean isOfGraphs(Layer layer) {
    return layer instanceof Operation || layer instanceof Positions || layer instanceof AtPositions;
  }

  /**
   * Refuses other networks.
   *
   * @throws IllegalArgumentException if the network is no chain of recurrent and dense layers
   */
  static void require(Model model) {
    if (!model.isChain()) {
      throw new IllegalArgumentException(
          "the network is a graph, in which layers read several values; only chains of layers are"
              + " tuned, pruned and quantised");
    }
    model.layers().stream()
        .filter(Chains::isOfGraphs)
        .findFirst()
        .ifPresent(layer -> {
          throw refused(layer);
        });
  }

  /** Says why a layer is not taken. */
  static IllegalArgumentException refused(Layer layer) {
    return new IllegalArgumentException(
        "layer %s is of a kind that is made for graphs; only chains of recurrent and dense layers are"
                .formatted(layer.name())
            + " tuned, pruned and quantised");
  }
}
