package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Along;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.PerPosition;
import io.github.stillgate.importers.onnx.SequenceAxes.Timing;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Turns a graph that is no chain into a model over named values. A graph over a sequence becomes
 * the model of one of its steps, once it is shown that only recurrent nodes go from step to step; a
 * graph that is called once a step is that step.
 */
final class GraphReader {
  private static final Set<String> IDLE = Set.of("Dropout", "Cast");

  private static final int INITIAL_H = 5;

  private final Graph graph;
  private final Map<String, StatePairing.Pair> kept = new LinkedHashMap<>();
  private final Map<String, List<String>> doubts;
  private final Optional<SequenceAxes> axes;
  private final Graph step;

  /** The same of all steps and streams, where there are several. */
  private final Graph wide;

  private final StartStates states;
  private final Map<String, List<GraphPath.State>> stateOutputs;
  private final List<GraphNode> needed;
  private final Lowering lowering;
  private final List<RecurrentNode> recurrent = new ArrayList<>();

  /** Those that begin anew in each call, where others keep a state. */
  private final List<RecurrentNode> within = new ArrayList<>();

  private GraphReader(Graph graph, Map<String, String> kept) {
    this.graph = graph;
    List<GraphNode> all = needed(graph, graph.outputs());
    List<GraphNode> reading =
        all.stream().filter(node -> RecurrentOperator.isRecurrent(node.operator())).toList();
    this.axes =
        reading.isEmpty() || reading.stream().anyMatch(node -> isStep(graph, node))
            ? Optional.empty()
            : SequenceAxes.of(graph, reading);
    this.step = graph.shaped(axes.map(SequenceAxes::oneStep).orElseGet(() -> oneCall(graph)));
    this.wide = axes.map(SequenceAxes::graph).orElse(step);
    StatePlumbing plumbing = axes.isPresent() ? StatePlumbing.of(wide) : StatePlumbing.ofStep(wide);
    this.states = new StartStates(wide, plumbing);
    this.stateOutputs = stateOutputs(step, plumbing);
    Set<String> starts = starts(step, plumbing, all);
    kept.forEach((input, output) -> {
      if (!starts.contains(input)) {
        stateOutputs.remove(output);
      }
    });
    List<String> values =
        step.outputs().stream().filter(name -> !stateOutputs.containsKey(name)).toList();
    this.needed = needed(step, values);
    this.lowering = new Lowering(step, new Budget(step.fileBytes()), needed, Set.copyOf(values));
    requireInputsAndOutputs(kept);
    StatePairing.Found found =
        axes.isEmpty()
            ? StatePairing.of(step, plumbing, paired(kept.keySet()), unpaired(kept))
            : StatePairing.Found.NOTHING;
    this.kept.putAll(found.pairs());
    this.doubts = found.doubts();
    kept.forEach((input, output) -> {
      if (!output.isEmpty()) {
        this.kept.put(input, new StatePairing.Pair(output, "as was said"));
      }
    });
  }

  /**
   * Inputs that recurrent nodes begin with. What gives the last state back is a state of the node
   * for these; for others it is a value.
   */
  private static Set<String> starts(Graph step, StatePlumbing plumbing, List<GraphNode> nodes) {
    Set<String> starts = new HashSet<>();
    for (GraphNode node : nodes) {
      if (RecurrentOperator.isRecurrent(node.operator())) {
        for (int i = INITIAL_H; i < node.proto().getInputCount(); i++) {
          plumbing.moved(step.source(node.input(i)), starts);
        }
      }
    }
    return starts;
  }

  /** Inputs that may be states though nobody said so. */
  private List<String> paired(Set<String> said) {
    Set<String> read = new HashSet<>();
    Set<String> starts = new HashSet<>();
    for (GraphNode node : needed) {
      boolean recurrent = RecurrentOperator.isRecurrent(node.operator());
      for (int i = 0; i < node.proto().getInputCount(); i++) {
        String input = step.source(node.input(i));
        (recurrent && i >= INITIAL_H ? starts : read).add(input);
      }
    }
    return step.inputs().stream()
        .filter(input ->
            step.isGiven(input)
                && read.contains(input)
                && !starts.contains(input)
                && !said.contains(input)
                && lowering.type(input) == Known.Type.FLOAT)
        .toList();
  }

