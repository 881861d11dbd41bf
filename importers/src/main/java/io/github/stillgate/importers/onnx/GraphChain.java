package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.importers.onnx.GraphPath.Link;
import io.github.stillgate.importers.onnx.TensorLayout.Axis;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Turns the nodes of a path into layers, one after the other, while it keeps account of where
 * sequence, batch and vectors are.
 */
final class GraphChain {
  /**
   * Stand in for sizes that the file leaves open. Being primes they are no product of others, so a
   * reshape that cuts or mixes them up is seen.
   */
  private static final int[] OPEN_SIZES = {10_007, 10_009, 10_037, 10_039};

  private static final String OPEN = "open axis ";

  private final Graph graph;
  private final StartStates states;
  private final Budget budget;
  private final DenseConstants constants;
  private final List<Layer> layers = new ArrayList<>();
  private final List<RecurrentNode> recurrent = new ArrayList<>();
  private final Map<Integer, RecurrentNode> byPosition = new HashMap<>();
  private OnnxFile.Answer answer = OnnxFile.Answer.EVERY_STEP;
  private TensorLayout layout;
  private @Nullable DenseFold dense;
  private @Nullable List<Axis> sequence;
  private @Nullable List<Axis> batch;
  private @Nullable List<Axis> inputVector;
  private @Nullable List<Axis> vector;
  private OptionalInt batchSize = OptionalInt.empty();

  private GraphChain(Graph graph, TensorLayout input) {
    this.graph = graph;
    this.states = new StartStates(graph);
    this.budget = new Budget(graph.fileBytes());
    this.constants = new DenseConstants(graph);
    this.layout = input;
  }

  /**
   * The network of a graph.
   *
   * @throws UnsupportedOnnxException if it is no chain, or has a node that no layer computes
   * @throws OnnxFormatException if something does not fit
   */
  static OnnxNetwork read(Graph graph) {
    GraphPath path = GraphPath.of(graph);
    try {
      TensorLayout input = inputLayout(graph, path.input());
      GraphChain chain = new GraphChain(graph, input);
      path.links().forEach(chain::add);
      return chain.finish(path, input);
    } catch (ArithmeticException e) {
      throw new OnnxFormatException(
          graph.file(), "the declared sizes multiply to more than 2^31; declare the true ones", e);
    }
  }

  private static TensorLayout inputLayout(Graph graph, String input) {
    // Nothing said: what recurrent nodes read.
    List<OptionalInt> shape =
        graph
            .inputShape(input)
            .orElse(List.of(OptionalInt.empty(), OptionalInt.empty(), OptionalInt.empty()));
    List<List<Axis>> dimensions = new ArrayList<>();
    for (int i = 0; i < shape.size(); i++) {
      String name = shape.get(i).isPresent() ? "axis " + i : OPEN + i;
      dimensions.add(Axis.of(name, shape.get(i).orElse(OPEN_SIZES[i % OPEN_SIZES.length])));
    }
    return new TensorLayout(dimensions);
  }

  private OnnxNetwork finish(GraphPath path, TensorLayout inputLayout) {
    closeDense();
    if (sequence == null || batch == null || inputVector == null || vector == null) {
      throw new UnsupportedOnnxException(
          graph.file(),
          "the graph has no recurrent node on its way from \"%s\"; expected one of %s"
              .formatted(path.input(), RecurrentOperator.operators()));
    }
    for (List<GraphPath.State> made : path.states().values()) {
      made.forEach(this::requireState);
    }
    Model model;
    try {
      model = new Model(layers);
    } catch (IllegalArgumentException e) {
      throw new OnnxFormatException(graph.file(), String.valueOf(e.getMessage()), e);
    }
    return new OnnxNetwork(
        graph,
        model,
        path.output().isPresent() ? answer : answerInStates(path),
        recurrent,
        byPosition,
        sequence,
        batch,
        new OnnxNetwork.Port(path.input(), inputLayout, inputVector),
        path.output().map(name -> new OnnxNetwork.Port(name, layout, vector)),
        path.states());
  }

  private void requireState(GraphPath.State state) {
    RecurrentNode read = Objects.requireNonNull(byPosition.get(state.node().position()));
    if (state.state() >= read.states()) {
      throw state
          .node()
          .malformed(
              "gives %d values, expected at most %d"
                  .formatted(state.node().proto().getOutputCount(), 1 + read.states()));
    }
  }

