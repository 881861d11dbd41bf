package io.github.stillgate.importers.onnx;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Which dimensions of a graph's values hold steps and streams, and the proof that nothing but
 * recurrent nodes mixes them: then one step of one stream can be computed alone. Both are sizes of
 * their own, followed through every node as a size that the file leaves open is.
 */
final class SequenceAxes {
  /** What a graph does with its steps. */
  enum Timing {
    /** It is the same at every step. */
    STATIC,
    /** There is one for each step. */
    EVERY_STEP,
    /** It belongs to the last step. */
    LAST_STEP
  }

  /** The operator set since which a softmax is over one axis, and not over all from one on. */
  static final int SOFTMAX_OF_ONE_AXIS = 13;

  private static final Extent STEPS = Extent.open("steps");
  private static final Extent BATCH = Extent.open("batch");

  /** Pairs of dimensions that are tried: each costs one reading of the graph. */
  private static final int MOST_TRIES = 16;

  /** Nodes that read a whole dimension or more of their input, and give it in the same shape. */
  private static final Set<String> MIXING =
      Set.of(
          "GroupNormalization",
          "InstanceNormalization",
          "LayerNormalization",
          "LogSoftmax",
          "ScatterND",
          "Softmax");

  private final Graph graph;
  private final Map<String, List<Extent>> declared;
  private final OptionalLong steps;
  private final Map<String, Timing> timings = new HashMap<>();

  private SequenceAxes(Graph graph, Map<String, List<Extent>> declared, OptionalLong steps) {
    this.graph = graph;
    this.declared = declared;
    this.steps = steps;
  }

  /** A dimension of a graph input. */
  private record Dimension(String input, int at) {}

  /**
   * Finds them: the dimensions of inputs whose sizes arrive in the recurrent nodes as steps and
   * batch.
   *
   * @param recurrent the recurrent nodes, at least one
   * @return them; empty if all these nodes make one step of one stream
   * @throws UnsupportedOnnxException if no dimensions do
   */
  static Optional<SequenceAxes> of(Graph graph, List<GraphNode> recurrent) {
    GraphNode first = recurrent.getFirst();
    List<Extent> data =
        graph
            .folding()
            .shape(graph.source(first.input(0)))
            .filter(shape -> shape.size() == 3)
            .orElseThrow(() ->
                first.unsupported("the shape of what it reads does not follow from the file"));
    boolean batchFirst = first.flag("layout");
    Extent size = data.get(batchFirst ? 1 : 0);
    Extent streams = data.get(batchFirst ? 0 : 1);
    if (size.is(1) && (streams.is(1) || !streams.isKnown())) {
      return Optional.empty();
    }
    List<Dimension> batches =
        streams.is(1) ? List.of(new Dimension("", 0)) : dimensions(graph, streams);
    int tries = 0;
    for (Dimension step : dimensions(graph, size)) {
      for (Dimension batch : batches) {
        for (boolean alike : new boolean[] {true, false}) {
          if (!step.equals(batch) && tries++ < MOST_TRIES) {
            Optional<SequenceAxes> found = tried(graph, recurrent, step, batch, alike);
            if (found.isPresent()) {
              return found;
            }
          }
        }
      }
    }
    throw first.unsupported(
        "it reads sequences of shape %s, and no dimensions of the graph's inputs arrive there as steps"
                .formatted(data)
            + " and batch; supported are graphs over sequences that go from an input to each recurrent"
            + " node");
  }

  private static List<Dimension> dimensions(Graph graph, Extent size) {
    List<Dimension> dimensions = new ArrayList<>();
    for (String input : graph.inputs()) {
      List<Extent> sizes = graph.isGiven(input) ? graph.sizes(input).orElse(List.of()) : List.of();
      for (int i = 0; i < sizes.size(); i++) {
        if (sizes.get(i).equals(size)) {
          dimensions.add(new Dimension(input, i));
        }
      }
    }
    return dimensions;
  }