  private List<String> unpaired(Map<String, String> said) {
    return step.outputs().stream()
        .filter(output -> !stateOutputs.containsKey(output) && !said.containsValue(output))
        .toList();
  }

  /** Whether a node makes one step a call, from a state that the caller gives. */
  private static boolean isStep(Graph graph, GraphNode node) {
    List<Extent> x = graph.folding().shape(graph.source(node.input(0))).orElse(List.of());
    String state = graph.source(node.input(INITIAL_H));
    return x.size() == 3
        && x.get(node.flag("layout") ? 1 : 0).is(1)
        && (graph.isComputed(state) || graph.isGiven(state))
        && !graph.folding().isZero(state);
  }

  /**
   * The network of a graph.
   *
   * @param kept inputs that become states, and the outputs that replace them; an empty name for an
   *     input that stays one
   * @throws UnsupportedOnnxException if a node is not supported, or mixes steps
   * @throws OnnxFormatException if something does not fit
   */
  static GraphNetwork read(Graph graph, Map<String, String> kept) {
    try {
      return new GraphReader(graph, kept).read();
    } catch (NotFoldedException e) {
      throw new UnsupportedOnnxException(graph.file(), String.valueOf(e.getMessage()));
    } catch (ArithmeticException e) {
      throw new UnsupportedOnnxException(
          graph.file(), "sizes multiply to more than 2^31; declare the true ones");
    }
  }

  /** The nodes that values are computed by, in the order of the file. */
  private static List<GraphNode> needed(Graph graph, List<String> values) {
    Set<Integer> found = new HashSet<>();
    Set<String> seen = new HashSet<>();
    Deque<String> open = new ArrayDeque<>(values);
    while (!open.isEmpty()) {
      String value = open.removeLast();
      if (!seen.add(value) || !graph.isComputed(value) && !graph.isGiven(value)) {
        continue;
      }
      // An Identity gives an input under another name; the input itself has no producer.
      Optional<GraphNode> producer = graph.producer(value);
      if (producer.isEmpty()) {
        continue;
      }
      GraphNode node = producer.get();
      found.add(node.position());
      for (int i = 0; i < node.proto().getInputCount(); i++) {
        // What recurrent nodes begin with is looked at by itself.
        if (!RecurrentOperator.isRecurrent(node.operator()) || i == 0) {
          open.add(node.input(i));
        }
      }
    }
    return graph.nodes().stream().filter(node -> found.contains(node.position())).toList();
  }

  /** Sizes of one call where the file leaves them open: one stream, which stands first. */
  private static Map<String, List<Extent>> oneCall(Graph graph) {
    Map<String, List<Extent>> shapes = new HashMap<>();
    for (String input : graph.inputs()) {
      if (graph.isGiven(input)) {
        graph
            .sizes(input)
            .ifPresent(sizes ->
                shapes.put(input, sizes.stream().map(s -> s.isKnown() ? s : Extent.ONE).toList()));
      }
    }
    return shapes;
  }

  /** Outputs that are last states and nothing else, of nodes whose values are read besides. */
  private static Map<String, List<GraphPath.State>> stateOutputs(
      Graph step, StatePlumbing plumbing) {
    Map<String, List<GraphPath.State>> found =
        new LinkedHashMap<>(GraphPath.states(step, plumbing, step.outputs()));
    Set<Integer> read = new HashSet<>();
    needed(step, step.outputs().stream().filter(name -> !found.containsKey(name)).toList())
        .forEach(node -> read.add(node.position()));
    found
        .values()
        .removeIf(made ->
            made.stream().anyMatch(state -> !read.contains(state.node().position()))
                && made.stream().allMatch(state -> state.state() == 0));
    return found;
  }