  /** A graph that gives states only has its answer in the last state of its last layer. */
  private OnnxFile.Answer answerInStates(GraphPath path) {
    RecurrentNode last = recurrent.getLast();
    boolean given =
        path.states().values().stream()
            .flatMap(List::stream)
            .anyMatch(s -> s.state() == 0 && s.node().position() == last.node().position());
    if (!given || last.directions() == 2 || isOneStep()) {
      return OnnxFile.Answer.EVERY_STEP;
    }
    return last.isForward() ? OnnxFile.Answer.LAST_STEP : OnnxFile.Answer.FIRST_STEP;
  }

  /** Whether no axis stands for a size that the file leaves open. */
  static boolean isKnown(List<Axis> axes) {
    return axes.stream().noneMatch(axis -> axis.name().startsWith(OPEN));
  }

  private boolean isOneStep() {
    return sequence != null && sequence.isEmpty();
  }

  private void add(Link link) {
    GraphNode node = link.node();
    switch (node.operator()) {
      case "GRU", "LSTM", "RNN" -> addRecurrent(link);
      case "Gemm" -> addGemm(node);
      case "MatMul" -> addMatMul(node);
      case "Add" -> addBias(node);
      case "Softmax" -> addSoftmax(node);
      default -> {
        if (ShapeNode.OPERATORS.contains(node.operator())) {
          layout = ShapeNode.apply(node, graph, layout);
        } else {
          int width = vector == null ? vectorWidth(node, 0) : TensorLayout.size(vector);
          DenseFold before = dense;
          DenseFold fold =
              before != null && before.isElementwise() ? before : identity(node, width);
          fold.apply(ElementwiseNode.read(node, graph), node);
        }
      }
    }
  }

  private void addRecurrent(Link link) {
    GraphNode node = link.node();
    closeDense();
    RecurrentNode read = RecurrentNode.read(node, graph, states, budget);
    read.requireNoComputedState();
    if (layout.rank() != 3) {
      throw node.malformed(
          "X has shape %s, expected three sizes %s"
              .formatted(
                  Arrays.toString(layout.shape()),
                  read.isBatchFirst() ? "[batch, steps, inputs]" : "[steps, batch, inputs]"));
    }
    int width = vectorWidth(node, read.inputs());
    if (width != read.inputs()) {
      throw node.malformed("W reads %d values a step, X gives %d".formatted(read.inputs(), width));
    }
    List<Axis> steps = layout.dimension(read.isBatchFirst() ? 1 : 0);
    List<Axis> streams = layout.dimension(read.isBatchFirst() ? 0 : 1);
    if (sequence == null || batch == null) {
      sequence = steps;
      batch = streams;
    } else if (!sequence.equals(steps) || !batch.equals(streams)) {
      throw node.unsupported(
          "its steps or its batch are not those of %s; a chain keeps both"
              .formatted(recurrent.getFirst().node()));
    }
    if (batchSize.isEmpty() && isKnown(batch)) {
      batchSize = OptionalInt.of(TensorLayout.size(batch));
    }
    batchSize = read.requireLengthsShape(read.requireStateShapes(batchSize));
    layers.add(read.layer());
    recurrent.add(read);
    byPosition.put(node.position(), read);
    List<Axis> directions = Axis.of("directions of " + node.name(), read.directions());
    List<Axis> units = Axis.of("units of " + node.name(), read.units());
    vector = new ArrayList<>(directions);
    vector.addAll(units);
    boolean first = read.isBatchFirst();
    layout =
        switch (link.output()) {
          case 0 ->
              new TensorLayout(
                  first
                      ? List.of(streams, steps, directions, units)
                      : List.of(steps, directions, streams, units));
          case 1 -> {
            readLastState(read, steps);
            yield new TensorLayout(
                first ? List.of(streams, directions, units) : List.of(directions, streams, units));
          }
          default ->
              throw node.unsupported(
                  "the graph goes on from its cells (Y_c), which no layer gives; supported are Y and"
                      + " Y_h");
        };
  }

  /** The last state of one direction is its output at the last step it makes. */
  private void readLastState(RecurrentNode read, List<Axis> steps) {
    if (steps.isEmpty()) {
      return;
    }
    if (read.directions() == 2) {
      throw read.node()
          .unsupported(
              "the graph goes on from the last states (Y_h) of both directions, which are outputs of"
                  + " different steps; supported is Y, or Y_h of one direction");
    }
    answer = read.isForward() ? OnnxFile.Answer.LAST_STEP : OnnxFile.Answer.FIRST_STEP;
  }

