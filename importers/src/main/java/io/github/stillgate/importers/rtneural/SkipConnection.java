package io.github.stillgate.importers.rtneural;

import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import java.util.List;

/**
 * A network that adds its input to what its layers give: {@code y_i = layers(x)_i + x_i} of the
 * first values of x, or {@code + x_0} everywhere if one value is added.
 */
final class SkipConnection {
  private SkipConnection() {}

  /**
   * The network of these layers, each of which reads the one before.
   *
   * @param added how many values of the input are added: 1, or as many as the layers give
   */
  static Model around(List<Layer> layers, int added) {
    int inputs = layers.getFirst().inputs();
    int outputs = layers.getLast().outputs();
    Graph.Builder graph = Graph.builder().input("input", inputs);
    String before = "input";
    for (Layer layer : layers) {
      graph.node(layer, before);
      before = layer.name();
    }
    String skipped = "input";
    if (inputs != outputs || added != outputs) {
      skipped = "skip";
      graph.node(IndexMap.of(skipped, inputs, outputs, value -> added == 1 ? 0 : value), "input");
    }
    return new Model(
        graph
            .node(new Combine("output", outputs, Combine.Kind.ADD), before, skipped)
            .output("output")
            .build());
  }
}