  private GraphNetwork read() {
    List<String> outputs = graph.outputs();
    if (outputs.isEmpty() || new HashSet<>(outputs).size() != outputs.size()) {
      throw new OnnxFormatException(
          graph.file(),
          "the graph has the outputs %s, expected one or more, each once".formatted(outputs));
    }
    requireSameNodes();
    requireReadStates();
    Map<String, String> stateInputs = readStates();
    kept.keySet().removeAll(stateInputs.keySet());
    readInputs(stateInputs);
    for (GraphNode node : needed) {
      boolean last = axes.isPresent() && axes.get().follow(wide(node));
      lower(node, last);
    }
    List<Wires.End> ends = new ArrayList<>();
    Map<String, Wires.End> nexts = new LinkedHashMap<>();
    GraphNode reader = reader();
    for (String output : outputs) {
      boolean replaces = kept.values().stream().anyMatch(pair -> pair.output().equals(output));
      if (!replaces && !stateOutputs.containsKey(output)) {
        ends.add(new Wires.End(output, lowering.read(reader, output).numbers()));
      }
    }
    kept.forEach((input, pair) ->
        nexts.put(
            input, new Wires.End(pair.output(), lowering.read(reader, pair.output()).numbers())));
    return network(ends, nexts);
  }

  /** Some node, for messages that name none. */
  private GraphNode reader() {
    return graph.nodes().getLast();
  }

  private GraphNode wide(GraphNode node) {
    return wide.nodes().get(node.position());
  }

  /** An If may be decided by the number of steps; then one step says nothing of several. */
  private void requireSameNodes() {
    axes.ifPresent(found -> {
      List<String> names = names(step);
      if (!names.equals(names(found.graph())) || !names.equals(names(graph))) {
        throw new UnsupportedOnnxException(
            graph.file(), "which of its nodes run depends on the number of steps or streams");
      }
    });
  }

  private void requireReadStates() {
    Set<Integer> read = new HashSet<>();
    needed.forEach(node -> read.add(node.position()));
    stateOutputs.forEach((output, made) -> {
      for (GraphPath.State state : made) {
        if (!read.contains(state.node().position())) {
          throw new UnsupportedOnnxException(
              graph.file(),
              "output \"%s\" is a last state of %s, whose values no other output needs; take the output"
                      .formatted(output, state.node())
                  + " out of the graph, or import the node alone (convert --node)");
        }
      }
    });
  }

  private static List<String> names(Graph graph) {
    return graph.nodes().stream().map(GraphNode::name).toList();
  }

  private void requireInputsAndOutputs(Map<String, String> said) {
    said.forEach((input, output) -> {
      if (!graph.isGiven(input) || !output.isEmpty() && !graph.outputs().contains(output)) {
        throw new UnsupportedOnnxException(
            graph.file(),
            "\"%s\" and \"%s\" are no input and output of the graph; it has the inputs %s and the outputs %s"
                .formatted(input, output, graph.inputs(), graph.outputs()));
      }
    });
  }

  /** The recurrent nodes; gives the inputs that hold their states, with the node for messages. */
  private Map<String, String> readStates() {
    Map<String, String> inputs = new LinkedHashMap<>();
    boolean isCalledOnceAStep =
        axes.isEmpty()
            && (!kept.isEmpty()
                || needed.stream()
                    .anyMatch(node ->
                        RecurrentOperator.isRecurrent(node.operator()) && isStep(step, node)));
    for (GraphNode node : needed) {
      if (!RecurrentOperator.isRecurrent(node.operator())) {
        continue;
      }
      RecurrentNode read =
          RecurrentNode.read(wide(node), wide, states, lowering.budget(), Optional.empty())
              .at(positions(node));
      read.requireNoComputedState();
      if (!read.sequenceLens().isEmpty()) {
        throw node.unsupported(
            "sequence_lens (\"%s\") ends sequences in a graph that is no chain; leave it out"
                .formatted(read.sequenceLens()));
      }
      boolean zero = true;
      for (int state = 0; state < read.states(); state++) {
        zero &= read.beginsWithZero(state);
      }
      if (isCalledOnceAStep && zero) {
        within.add(read);
        continue;
      }
      if (read.directions() != 1 || !read.isForward()) {
        throw node.unsupported(
            "reads its input from the end too, in a graph that is no chain; supported there is"
                + " direction forward");
      }
      for (int state = 0; state < read.states(); state++) {
        boolean given = !read.beginsWithZero(state);
        read.origin(state)
            .filter(_ -> given)
            .ifPresent(
                places -> places.forEach(place -> inputs.put(place.value(), node.toString())));
      }
      recurrent.add(read);
    }
    return inputs;
  }

