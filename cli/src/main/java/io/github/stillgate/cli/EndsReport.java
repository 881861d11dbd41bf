package io.github.stillgate.cli;

import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import java.util.ArrayList;
import java.util.List;

/** What whoever runs a network gives it, gets from it and finds kept in it, a line each. */
final class EndsReport {
  private final Model model;

  EndsReport(Model model) {
    this.model = model;
  }

  void print(Output out) {
    lines().forEach(line -> out.line("%s", line));
  }

  private List<String> lines() {
    Graph graph = model.graph();
    List<String> lines = new ArrayList<>();
    for (Graph.Value input : graph.inputs()) {
      lines.add(
          "input \"%s\": %s"
              .formatted(
                  input.name(),
                  model.readsTokens() ? "a token a step" : values(input.width()) + " a step"));
    }
    for (String output : graph.outputs()) {
      lines.add("output \"%s\": %s a step".formatted(output, values(graph.width(output))));
    }
    for (Graph.State state : graph.states()) {
      lines.add(
          "state \"%s\": %s, becomes \"%s\" after a step"
              .formatted(state.name(), values(state.width()), state.next()));
    }
    for (Layer layer : graph.layers()) {
      String kept = LayerText.keeps(layer);
      if (!kept.isEmpty()) {
        lines.add("state of layer \"%s\": %s".formatted(layer.name(), kept));
      }
    }
    return lines;
  }

  private static String values(int width) {
    return width == 1 ? "1 value" : "%d values".formatted(width);
  }
}
