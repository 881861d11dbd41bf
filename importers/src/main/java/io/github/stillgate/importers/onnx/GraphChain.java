package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.importers.onnx.GraphPath.Link;
import io.github.stillgate.importers.onnx.TensorLayout.Axis;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
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
  private final StatePlumbing plumbing;
  private final StartStates states;
  private final Budget budget;
  private final DenseConstants constants;
  private final List<Layer> layers = new ArrayList<>();
  private final List<RecurrentNode> recurrent = new ArrayList<>();
  private final Map<Integer, RecurrentNode> byPosition = new HashMap<>();
  private final Map<Extent, Long> openSizes = new HashMap<>();
  private OnnxFile.Answer answer = OnnxFile.Answer.EVERY_STEP;
  private boolean answersByNumber;
  private boolean readsIds;
  private @Nullable Pending affine;
  private TensorLayout layout;
  private @Nullable DenseFold dense;
  private @Nullable List<Axis> sequence;
  private @Nullable List<Axis> batch;
  private @Nullable List<Axis> inputVector;
  private @Nullable List<Axis> vector;
  private OptionalInt batchSize = OptionalInt.empty();

  /** What multiplies and shifts the values that the next node reads. */
  private record Pending(GraphNode node, Affine values) {}

  private GraphChain(Graph graph, StatePlumbing plumbing, TensorLayout input) {
    this.graph = graph;
    this.plumbing = plumbing;
    this.states = new StartStates(graph, plumbing);
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
    StatePlumbing plumbing = StatePlumbing.of(graph);
    GraphPath path = GraphPath.of(graph, plumbing);
    try {
      TensorLayout input = inputLayout(graph, path.input());
      GraphChain chain = new GraphChain(graph, plumbing, input);
      for (int i = 0; i < input.rank(); i++) {
        chain.openSizes.put(Extent.ofInput(path.input(), i), input.shape()[i]);
      }
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
    closeAffine();
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
        plumbing,
        model,
        path.output().isPresent() ? answer : answerInStates(path),
        answersByNumber,
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
    if (link.output() > 0 && !RecurrentOperator.isRecurrent(node.operator())) {
      throw node.unsupported(
          "the graph goes on from its output %d; supported is the first".formatted(link.output()));
    }
    switch (node.operator()) {
      case "GRU", "LSTM", "RNN" -> addRecurrent(link);
      case "Gemm" -> addGemm(node);
      case "MatMul" -> addMatMul(node);
      case "Conv" -> addPointwise(node);
      case "Add", "Sub", "Mul", "Div", "BatchNormalization", "Dropout" -> addAffine(node);
      case "Softmax" -> addSoftmax(node);
      case "Gather" -> {
        if (GraphPath.isEmbedding(node, graph)) {
          addEmbedding(node);
        } else {
          layout = selection(node).apply(layout);
        }
      }
      case "Slice" -> layout = selection(node).apply(layout);
      default -> {
        if (isCastOfIds(node)) {
          readsIds = true;
        } else if (ShapeNode.OPERATORS.contains(node.operator())) {
          layout = ShapeNode.apply(node, graph, layout, openSizes);
        } else {
          closeAffine();
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
    Optional<Affine> before = takeAffine();
    closeDense();
    RecurrentNode read = RecurrentNode.read(node, graph, states, budget, before);
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

  /** A convolution that reads one position at a time is a product with its channels. */
  private void addPointwise(GraphNode node) {
    node.requireAttributes("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides");
    OnnxTensor kernel =
        graph
            .constant(node, node.input(1))
            .orElseThrow(() ->
                node.unsupported(
                    "W (\"%s\") is computed; supported are constants".formatted(node.input(1))));
    int[] shape = kernel.shape();
    int outputs = shape[0];
    if (shape.length != layout.rank()
        || shape.length < 3
        || kernel.size() != outputs * shape[1]
        || node.integer("group", 1) != 1
        || Arrays.stream(node.integers("kernel_shape").orElse(new long[0])).anyMatch(k -> k != 1)
        || Arrays.stream(node.integers("strides").orElse(new long[0])).anyMatch(s -> s != 1)
        || Arrays.stream(node.integers("pads").orElse(new long[0])).anyMatch(pad -> pad != 0)) {
      throw node.unsupported(
          "a convolution over several positions, in groups, with strides or padding (W is %s);"
                  .formatted(kernel)
              + " supported is a kernel of 1");
    }
    if (vector == null || !layout.dimension(1).equals(vector)) {
      throw node.unsupported(
          "its channels, the second dimension, are not the whole output of a step; supported are"
              + " those of a recurrent node or a product");
    }
    if (shape[1] != TensorLayout.size(vector)) {
      throw node.malformed(
          "W is %s, expected %d channels".formatted(kernel, TensorLayout.size(vector)));
    }
    budget.take(kernel.size() + (long) outputs, node);
    float[] bias =
        node.input(2).isEmpty()
            ? new float[outputs]
            : constants.operand(node, node.input(2), outputs, 1, 1);
    float[] w = kernel.weights();
    beginDense(node, shape[1], w, bias);
    List<List<Axis>> dimensions = new ArrayList<>(layout.dimensions());
    dimensions.set(1, Objects.requireNonNull(vector));
    layout = new TensorLayout(dimensions);
  }

  private void addDense(GraphNode node, int inputs, float[] w, float[] bias) {
    int width = vectorWidth(node, inputs);
    if (width != inputs) {
      throw node.malformed("its weights read %d values, expected %d".formatted(inputs, width));
    }
    beginDense(node, inputs, w, bias);
    layout = layout.withLast(Objects.requireNonNull(vector));
  }

  private void beginDense(GraphNode node, int inputs, float[] w, float[] bias) {
    takeAffine()
        .ifPresent(before -> {
          for (int out = 0; out < bias.length; out++) {
            bias[out] = (float) (bias[out] + before.foldInto(w, out * inputs));
          }
        });
    begin(new DenseFold(node, inputs, w, bias));
    vector = Axis.of("outputs of " + node.name(), bias.length);
  }

  /**
   * Behind a product it becomes part of it, else part of the next one; where none follows it is a
   * product with the identity.
   */
  private void addAffine(GraphNode node) {
    if (vector == null && node.operator().equals("BatchNormalization") && layout.rank() > 1) {
      inputVector = layout.dimension(1);
      vector = inputVector;
    }
    int width = vector == null ? vectorWidth(node, 0) : TensorLayout.size(vector);
    budget.take(width, node);
    List<Axis> values = Objects.requireNonNull(vector);
    if (node.operator().equals("Dropout") && !layout.dimensions().contains(values)) {
      Affine.requireIdle(node, graph);
      return;
    }
    Affine read = Affine.read(node, graph, layout, values);
    if (affine != null) {
      affine = new Pending(affine.node(), affine.values().then(read));
    } else if (dense != null && dense.isLinear()) {
      dense.scale(read);
    } else {
      affine = new Pending(node, read);
    }
  }

  /** What the next product has to take in; what it cannot becomes a product of its own. */
  private Optional<Affine> takeAffine() {
    Pending taken = affine;
    if (taken == null) {
      return Optional.empty();
    }
    affine = null;
    if (!taken.values().isLarge()) {
      return Optional.of(taken.values());
    }
    Optional<Affine> before = taken.values().shiftBefore();
    DenseFold alone = identity(taken.node(), taken.values().scale().length);
    alone.scale(before.orElse(taken.values()));
    return before.map(_ -> taken.values().scaleOnly());
  }

  private void closeAffine() {
    Pending taken = affine;
    if (taken != null) {
      affine = null;
      identity(taken.node(), taken.values().scale().length).scale(taken.values());
    }
  }

  /** A row of a table for each whole number. */
  private void addEmbedding(GraphNode node) {
    node.requireAttributes("axis");
    if (!layers.isEmpty() || vector != null) {
      throw node.unsupported(
          "takes rows of a constant by what was computed; supported is that of the graph's input");
    }
    OnnxTensor table = constants.matrix(node, node.input(0), "its table");
    if (node.integer("axis", 0) != 0) {
      throw node.unsupported(
          "takes columns of a constant (axis %d); supported are rows"
              .formatted(node.integer("axis", 0)));
    }
    if (layout.rank() >= TensorLayout.MOST_DIMENSIONS) {
      throw node.unsupported("gives too many dimensions");
    }
    budget.take(table.size(), node);
    int width = table.shape()[1];
    try {
      layers.add(
          new Embedding(
              node.name(),
              Matrix.of(node.name() + ".E", table.shape()[0], width, table.weights())));
    } catch (IllegalArgumentException e) {
      throw node.malformed(String.valueOf(e.getMessage()));
    }
    readsIds = false;
    inputVector = List.of();
    vector = Axis.of("values of " + node.name(), width);
    List<List<Axis>> dimensions = new ArrayList<>(layout.dimensions());
    dimensions.add(vector);
    layout = new TensorLayout(dimensions);
  }

  /** Whether it makes whole numbers of the graph's input, as they are read by an embedding. */
  private boolean isCastOfIds(GraphNode node) {
    return node.operator().equals("Cast")
        && layers.isEmpty()
        && vector == null
        && Folding.typeOf((int) node.integer("to", 1)) == Known.Type.INTEGER;
  }

  private StepSelection selection(GraphNode node) {
    List<Axis> steps = sequence;
    StepSelection selection =
        StepSelection.of(node, graph, layout, steps == null ? List.of() : steps);
    selection
        .answer()
        .ifPresent(chosen -> {
          answer = chosen;
          answersByNumber = true;
        });
    return selection;
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
    closeAffine();
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
    if (readsIds) {
      throw node.unsupported(
          "reads the graph's input cut to whole numbers; supported is an embedding (Gather) there");
    }
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