  /** {@code alpha A B + beta C}. */
  private void addGemm(GraphNode node) {
    node.requireAttributes("alpha", "beta", "transA", "transB");
    if (node.flag("transA")) {
      throw node.unsupported("transA is 1; supported is 0");
    }
    if (layout.rank() != 2) {
      throw node.malformed(
          "A has shape %s, expected two sizes".formatted(Arrays.toString(layout.shape())));
    }
    OnnxTensor b = constants.matrix(node, node.input(1), "B");
    boolean turned = node.flag("transB");
    int outputs = b.shape()[turned ? 0 : 1];
    budget.take(b.size() + (long) outputs, node);
    float[] w = DenseConstants.outputsFirst(b, turned, node.number("alpha", 1));
    float[] bias = new float[outputs];
    if (!node.input(2).isEmpty()) {
      bias = constants.bias(node, node.input(2), bias.length, layout.rank());
      for (int i = 0; i < bias.length; i++) {
        bias[i] *= node.number("beta", 1);
      }
    }
    addDense(node, b.shape()[turned ? 1 : 0], w, bias);
  }

  private void addMatMul(GraphNode node) {
    node.requireAttributes();
    OnnxTensor b = constants.matrix(node, node.input(1), "B");
    int outputs = b.shape()[1];
    budget.take(b.size() + (long) outputs, node);
    addDense(node, b.shape()[0], DenseConstants.outputsFirst(b, false, 1), new float[outputs]);
  }

  private void addDense(GraphNode node, int inputs, float[] w, float[] bias) {
    int width = vectorWidth(node, inputs);
    if (width != inputs) {
      throw node.malformed("its weights read %d values, expected %d".formatted(inputs, width));
    }
    begin(new DenseFold(node, inputs, w, bias));
    vector = Axis.of("outputs of " + node.name(), bias.length);
    layout = layout.withLast(vector);
  }

  /** Behind a product it is its bias. */
  private void addBias(GraphNode node) {
    node.requireAttributes();
    int width = vectorWidth(node, 0);
    DenseFold before = dense;
    DenseFold fold = before != null && before.isLinear() ? before : identity(node, width);
    budget.take(width, node);
    fold.add(constants.bias(node, GraphPath.constantInput(node, graph), width, layout.rank()));
  }

  private void addSoftmax(GraphNode node) {
    node.requireAttributes("axis");
    int rank = layout.rank();
    // Before operator set 13 it took all axes from this one on together, 1 unless said otherwise.
    long axis = node.integer("axis", graph.opset() < 13 ? 1 : -1);
    if (axis != -1 && axis != rank - 1) {
      throw node.unsupported(
          "softmax over axis %d of %d; supported is the last".formatted(axis, rank));
    }
    int width = vectorWidth(node, 0);
    DenseFold before = dense;
    (before != null && before.isLinear() ? before : identity(node, width)).applySoftmax();
  }

  private DenseFold identity(GraphNode node, int width) {
    return begin(DenseFold.identity(node, width, budget));
  }

  private DenseFold begin(DenseFold fold) {
    closeDense();
    dense = fold;
    return fold;
  }

  private void closeDense() {
    if (dense != null) {
      layers.add(dense.layer());
      dense = null;
    }
  }

  /**
   * Width of the vectors, which must lie along the last dimension.
   *
   * @param expected what the node reads; decides if the file leaves the size open. 0 if any
   */
  private int vectorWidth(GraphNode node, int expected) {
    if (layout.rank() == 0) {
      throw node.malformed("reads a single number, expected a vector in the last dimension");
    }
    List<Axis> last = layout.dimension(layout.rank() - 1);
    if (vector == null) {
      inputVector = last;
      vector = last;
    } else if (!last.equals(vector)) {
      throw node.unsupported(
          "reads the last of the dimensions %s, which is not the whole output of a step (%d values);"
                  .formatted(Arrays.toString(layout.shape()), TensorLayout.size(vector))
              + " transpose and reshape both directions into one dimension before");
    }
    if (last.size() == 1 && last.getFirst().name().startsWith(OPEN)) {
      if (expected == 0) {
        throw node.unsupported("the file leaves its input's width open; declare it");
      }
      vector = Axis.of("axis of vectors", expected);
      layout = layout.withLast(vector);
    }
    return TensorLayout.size(vector);
  }
}