  /** Streams that a node has within a step. */
  private int positions(GraphNode node) {
    List<Extent> x = step.folding().shape(step.source(node.input(0))).orElse(List.of());
    Extent streams = x.size() == 3 ? x.get(node.flag("layout") ? 0 : 1) : Extent.ONE;
    return axes.isEmpty() && streams.isKnown() ? Math.toIntExact(streams.factor()) : 1;
  }

  /** Inputs that layers read, in the order of the graph. */
  private void readInputs(Map<String, String> stateInputs) {
    for (String input : step.inputs()) {
      if (!step.isGiven(input)) {
        continue;
      }
      if (stateInputs.containsKey(input)) {
        lowering.refuse(
            input,
            "which holds states of %s; supported is an input of states that only recurrent nodes read"
                .formatted(stateInputs.get(input)));
        continue;
      }
      Optional<int[]> shape =
          step.sizes(input)
              .flatMap(Extent::known)
              .map(sizes -> Arrays.stream(sizes).mapToInt(Math::toIntExact).toArray());
      if (shape.isEmpty() || lowering.type(input) != Known.Type.FLOAT) {
        lowering.refuse(
            input,
            shape.isEmpty()
                ? "an input whose sizes the file leaves open; declare them"
                : "an input of whole numbers; supported are floating-point numbers, and one to --set");
        continue;
      }
      int width = Arrays.stream(shape.get()).reduce(1, Math::multiplyExact);
      lowering.work().take(2L * width);
      long[] numbers =
          kept.containsKey(input)
              ? lowering.wires().state(input, width)
              : lowering.wires().input(input, width);
      lowering.put(input, new Elements(shape.get(), numbers));
    }
  }

  private void lower(GraphNode node, boolean last) {
    String operator = node.operator();
    if (RecurrentOperator.isRecurrent(operator)) {
      recurrent(node);
    } else if (last) {
      lastStep(node);
    } else if (Movement.OPERATORS.contains(operator)) {
      move(node);
    } else if (ArithmeticNodes.FUNCTIONS.contains(operator)
        || ArithmeticNodes.OPERATIONS.contains(operator)) {
      ArithmeticNodes.lower(node, lowering);
    } else if (LogicNodes.OPERATORS.contains(operator)) {
      LogicNodes.lower(node, lowering);
    } else if (ProductNodes.OPERATORS.contains(operator)) {
      ProductNodes.lower(node, lowering);
    } else if (ConvolutionNodes.OPERATORS.contains(operator)) {
      ConvolutionNodes.lower(node, lowering);
    } else if (RowNodes.OPERATORS.contains(operator)) {
      RowNodes.lower(node, lowering);
    } else if (operator.equals("Pad")) {
      pad(node);
    } else if (IDLE.contains(operator)) {
      idle(node);
    } else {
      GraphPath.requireSupported(node);
      throw node.unsupported("no layer computes it in a graph that is no chain");
    }
  }

  private void move(GraphNode node) {
    if (node.operator().equals("Gather")
        && lowering.isConstant(node.input(0))
        && !lowering.isConstant(node.input(1))) {
      throw node.unsupported(
          "takes rows of a constant by whole numbers that are read, in a graph that is no chain");
    }
    lowering.move(node);
  }

  private void idle(GraphNode node) {
    if (node.operator().equals("Dropout")) {
      Affine.requireIdle(node, step);
    } else if (LogicNodes.isToTruth(node)) {
      LogicNodes.isNotZero(node, lowering);
      return;
    } else if (Folding.typeOf((int) node.integer("to", 1)) != Known.Type.FLOAT) {
      throw node.unsupported("cuts values to whole numbers; supported are floating-point numbers");
    }
    lowering.give(node, 0, lowering.read(node, 0));
    lowering.keepOpen(node);
  }

  private void pad(GraphNode node) {
    Elements x = lowering.read(node, 0);
    List<Known> inputs = new ArrayList<>(List.of(x.known()));
    for (int i = 1; i < node.proto().getInputCount(); i++) {
      inputs.add(step.folding().value(node.input(i)));
    }
    long fill = Wires.ZERO;
    float value = node.number("value", 0);
    if (!node.input(2).isEmpty()) {
      value = lowering.requireConstant(node, node.input(2), "its value").weights()[0];
    }
    if (value != 0) {
      fill = lowering.wires().constant(node, node.name() + "/value", new float[] {value})[0];
    }
    try {
      Padding padding = Padding.of(node, inputs);
      lowering.give(node, 0, padding.apply(node, x, fill, lowering.work()));
    } catch (NotFoldedException e) {
      throw node.unsupported("it cannot be followed: %s".formatted(e.getMessage()));
    }
  }

