package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ArrayNode;
import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.OperandRole;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Descriptions of version 2: a {@link Graph}. */
final class GraphFormat {
  private GraphFormat() {}

  /**
   * Reads a graph and the tensors of its layers and states.
   *
   * @param scales receives those of operands
   * @throws IllegalArgumentException if a field is missing, unknown or wrong, or the graph is not
   *     sound
   */
  static Graph read(
      JsonNode root, TensorReader tensors, Map<String, Map<OperandRole, Float>> scales) {
    JsonFields.require(
        root,
        "the description of version 2",
        Set.of("version", "inputs", "nodes", "outputs"),
        Set.of("states"));
    List<Graph.Value> inputs = new ArrayList<>();
    for (JsonNode input : NetworkDescription.array(root, "inputs")) {
      JsonFields.require(input, "an input", Set.of("name", "width"), Set.of());
      inputs.add(new Graph.Value(name(input), LayerReader.count(input, "width")));
    }
    List<Graph.State> states = new ArrayList<>();
    if (root.has("states")) {
      for (JsonNode state : NetworkDescription.array(root, "states")) {
        states.add(state(state, tensors));
      }
    }
    List<Graph.Node> nodes = new ArrayList<>();
    long values = 0;
    for (JsonNode node : NetworkDescription.array(root, "nodes")) {
      JsonFields.require(node, "a node", Set.of("reads", "layer"), Set.of());
      Layer layer = new LayerReader(node.path("layer"), "", tensors, scales).read();
      values = NetworkDescription.withValuesOf(layer, values);
      nodes.add(new Graph.Node(layer, names(node, "reads")));
    }
    return new Graph(inputs, states, nodes, names(root, "outputs"));
  }

  private static Graph.State state(JsonNode state, TensorReader tensors) {
    JsonFields.require(state, "a state", Set.of("name", "width", "next"), Set.of("initial"));
    String name = name(state);
    int width = LayerReader.count(state, "width");
    Optional<Matrix> initial = Optional.empty();
    if (state.has("initial")) {
      JsonNode stored = state.path("initial");
      if (!stored.isBoolean()) {
        throw new IllegalArgumentException(
            "state %s: \"initial\" is %s; expected true or false".formatted(name, stored));
      }
      if (stored.booleanValue()) {
        initial = Optional.of(tensors.read(name + ".initial", width));
      }
    }
    return new Graph.State(
        name, width, initial, JsonFields.text(state.path("next"), "\"next\" of state " + name));
  }

  private static String name(JsonNode node) {
    return JsonFields.text(node.path("name"), "a value's \"name\"");
  }

  private static List<String> names(JsonNode node, String field) {
    List<String> names = new ArrayList<>();
    for (JsonNode name : NetworkDescription.array(node, field)) {
      names.add(JsonFields.text(name, "a name in \"%s\"".formatted(field)));
    }
    return names;
  }

  /** Writes the fields that {@link #read} reads, except the version. */
  static void describe(Model model, ObjectNode root) {
    Graph graph = model.graph();
    ArrayNode inputs = root.putArray("inputs");
    for (Graph.Value input : graph.inputs()) {
      inputs.addObject().put("name", input.name()).put("width", input.width());
    }
    if (!graph.states().isEmpty()) {
      ArrayNode states = root.putArray("states");
      for (Graph.State state : graph.states()) {
        ObjectNode node = states.addObject();
        node.put("name", state.name()).put("width", state.width()).put("next", state.next());
        if (state.initial().isPresent()) {
          node.put("initial", true);
        }
      }
    }
    ArrayNode nodes = root.putArray("nodes");
    for (Graph.Node each : graph.nodes()) {
      ObjectNode node = nodes.addObject();
      ArrayNode reads = node.putArray("reads");
      each.inputs().forEach(reads::add);
      NetworkDescription.describe(model, each.layer(), node.putObject("layer"));
    }
    ArrayNode outputs = root.putArray("outputs");
    graph.outputs().forEach(outputs::add);
  }
}