  /**
   * The axes if these dimensions hold them.
   *
   * @param alike whether inputs of the same rank hold them in the same dimensions
   */
  private static Optional<SequenceAxes> tried(
      Graph graph, List<GraphNode> recurrent, Dimension step, Dimension batch, boolean alike) {
    List<Extent> data = graph.sizes(step.input()).orElseThrow();
    Extent streams =
        batch.input().isEmpty()
            ? Extent.ONE
            : graph.sizes(batch.input()).orElseThrow().get(batch.at());
    Extent open = batch.input().isEmpty() ? Extent.ONE : BATCH;
    Map<String, List<Extent>> shapes = new HashMap<>();
    for (String input : graph.inputs()) {
      if (!graph.isGiven(input) || graph.sizes(input).isEmpty()) {
        continue;
      }
      List<Extent> sizes = new ArrayList<>(graph.sizes(input).orElseThrow());
      boolean same = alike && sizes.size() == data.size();
      // A state is [directions, batch, units], or [batch, directions, units].
      boolean state = !same && !input.equals(step.input()) && sizes.size() == 3;
      for (int i = 0; i < sizes.size(); i++) {
        Extent size = sizes.get(i);
        Dimension here = new Dimension(input, i);
        if (here.equals(step) || same && i == step.at() && isAlike(size, data.get(i))) {
          sizes.set(i, STEPS);
        } else if (here.equals(batch)
            || same && i == batch.at() && isAlike(size, streams)
            || state && i < 2 && isAlike(size, streams)) {
          sizes.set(i, open);
        }
      }
      shapes.put(input, sizes);
    }
    Graph wide = graph.shaped(shapes);
    Extent size = graph.sizes(step.input()).orElseThrow().get(step.at());
    boolean arrives = recurrent.stream().allMatch(node -> arrives(wide, node, open));
    return arrives
        ? Optional.of(
            new SequenceAxes(
                wide,
                shapes,
                size.isKnown() ? OptionalLong.of(size.factor()) : OptionalLong.empty()))
        : Optional.empty();
  }

  private static boolean isAlike(Extent a, Extent b) {
    return a.equals(b) || !a.isKnown() && !b.isKnown();
  }

  private static boolean arrives(Graph wide, GraphNode node, Extent streams) {
    List<Extent> shape = wide.folding().shape(wide.source(node.input(0))).orElse(List.of());
    boolean batchFirst = node.flag("layout");
    return shape.size() == 3
        && shape.get(batchFirst ? 1 : 0).equals(STEPS)
        && shape.get(batchFirst ? 0 : 1).equals(streams);
  }

  /** The graph in which both are open. */
  Graph graph() {
    return graph;
  }

  /** The sizes of the inputs of one step of one stream. */
  Map<String, List<Extent>> oneStep() {
    Map<String, List<Extent>> shapes = new HashMap<>();
    declared.forEach((input, sizes) ->
        shapes.put(
            input,
            sizes.stream()
                .map(size -> size.equals(STEPS) || size.equals(BATCH) ? Extent.ONE : size)
                .toList()));
    return shapes;
  }

  /** The dimension of a value that holds the steps, or -1. */
  int steps(String value) {
    return at(value, STEPS);
  }

  /** The dimension of a value that holds the streams, or -1. */
  int batch(String value) {
    return at(value, BATCH);
  }

  private int at(String value, Extent axis) {
    return graph.folding().shape(value).map(shape -> shape.indexOf(axis)).orElse(-1);
  }

  /** What a value is, of one that was looked at. */
  Timing timing(String value) {
    Timing known = timings.get(value);
    return known != null
        ? known
        : steps(value) >= 0 && graph.isGiven(value) ? Timing.EVERY_STEP : Timing.STATIC;
  }

  /**
   * Looks at one node behind those that it reads.
   *
   * @return whether it takes the last step of what it reads
   * @throws UnsupportedOnnxException if it mixes steps or streams, or is not known not to
   */
  boolean follow(GraphNode node) {
    List<String> data =
        node.proto().getInputList().stream()
            .filter(name -> graph.isComputed(name) || graph.isGiven(name))
            .toList();
    Timing timing = Timing.STATIC;
    for (String input : data) {
      Timing each = timing(input);
      if (each != Timing.STATIC && timing != Timing.STATIC && each != timing) {
        throw node.unsupported(
            "reads \"%s\" at every step and something else at the last step; supported is one of both"
                .formatted(input));
      }
      timing = each == Timing.STATIC ? timing : each;
    }
    boolean last = false;
    if (RecurrentOperator.isRecurrent(node.operator())) {
      if (timing != Timing.EVERY_STEP) {
        throw node.unsupported("reads the last step of a sequence as one; supported are all steps");
      }
      timings.put(node.output(0), Timing.EVERY_STEP);
      for (int i = 1; i < node.proto().getOutputCount(); i++) {
        timings.put(node.output(i), Timing.LAST_STEP);
      }
    } else {
      last = timing == Timing.EVERY_STEP && takesLastStep(node);
      requireApart(node, data, STEPS, last);
      requireApart(node, data, BATCH, false);
      for (String output : node.proto().getOutputList()) {
        timings.put(output, last ? Timing.LAST_STEP : timing);
      }
    }
    return last;
  }