  /** A Gather or Slice of the last step: here there is one. */
  private void lastStep(GraphNode node) {
    SequenceAxes found = axes.orElseThrow();
    int at = found.steps(node.input(0));
    Elements x = lowering.read(node, 0);
    boolean drops =
        node.operator().equals("Gather") && step.folding().value(node.input(1)).rank() == 0;
    int[] shape = x.shape();
    if (drops) {
      int[] rest = new int[shape.length - 1];
      for (int i = 0; i < rest.length; i++) {
        rest[i] = shape[i < at ? i : i + 1];
      }
      shape = rest;
    }
    lowering.give(node, 0, x.reshaped(shape));
  }

  private static Optional<RecurrentNode> find(List<RecurrentNode> nodes, GraphNode node) {
    return nodes.stream().filter(each -> each.node().position() == node.position()).findFirst();
  }

  private void recurrent(GraphNode node) {
    Optional<RecurrentNode> begun = find(within, node);
    RecurrentNode read = begun.or(() -> find(recurrent, node)).orElseThrow();
    Elements x = lowering.read(node, 0);
    int at = read.isBatchFirst() ? 1 : 0;
    int steps = x.rank() == 3 ? x.shape()[at] : 0;
    int positions = x.rank() == 3 ? x.shape()[1 - at] : 0;
    if (positions < 1 || begun.isPresent() ? positions != 1 : steps != 1) {
      throw node.unsupported(
          "reads %s within a step; supported is one step if its state is kept, and else one stream"
              .formatted(Arrays.toString(x.shape())));
    }
    if (x.shape()[2] != read.inputs()) {
      throw node.malformed(
          "W reads %d values a step, X gives %d".formatted(read.inputs(), x.shape()[2]));
    }
    read.requireStateShapes(axes.isPresent() ? OptionalInt.empty() : OptionalInt.of(positions));
    Layer layer =
        begun.isPresent()
            ? new Along(read.layer(), steps)
            : positions > 1 ? new PerPosition(read.layer(), positions) : read.layer();
    long[] made = lowering.wires().namedLayer(node, x.numbers(), layer.outputs(), layer);
    int units = read.units();
    int directions = read.directions();
    lowering.give(
        node,
        0,
        new Elements(
            read.isBatchFirst()
                ? new int[] {positions, steps, directions, units}
                : new int[] {steps, directions, positions, units},
            made));
    lowering.give(
        node,
        1,
        new Elements(
            read.isBatchFirst()
                ? new int[] {positions, directions, units}
                : new int[] {directions, positions, units},
            begun.isPresent() ? lastState(read, made, steps) : made));
    if (!node.output(2).isEmpty()) {
      lowering.refuse(
          node.output(2),
          "the cells (Y_c) of %s, which no layer gives; let the graph give them as an output, and they are a state (Session.state)"
              .formatted(node));
    }
  }

  /** The output of the last step that each direction makes. */
  private static long[] lastState(RecurrentNode read, long[] made, int steps) {
    int width = read.directions() * read.units();
    long[] last = new long[width];
    for (int i = 0; i < width; i++) {
      boolean forward = read.directions() == 2 ? i < read.units() : read.isForward();
      last[i] = made[(forward ? (steps - 1) * width : 0) + i];
    }
    return last;
  }

  private GraphNetwork network(List<Wires.End> ends, Map<String, Wires.End> nexts) {
    Model model;
    try {
      model = new Model(lowering.wires().graph(reader(), ends, nexts));
    } catch (IllegalArgumentException e) {
      throw new UnsupportedOnnxException(graph.file(), String.valueOf(e.getMessage()));
    }
    Map<String, Timing> timings = new LinkedHashMap<>();
    graph
        .outputs()
        .forEach(output ->
            timings.put(output, axes.map(found -> found.timing(output)).orElse(Timing.EVERY_STEP)));
    return new GraphNetwork(
        graph,
        wide,
        axes,
        model,
        recurrent,
        within,
        stateOutputs,
        timings,
        Map.copyOf(kept),
        doubts);
  }
}
