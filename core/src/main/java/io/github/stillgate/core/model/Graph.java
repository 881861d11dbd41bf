package io.github.stillgate.core.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;

/**
 * A network whose layers read what they are told to: named values, computed once in each step.
 *
 * <p>A value is an input, a state, or what a node's layer gives, which has the layer's name. All
 * are vectors of a fixed width. A state is what it was made by the step before: a step reads its
 * old value, wherever it reads it, and when all is computed the state becomes the value named
 * {@code next}. States of recurrent layers stay theirs and are not listed here.
 *
 * <pre>
 *   // y = tanh(W x + b) of x and its own last value
 *   Graph graph =
 *       Graph.builder()
 *           .input("x", 8)
 *           .state("last", 4, "y")
 *           .node(IndexMap.concat("both", 8, 4), "x", "last")
 *           .node(new Dense("y", w, b, Activation.TANH), "both")
 *           .output("y")
 *           .build();
 *   Model model = new Model(graph);
 *   try (Plan plan = Plan.compile(model); Session session = Session.open(plan)) {
 *     session.set("x", chunk);
 *     session.step();
 *     session.get("y", result);
 *   }
 * </pre>
 *
 * <p>Immutable; sound when it is made: all that a step reads is there, and nothing is computed that
 * nobody reads.
 *
 * @param inputs what a step is given, one or more
 * @param states what a step keeps for the next
 * @param nodes in an order in which each value is made before it is read
 * @param outputs names of the values that a step gives, one or more; any value may be one
 */
