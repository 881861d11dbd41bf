package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Operation;

/** What is tuned layer by layer: each has weights and reads the one before. */
final class Chains {
  private Chains() {}

  /** Whether a network is one. */
  static boolean isOne(Model model) {
    return model.isChain() && model.layers().stream().noneMatch(Operation.class::isInstance);
  }

  /**
   * Refuses other networks.
   *
   * @throws IllegalArgumentException if the network is no chain, or has layers without weights
   */
  static void require(Model model) {
    if (!model.isChain()) {
      throw new IllegalArgumentException(
          "the network is a graph, in which layers read several values; only chains of layers are"
              + " tuned, pruned and quantised");
    }
    model.layers().stream()
        .filter(Operation.class::isInstance)
        .findFirst()
        .ifPresent(layer -> {
          throw refused(layer);
        });
  }

  /** Says why a layer is not taken. */
  static IllegalArgumentException refused(Layer layer) {
    return new IllegalArgumentException(
        "layer %s is an operation without weights; only chains of layers that have some are tuned,"
                .formatted(layer.name())
            + " pruned and quantised");
  }
}
