package io.github.stillgate.cli;

import io.github.stillgate.cli.plot.GraphPlot;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Operation;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** The values of a graph: where each comes from, what it is and what it costs. */
final class GraphReport {
  private static final List<String> HEAD =
      List.of("value", "width", "what", "keeps", "weights", "bytes", "reads");

  private final Graph graph;

  /** Bytes of the tensors of each layer and state, as they are stored. */
  private final Map<String, Long> bytes = new HashMap<>();

  GraphReport(Graph graph, WeightsFile file) {
    this.graph = graph;
    Set<String> names = new HashSet<>(graph.values());
    for (Tensor tensor : file.tensors().values()) {
      // Its owner's name stands before one of its dots; of two such names the longer is meant.
      int dot = tensor.name().lastIndexOf('.');
      while (dot > 0 && !names.contains(tensor.name().substring(0, dot))) {
        dot = tensor.name().lastIndexOf('.', dot - 1);
      }
      if (dot > 0) {
        bytes.merge(tensor.name().substring(0, dot), tensor.byteSize(), Long::sum);
      }
    }
  }

  private long bytes(String value) {
    return bytes.getOrDefault(value, 0L);
  }

  private static long weights(Layer layer) {
    return layer.tensors().values().stream().mapToLong(m -> (long) m.rows() * m.columns()).sum();
  }

  /** An indented listing. */
  void print(Output out) {
    out.line(
        "a graph of %s layers, inputs %s, states %s, outputs %s",
        graph.nodes().size(), graph.inputs().size(), graph.states().size(), graph.outputs().size());
    out.line("");
    List<List<String>> rows = new ArrayList<>();
    rows.add(head("inputs"));
    graph.inputs().forEach(input -> rows.add(row(input.name(), input.width(), "")));
    if (!graph.states().isEmpty()) {
      rows.add(head("states"));
      graph
          .states()
          .forEach(state -> rows.add(row(state.name(), state.width(), "becomes " + state.next())));
    }
    rows.add(head("layers"));
    for (Graph.Node node : graph.nodes()) {
      Layer layer = node.layer();
      rows.add(
          List.of(
              "  " + layer.name(),
              Output.number(layer.outputs(), 0),
              LayerText.of(layer),
              LayerText.keeps(layer),
              Output.number(weights(layer), 0),
              Output.number(bytes(layer.name()), 0),
              String.join(", ", node.inputs())));
    }
    rows.add(head("outputs"));
    graph.outputs().forEach(output -> rows.add(row(output, graph.width(output), "")));
    out.table(HEAD, rows);
  }

  private static List<String> head(String section) {
    return List.of(section, "", "", "", "", "", "");
  }

  private static List<String> row(String name, int width, String what) {
    return List.of("  " + name, Output.number(width, 0), what, "", "", "", "");
  }

  /** The same for machines. */
  Map<String, Object> describe() {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put(
        "inputs",
        graph.inputs().stream()
            .map(input -> Map.of("name", input.name(), "width", input.width()))
            .toList());
    description.put(
        "states",
        graph.states().stream()
            .map(
                state -> Map.of("name", state.name(), "width", state.width(), "next", state.next()))
            .toList());
    description.put("nodes", graph.nodes().stream().map(this::describe).toList());
    description.put(
        "reads",
        graph.nodes().stream()
            .collect(Collectors.toMap(node -> node.layer().name(), Graph.Node::inputs)));
    description.put("outputs", graph.outputs());
    return description;
  }

  private Map<String, Object> describe(Graph.Node node) {
    Map<String, Object> description = new LinkedHashMap<>();
    Layer layer = node.layer();
    description.put("name", layer.name());
    description.put("kind", LayerText.of(layer));
    description.put("reads", node.inputs());
    description.put("width", layer.outputs());
    description.put("weights", weights(layer));
    description.put("bytes", bytes(layer.name()));
    return description;
  }

  /**
   * The drawing.
   *
   * @throws IllegalArgumentException if the graph is too tangled for one
   */
  GraphPlot plot(String title) {
    List<GraphPlot.Box> boxes = new ArrayList<>();
    Map<String, Integer> places = new HashMap<>();
    graph
        .inputs()
        .forEach(input -> {
          places.put(input.name(), boxes.size());
          boxes.add(
              box(input.name(), "input, " + input.width(), "", GraphPlot.Role.INPUT, List.of()));
        });
    graph
        .states()
        .forEach(state -> {
          places.put(state.name(), boxes.size());
          boxes.add(
              box(
                  state.name(),
                  "state, " + state.width(),
                  "as the last step left it",
                  GraphPlot.Role.STATE,
                  List.of()));
        });
    for (Graph.Node node : graph.nodes()) {
      Layer layer = node.layer();
      List<Integer> reads = node.inputs().stream().map(places::get).toList();
      places.put(layer.name(), boxes.size());
      boxes.add(
          box(
              layer.name(),
              "%s, %s".formatted(LayerText.of(layer), layer.outputs()),
              "%,d weights, %,d bytes%s"
                  .formatted(
                      weights(layer),
                      bytes(layer.name()),
                      LayerText.keeps(layer).isEmpty() ? "" : ", keeps " + LayerText.keeps(layer)),
              role(layer),
              reads));
    }
    for (Graph.State state : graph.states()) {
      boxes.add(
          box(
              state.name(),
              "next state, " + state.width(),
              "for the next step",
              GraphPlot.Role.STATE,
              List.of(places.get(state.next()))));
    }
    for (String output : graph.outputs()) {
      boxes.add(
          box(
              output,
              "output, " + graph.width(output),
              "",
              GraphPlot.Role.OUTPUT,
              List.of(places.get(output))));
    }
    return new GraphPlot(title, boxes);
  }

  private static GraphPlot.Box box(
      String name, String detail, String more, GraphPlot.Role role, List<Integer> reads) {
    return new GraphPlot.Box(
        Escaped.of(name), detail, more, role, reads.stream().distinct().toList());
  }

  private static GraphPlot.Role role(Layer layer) {
    return switch (layer) {
      case IndexMap _ -> GraphPlot.Role.MOVES;
      case Operation _ -> GraphPlot.Role.COMPUTES;
      default ->
          LayerText.keeps(layer).isEmpty() ? GraphPlot.Role.MULTIPLIES : GraphPlot.Role.KEEPS;
    };
  }
}
