package io.github.stillgate.importers.onnx;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The nodes from a graph's input to its output, and what each of its outputs is: the end of this
 * path, or last states of nodes on it. A graph with any other output is refused, since a model of
 * layers would lose it.
 *
 * @param input the graph input that the first node reads
 * @param links the nodes, the first one first
 * @param output the end of the path; empty if the graph gives last states only, and then the path
 *     ends with the last node that they belong to
 * @param states the other outputs, in the order of the graph, and the states they are made of
 */
record GraphPath(
    String input, List<Link> links, Optional<String> output, Map<String, List<State>> states) {
  /** States that all outputs of a graph are made of. */
  private static final int MOST_STATES = 4_096;

  private static final Set<String> SUPPORTED = supported();

  /** A node and which of its outputs the next one reads. */
  record Link(GraphNode node, int output) {}

  /**
   * A last state of a recurrent node.
   *
   * @param node whose
   * @param state 0 is h, 1 is c
   */
  record State(GraphNode node, int state) {}

  private static Set<String> supported() {
    Set<String> supported = new TreeSet<>(ShapeNode.OPERATORS);
    supported.addAll(ElementwiseNode.OPERATORS);
    supported.addAll(RecurrentOperator.operators());
    supported.addAll(Affine.OPERATORS);
    supported.addAll(List.of("Conv", "Gather", "Gemm", "MatMul", "Slice", "Softmax"));
    return supported;
  }

  /**
   * Finds it.
   *
   * @throws UnsupportedOnnxException if there is none, or a node on it is of no supported operator
   * @throws OnnxFormatException if the graph has no output, or two of one name
   */
  static GraphPath of(Graph graph, StatePlumbing plumbing) {
    List<String> outputs = graph.outputs();
    if (outputs.isEmpty()) {
      throw new OnnxFormatException(graph.file(), "the graph has no output, expected one");
    }
    if (new HashSet<>(outputs).size() != outputs.size()) {
      throw new OnnxFormatException(
          graph.file(), "the graph has an output twice: %s".formatted(outputs));
    }
    Map<String, List<State>> states = states(graph, plumbing, outputs);
    List<String> others = outputs.stream().filter(output -> !states.containsKey(output)).toList();
    if (others.size() > 1) {
      others.forEach(output -> graph.producer(output).ifPresent(GraphPath::requireSupported));
      throw new UnsupportedOnnxException(
          graph.file(),
          "the graph has the outputs %s (heads side by side); supported is one besides last states"
                  .formatted(others)
              + " (Y_h, Y_c)");
    }
    Optional<String> output = others.stream().findFirst();
    GraphPath path =
        output.isPresent()
            ? back(graph, new ArrayDeque<>(), output.get(), output, states)
            : toLastState(graph, states);
    path.requireNoOther(graph);
    return path;
  }

  /** The outputs that are last states, or several of them behind each other. */
  static Map<String, List<State>> states(
      Graph graph, StatePlumbing plumbing, List<String> outputs) {
    // How many states a value is made of; those made of anything else are left out.
    Map<String, Long> counts = new HashMap<>();
    for (GraphNode node : graph.nodes()) {
      if (RecurrentOperator.isRecurrent(node.operator())) {
        for (int i = 1; i < node.proto().getOutputCount(); i++) {
          counts.put(node.output(i), 1L);
        }
      } else if (isJoint(node)) {
        long count = 0;
        for (String input : node.proto().getInputList()) {
          long more = counts.getOrDefault(input, 0L);
          count = more == 0 ? Long.MIN_VALUE : Math.min(count + more, MOST_STATES + 1L);
        }
        if (count > 0) {
          counts.put(node.output(0), count);
        }
      }
    }
    Map<String, List<State>> states = new LinkedHashMap<>();
    long all = 0;
    for (String output : outputs) {
      if (!output.isEmpty() && counts.containsKey(output)) {
        all += counts.get(output);
        if (all > MOST_STATES) {
          throw new UnsupportedOnnxException(
              graph.file(),
              "output \"%s\" repeats states: with it the outputs are made of more than %d"
                  .formatted(output, MOST_STATES));
        }
        states.put(output, expand(graph, output));
      } else {
        plumbing.statesOf(output).ifPresent(made -> states.put(output, List.copyOf(made.keySet())));
      }
    }
    return states;
  }

  /** A Concat of one value would make long paths to single states; it is no state here. */
  private static boolean isJoint(GraphNode node) {
    return node.operator().equals("Concat") && node.proto().getInputCount() > 1;
  }

  private static List<State> expand(Graph graph, String output) {
    List<State> states = new ArrayList<>();
    Deque<String> open = new ArrayDeque<>(List.of(output));
    while (!open.isEmpty()) {
      Graph.Made made = graph.made(open.removeFirst()).orElseThrow();
      if (RecurrentOperator.isRecurrent(made.node().operator())) {
        states.add(new State(made.node(), made.output() - 1));
      } else {
        made.node().proto().getInputList().reversed().forEach(open::addFirst);
      }
    }
    return List.copyOf(states);
  }

  /** The graph gives last states only: those of the last of their nodes end the path. */
  private static GraphPath toLastState(Graph graph, Map<String, List<State>> states) {
    GraphNode last =
        states.values().stream()
            .flatMap(List::stream)
            .map(State::node)
            .reduce((a, b) -> a.position() > b.position() ? a : b)
            .orElseThrow();
    Deque<Link> links = new ArrayDeque<>(List.of(new Link(last, 0)));
    return back(graph, links, last.input(0), Optional.empty(), states);
  }

  private static GraphPath back(
      Graph graph,
      Deque<Link> links,
      String end,
      Optional<String> output,
      Map<String, List<State>> states) {
    String from = end;
    for (Optional<Graph.Made> made = graph.made(from); made.isPresent(); made = graph.made(from)) {
      GraphNode node = made.get().node();
      requireSupported(node);
      links.addFirst(new Link(node, made.get().output()));
      from = dataInput(node, graph);
    }
    if (links.isEmpty()) {
      throw new UnsupportedOnnxException(
          graph.file(),
          "no node gives the output \"%s\", expected a chain of layers".formatted(from));
    }
    if (!graph.isGiven(from)) {
      throw links
          .getFirst()
          .node()
          .unsupported("reads the constant \"%s\", no graph input".formatted(from));
    }
    for (Link link : links) {
      if (Affine.isBinary(link.node())
          && graph.source(constantInput(link.node(), graph)).equals(from)) {
        throw link.node()
            .unsupported(
                "combines the graph's input \"%s\" with what was computed from it (a skip"
                        .formatted(from)
                    + " connection, or residual); supported are constants");
      }
    }
    return new GraphPath(from, List.copyOf(links), output, states);
  }

  private void requireNoOther(Graph graph) {
    Set<Integer> path = new HashSet<>();
    links.forEach(link -> path.add(link.node().position()));
    for (Map.Entry<String, List<State>> entry : states.entrySet()) {
      for (State state : entry.getValue()) {
        if (!path.contains(state.node().position())) {
          GraphNode end = links.getLast().node();
          throw new UnsupportedOnnxException(
              graph.file(),
              "output \"%s\" is a last state of %s, which is not on the way from \"%s\" to %s; a"
                      .formatted(
                          entry.getKey(),
                          state.node(),
                          input,
                          output.map("\"%s\""::formatted).orElse(String.valueOf(end)))
                  + " model of one chain of layers would lose it. Import each node alone (convert"
                  + " --node, OnnxFile.recurrent), or take the output out of the graph");
        }
      }
    }
  }

  /** Refuses an operator that no layer computes, with what can be done about it. */
  static void requireSupported(GraphNode node) {
    switch (node.operator()) {
      case "Loop", "Scan" ->
          throw node.unsupported(
              "a loop written out in the graph, as tf2onnx makes of Keras layers that it does not"
                  + " recognise; supported are LSTM, GRU and RNN nodes. It writes those for layers"
                  + " with Keras' own activations, without recurrent_dropout and masks, and with"
                  + " unroll=False, so build the model so, load its weights and export it again; or"
                  + " export it from PyTorch");
      case "If" ->
          throw node.unsupported(
              "which of its branches is taken depends on \"%s\", which is not known before it runs;"
                      .formatted(node.input(0))
                  + " fix the graph's input that says it (convert --set NAME=VALUE,"
                  + " OnnxFile.withInputs)");
      default -> {
        if (!SUPPORTED.contains(node.operator())) {
          throw node.unsupported(
              "the operator is not supported on the way from input to output; supported are "
                  + SUPPORTED);
        }
      }
    }
  }

  /** Which input of {@code node} the path comes from. */
  static String dataInput(GraphNode node, Graph graph) {
    return node.input(
        Affine.isBinary(node) ? dataSide(node, graph) : isEmbedding(node, graph) ? 1 : 0);
  }

  /** Whether it takes rows of a constant matrix. */
  static boolean isEmbedding(GraphNode node, Graph graph) {
    return node.operator().equals("Gather")
        && !graph.isComputed(node.input(0))
        && !graph.isGiven(node.input(0));
  }

  /** The other input of an operator with two. */
  static String constantInput(GraphNode node, Graph graph) {
    return node.input(1 - dataSide(node, graph));
  }

  /** Which of two operands is data. */
  static int dataSide(GraphNode node, Graph graph) {
    boolean first = graph.isComputed(node.input(0));
    boolean second = graph.isComputed(node.input(1));
    if (first && second) {
      throw node.unsupported("combines two computed values; supported is a constant operand");
    }
    if (first || second) {
      return first ? 0 : 1;
    }
    return !graph.isGiven(node.input(0)) && graph.isGiven(node.input(1)) ? 1 : 0;
  }
}