public record Graph(
    List<Value> inputs, List<State> states, List<Node> nodes, List<String> outputs) {
  /** The most values of a network, over all inputs, states and nodes: 2^24. */
  public static final int MAX_VALUES = 1 << 24;

  /**
   * A named vector.
   *
   * @param name of its own in the graph
   * @param width number of values
   */
  public record Value(String name, int width) {}

  /**
   * A vector that a step reads and then replaces. Magnitudes below 1e-30 become +0 when it is
   * replaced, as in all states.
   *
   * @param name of its own in the graph; sessions read and set it by this name
   * @param width number of values
   * @param initial what it is before the first step; zeros if empty
   * @param next name of the value that replaces it
   */
  public record State(String name, int width, Optional<Matrix> initial, String next) {
    /**
     * Checks the initial values.
     *
     * @throws IllegalArgumentException if they are not as many as the width, or beyond {@link
     *     Operation#LIMIT}
     */
    public State {
      initial.ifPresent(values -> {
        values.requireLength(width);
        if (values.magnitude() > Operation.LIMIT) {
          throw new IllegalArgumentException(
              "state %s begins with a magnitude of %s; expected at most %s"
                  .formatted(name, values.magnitude(), Operation.LIMIT));
        }
      });
    }

    /** Its initial values by their name in a weights file, if it has any. */
    SequencedMap<String, Matrix> tensors() {
      SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
      initial.ifPresent(values -> tensors.put("initial", values));
      return tensors;
    }
  }

  /**
   * A layer and what it reads.
   *
   * @param layer gives the value of its name
   * @param inputs names of the values it reads, in the order of {@link Layer#inputWidths}
   */
  public record Node(Layer layer, List<String> inputs) {
    /** Copies the names. */
    public Node {
      inputs = List.copyOf(inputs);
    }
  }

  /**
   * Copies the lists.
   *
   * @throws IllegalArgumentException if there is no input, node or output, or more nodes than
   *     {@link Model#MAX_LAYERS}, or more values than {@link #MAX_VALUES}; two values share a name;
   *     a layer reads what is not there or made after it, or of another width; or a value is
   *     computed that nobody reads
   */
  public Graph {
    inputs = List.copyOf(inputs);
    states = List.copyOf(states);
    nodes = List.copyOf(nodes);
    outputs = List.copyOf(outputs);
    new Check(inputs, states, nodes, outputs).run();
  }

  /** A graph under construction. */
  public static Builder builder() {
    return new Builder();
  }

  /** The graph of layers that each read the one before. */
  static Graph ofChain(List<Layer> layers) {
    String before = chainInput(layers);
    Builder builder = builder().input(before, layers.getFirst().inputs());
    for (Layer layer : layers) {
      builder.node(layer, before);
      before = layer.name();
    }
    return builder.output(before).build();
  }

  /** What the input of a list of layers is called: "input", unless a layer is. */
  private static String chainInput(List<Layer> layers) {
    Set<String> taken = new HashSet<>();
    layers.forEach(layer -> taken.add(layer.name()));
    String name = "input";
    while (taken.contains(name)) {
      name += "_";
    }
    return name;
  }

  /** Whether it is the graph of its layers as a list. */
  boolean isUnnamedChain() {
    return isChain() && inputs.getFirst().name().equals(chainInput(layers()));
  }

  /** Whether each layer reads the one before, the first the only input, and the last is given. */
  public boolean isChain() {
    if (inputs.size() != 1 || !states.isEmpty() || outputs.size() != 1) {
      return false;
    }
    String before = inputs.getFirst().name();
    for (Node node : nodes) {
      if (!node.inputs().equals(List.of(before))) {
        return false;
      }
      before = node.layer().name();
    }
    return outputs.getFirst().equals(before);
  }

  /** The layers in the order of the nodes. */
  public List<Layer> layers() {
    return nodes.stream().map(Node::layer).toList();
  }

  /** Names of all values: inputs, states, nodes. What stands here has a number, its position. */
  public List<String> values() {
    List<String> names = new ArrayList<>();
    inputs.forEach(input -> names.add(input.name()));
    states.forEach(state -> names.add(state.name()));
    nodes.forEach(node -> names.add(node.layer().name()));
    return names;
  }

  /**
   * The width of a value.
   *
   * @throws IllegalArgumentException if there is no such value
   */
  public int width(String value) {
    for (Value input : inputs) {
      if (input.name().equals(value)) {
        return input.width();
      }
    }
    for (State state : states) {
      if (state.name().equals(value)) {
        return state.width();
      }
    }
    for (Node node : nodes) {
      if (node.layer().name().equals(value)) {
        return node.layer().outputs();
      }
    }
    throw new IllegalArgumentException(
        "the graph has no value %s; it has %s".formatted(value, values()));
  }

  /** Makes a graph, value after value. Used by one thread. */
  public static final class Builder {
    private final List<Value> inputs = new ArrayList<>();
    private final List<State> states = new ArrayList<>();
    private final List<Node> nodes = new ArrayList<>();
    private final List<String> outputs = new ArrayList<>();

    private Builder() {}

    /** One more input. */
    public Builder input(String name, int width) {
      inputs.add(new Value(name, width));
      return this;
    }

    /** One more state, zeros at first. */
    public Builder state(String name, int width, String next) {
      states.add(new State(name, width, Optional.empty(), next));
      return this;
    }

    /** One more state with these values at first. */
    public Builder state(String name, Matrix initial, String next) {
      states.add(new State(name, initial.rows(), Optional.of(initial), next));
      return this;
    }

    /** One more layer, which reads these values. */
    public Builder node(Layer layer, String... inputs) {
      nodes.add(new Node(layer, List.of(inputs)));
      return this;
    }

    /** One more value that a step gives. */
    public Builder output(String name) {
      outputs.add(name);
      return this;
    }

    /**
     * The graph.
     *
     * @throws IllegalArgumentException as the constructor of {@link Graph}
     */
    public Graph build() {
      return new Graph(inputs, states, nodes, outputs);
    }
  }

  /** What makes a graph sound. */
  private static final class Check {
    private final List<Value> inputs;
    private final List<State> states;
    private final List<Node> nodes;
    private final List<String> outputs;
    private final Map<String, Integer> widths = new HashMap<>();
    private final Set<String> read = new HashSet<>();
    private long total;

    Check(List<Value> inputs, List<State> states, List<Node> nodes, List<String> outputs) {
      this.inputs = inputs;
      this.states = states;
      this.nodes = nodes;
      this.outputs = outputs;
    }

    void run() {
      requireSome("input", inputs.size());
      requireSome("node", nodes.size());
      requireSome("output", outputs.size());
      if (nodes.size() > Model.MAX_LAYERS) {
        throw new IllegalArgumentException(
            "a graph of %d nodes; at most %d are taken".formatted(nodes.size(), Model.MAX_LAYERS));
      }
      inputs.forEach(input -> add(input.name(), input.width()));
      states.forEach(state -> add(state.name(), state.width()));
      nodes.forEach(this::add);
      for (State state : states) {
        int width = readBy("state " + state.name(), state.next());
        requireWidth("state " + state.name(), state.next(), width, state.width());
      }
      Set<String> given = new HashSet<>();
      for (String output : outputs) {
        readBy("an output", output);
        if (!given.add(output)) {
          throw new IllegalArgumentException(
              "value %s is given as an output twice".formatted(output));
        }
      }
      states.forEach(state -> requireRead("state", state.name()));
      nodes.forEach(node -> requireRead("layer", node.layer().name()));
    }

    private static void requireSome(String what, int count) {
      if (count == 0) {
        throw new IllegalArgumentException("a graph needs at least one " + what);
      }
    }

    private void add(String name, int width) {
      if (name.isBlank()) {
        throw new IllegalArgumentException("a value's name is blank");
      }
      if (width < 1) {
        throw new IllegalArgumentException(
            "value %s has a width of %d; expected at least 1".formatted(name, width));
      }
      total += width;
      if (total > MAX_VALUES) {
        throw new IllegalArgumentException(
            "the graph has more than %d values at %s; at most so many are taken"
                .formatted(MAX_VALUES, name));
      }
      if (widths.putIfAbsent(name, width) != null) {
        throw new IllegalArgumentException(
            "two values are named %s; an input, a state or a layer has a name of its own"
                .formatted(name));
      }
    }

    private void add(Node node) {
      Layer layer = node.layer();
      List<Integer> expected = layer.inputWidths();
      if (node.inputs().size() != expected.size()) {
        throw new IllegalArgumentException(
            "layer %s reads %d values, given are %s"
                .formatted(layer.name(), expected.size(), node.inputs()));
      }
      for (int i = 0; i < expected.size(); i++) {
        String name = node.inputs().get(i);
        int width = readBy("layer " + layer.name(), name);
        requireWidth("layer " + layer.name(), name, width, expected.get(i));
      }
      add(layer.name(), layer.outputs());
    }

    private int readBy(String reader, String name) {
      Integer width = widths.get(name);
      if (width == null) {
        boolean later = nodes.stream().anyMatch(node -> node.layer().name().equals(name));
        throw new IllegalArgumentException(
            later
                ? "%s reads %s, which is made after it; put it behind, or where they read each other"
                        .formatted(reader, name)
                    + " let one read a state that becomes the other"
                : "%s reads %s, which is no value of the graph".formatted(reader, name));
      }
      read.add(name);
      return width;
    }

    private static void requireWidth(String reader, String name, int width, int expected) {
      if (width != expected) {
        throw new IllegalArgumentException(
            "%s reads %d values, but %s has %d".formatted(reader, expected, name, width));
      }
    }

    private void requireRead(String kind, String name) {
      if (!read.contains(name)) {
        throw new IllegalArgumentException(
            "nobody reads %s %s, and it is no output; leave it out".formatted(kind, name));
      }
    }
  }
}