  private void requireApart(GraphNode node, List<String> data, Extent axis, boolean taken) {
    boolean moving = false;
    for (String input : data) {
      int at = axisOf(node, input, axis);
      moving |= at >= 0;
      if (at >= 0 && MIXING.contains(node.operator()) && mixes(node, at)) {
        throw mixes(node, axis, "works over the dimension that holds them");
      }
    }
    for (String output : node.proto().getOutputList()) {
      if (output.isEmpty()) {
        continue;
      }
      int at = axisOf(node, output, axis);
      if (moving && at < 0 && !taken) {
        throw mixes(
            node, axis, "none of the dimensions %s it gives are they".formatted(shape(output)));
      }
      if (!moving && at >= 0 && data.stream().anyMatch(i -> timing(i) == Timing.LAST_STEP)) {
        throw mixes(node, axis, "repeats the last one");
      }
    }
    if (moving && Set.of("Reshape", "Flatten").contains(node.operator())) {
      Optional<Extent> before = behind(node.input(0), axis);
      if (before.isEmpty() || !before.equals(behind(node.output(0), axis))) {
        throw mixes(
            node,
            axis,
            "%s to %s moves values between them"
                .formatted(shape(node.input(0)), shape(node.output(0))));
      }
    }
  }

  private List<Extent> shape(String value) {
    return graph.folding().shape(value).orElse(List.of());
  }

  /** Elements behind an axis. */
  private Optional<Extent> behind(String value, Extent axis) {
    List<Extent> shape = shape(value);
    return Extent.product(shape.subList(shape.indexOf(axis) + 1, shape.size()));
  }

  private static UnsupportedOnnxException mixes(GraphNode node, Extent axis, String how) {
    return node.unsupported(
        "mixes the %s: %s; supported are nodes that compute each alone"
            .formatted(axis.equals(STEPS) ? "steps of a sequence" : "streams of a batch", how));
  }

  private int axisOf(GraphNode node, String value, Extent axis) {
    List<Extent> shape =
        graph
            .folding()
            .shape(value)
            .orElseThrow(() -> {
              String problem = graph.folding().problem(value);
              return node.unsupported(
                  "the shape of \"%s\" does not follow from the file%s"
                      .formatted(value, problem.isEmpty() ? "" : " (%s)".formatted(problem)));
            });
    int found = -1;
    for (int i = 0; i < shape.size(); i++) {
      Extent size = shape.get(i);
      if (size.equals(axis) && found < 0) {
        found = i;
      } else if (size.open().contains(axis.open().getFirst())) {
        throw mixes(node, axis, "they are part of several dimensions of %s".formatted(shape));
      }
    }
    return found;
  }

  private boolean mixes(GraphNode node, int at) {
    if (node.operator().equals("ScatterND")) {
      return true;
    }
    int rank = shape(node.input(0)).size();
    if (node.operator().equals("GroupNormalization")) {
      return at > 0;
    }
    if (node.operator().equals("InstanceNormalization")) {
      return at > 1;
    }
    boolean tail =
        node.operator().equals("LayerNormalization") || graph.opset() < SOFTMAX_OF_ONE_AXIS;
    long axis = node.integer("axis", tail && !node.operator().startsWith("Layer") ? 1 : -1);
    long first = axis < 0 ? axis + rank : axis;
    return tail ? at >= first : at == first;
  }

  private boolean takesLastStep(GraphNode node) {
    int at = steps(node.input(0));
    if (at < 0 || steps(node.output(0)) >= 0) {
      return false;
    }
    return switch (node.operator()) {
      case "Gather" -> {
        long axis = node.integer("axis", 0);
        Optional<long[]> index = integers(node.input(1));
        yield (axis == at || axis == at - shape(node.input(0)).size())
            && index.isPresent()
            && index.get().length == 1
            && isLast(index.get()[0]);
      }
      case "Slice" -> {
        Optional<long[]> starts = listed(node, "starts", 1);
        Optional<long[]> ends = listed(node, "ends", 2);
        long axis =
            listed(node, "axes", 3).filter(axes -> axes.length == 1).map(a -> a[0]).orElse(0L);
        yield starts.isPresent()
            && ends.isPresent()
            && starts.get().length == 1
            && (axis == at || axis == at - shape(node.input(0)).size())
            && isLast(starts.get()[0])
            && (ends.get()[0] >= Integer.MAX_VALUE
                || steps.isPresent() && ends.get()[0] >= steps.getAsLong());
      }
      default -> false;
    };
  }

  private boolean isLast(long index) {
    return index == -1 || steps.isPresent() && index == steps.getAsLong() - 1;
  }

  private Optional<long[]> listed(GraphNode node, String attribute, int input) {
    Optional<long[]> numbers = node.integers(attribute);
    return numbers.isPresent() ? numbers : integers(node.input(input));
  }

  private Optional<long[]> integers(String value) {
    return value.isEmpty()
        ? Optional.empty()
        : graph
            .folding()
            .extents(value)
            .flatMap(extents -> Extent.known(Objects.requireNonNull(extents)));
  }
}
