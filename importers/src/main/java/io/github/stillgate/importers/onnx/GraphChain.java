package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.importers.onnx.TensorLayout.Axis;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Follows a graph from its output back to its input, and then turns node after node into layers
 * while it keeps account of where sequence, batch and vectors are.
 */
final class GraphChain {
  /**
   * Stand in for sizes that the file leaves open. Being primes they are no product of others, so a
   * reshape that cuts or mixes them up is seen.
   */
  private static final int[] OPEN_SIZES = {10_007, 10_009, 10_037, 10_039};

  /** A function of its own is a product with the identity, whose weights grow with the square. */
  private static final int WIDEST_IDENTITY = 8_192;

  private static final String OPEN = "open axis ";

  private final Graph graph;
  private final List<Layer> layers = new ArrayList<>();
  private final List<RecurrentNode> recurrent = new ArrayList<>();
  private OnnxFile.Answer answer = OnnxFile.Answer.EVERY_STEP;
  private TensorLayout layout;
  private @Nullable List<Axis> sequence;
  private @Nullable List<Axis> batch;
  private @Nullable List<Axis> inputVector;
  private @Nullable List<Axis> vector;

  /** A node and which of its outputs the next one reads. */
  private record Link(GraphNode node, int output) {}

  private GraphChain(Graph graph, TensorLayout input) {
    this.graph = graph;
    this.layout = input;
  }

  /**
   * The network of a graph.
   *
   * @throws UnsupportedOnnxException if it is no chain, or has a node that no layer computes
   * @throws OnnxFormatException if something does not fit
   */
  static OnnxNetwork read(Graph graph) {
    Deque<Link> links = new ArrayDeque<>();
    Optional<String> output = mainOutput(graph);
    String from = output.isPresent() ? output.get() : lastRecurrent(graph, links);
    while (graph.producer(from).isPresent()) {
      GraphNode node = graph.producer(from).orElseThrow();
      requireSupported(node);
      links.addFirst(new Link(node, node.outputIndex(from)));
      from = dataInput(node, graph);
    }
    if (links.isEmpty()) {
      throw new UnsupportedOnnxException(
          graph.file(),
          "no node gives the output \"%s\", expected a chain of layers".formatted(from));
    }
    if (!graph.isInput(from) || graph.isInitializer(from)) {
      throw links
          .getFirst()
          .node()
          .unsupported("reads the constant \"%s\", no graph input".formatted(from));
    }
    TensorLayout input = inputLayout(graph, from);
    GraphChain chain = new GraphChain(graph, input);
    try {
      for (Link link : links) {
        chain.add(link);
      }
      return chain.finish(from, input, output);
    } catch (ArithmeticException e) {
      throw new OnnxFormatException(
          graph.file(), "the declared sizes multiply to more than 2^63; declare the true ones", e);
    }
  }

  /** The first output that is no state of a recurrent node; others may only be made of states. */
  private static Optional<String> mainOutput(Graph graph) {
    if (graph.outputs().isEmpty()) {
      throw new OnnxFormatException(graph.file(), "the graph has no output, expected one");
    }
    List<String> others =
        graph.outputs().stream().filter(output -> !isMadeOfStates(graph, output)).toList();
    if (others.size() > 1) {
      others.forEach(output -> graph.producer(output).ifPresent(GraphChain::requireSupported));
      throw new UnsupportedOnnxException(
          graph.file(),
          "the graph has the outputs %s; supported is one besides last states (Y_h, Y_c)"
              .formatted(others));
    }
    return others.stream().findFirst();
  }

  private static boolean isMadeOfStates(Graph graph, String value) {
    Optional<GraphNode> producer = graph.producer(value);
    if (producer.isEmpty()) {
      return false;
    }
    GraphNode node = producer.get();
    return switch (node.operator()) {
      case "GRU", "LSTM", "RNN" -> node.outputIndex(value) > 0;
      case "Concat" ->
          node.proto().getInputList().stream().allMatch(input -> isMadeOfStates(graph, input));
      default -> false;
    };
  }

  private static String lastRecurrent(Graph graph, Deque<Link> links) {
    GraphNode node =
        graph.nodes().reversed().stream()
            .filter(candidate -> RecurrentNode.isRecurrent(candidate.operator()))
            .findFirst()
            .orElseThrow();
    links.addFirst(new Link(node, 0));
    return node.input(0);
  }

  private static String dataInput(GraphNode node, Graph graph) {
    if (!node.operator().equals("Add")) {
      return node.input(0);
    }
    String a = node.input(0);
    String b = node.input(1);
    if (graph.isComputed(a) && graph.isComputed(b)) {
      throw node.unsupported("adds two computed values; supported is a constant bias");
    }
    return graph.isComputed(b) || graph.isInitializer(a) ? b : a;
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

  private OnnxNetwork finish(String input, TensorLayout inputLayout, Optional<String> output) {
    if (sequence == null || batch == null || inputVector == null || vector == null) {
      throw new UnsupportedOnnxException(
          graph.file(),
          "the graph has no recurrent node on its way from \"%s\"; expected one of %s"
              .formatted(input, RecurrentNode.operators()));
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
        answer,
        recurrent,
        sequence,
        batch,
        new OnnxNetwork.Port(input, inputLayout, inputVector),
        output.map(name -> new OnnxNetwork.Port(name, layout, vector)));
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
          addFunction(node, ElementwiseNode.read(node, graph));
        }
      }
    }
  }

  private static void requireSupported(GraphNode node) {
    Set<String> supported = new TreeSet<>(ShapeNode.OPERATORS);
    supported.addAll(ElementwiseNode.OPERATORS);
    supported.addAll(RecurrentNode.operators());
    supported.addAll(List.of("Gemm", "MatMul", "Add", "Softmax"));
    if (!supported.contains(node.operator())) {
      throw node.unsupported(
          "the operator is not supported on the way from input to output; supported are "
              + supported);
    }
  }

  private void addRecurrent(Link link) {
    GraphNode node = link.node();
    RecurrentNode read = RecurrentNode.read(node, graph);
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
    layers.add(read.layer());
    recurrent.add(read);
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
    OnnxTensor b = weights(node, node.input(1), "B");
    float[] w = outputsFirst(b, node.flag("transB"), node.number("alpha", 1));
    int inputs = b.shape()[node.flag("transB") ? 1 : 0];
    float[] bias = new float[w.length / inputs];
    if (!node.input(2).isEmpty()) {
      bias = bias(node, node.input(2), bias.length);
      for (int i = 0; i < bias.length; i++) {
        bias[i] *= node.number("beta", 1);
      }
    }
    addDense(node, inputs, w, bias);
  }

  private void addMatMul(GraphNode node) {
    node.requireAttributes();
    OnnxTensor b = weights(node, node.input(1), "B");
    int outputs = b.shape()[1];
    addDense(node, b.shape()[0], outputsFirst(b, false, 1), new float[outputs]);
  }

  private void addDense(GraphNode node, int inputs, float[] w, float[] bias) {
    int width = vectorWidth(node, inputs);
    if (width != inputs) {
      throw node.malformed("its weights read %d values, expected %d".formatted(inputs, width));
    }
    layers.add(dense(node, bias.length, inputs, w, bias, Activation.LINEAR));
    vector = Axis.of("outputs of " + node.name(), bias.length);
    layout = layout.withLast(vector);
  }

  /** Behind a product it is its bias. */
  private void addBias(GraphNode node) {
    node.requireAttributes();
    int width = vectorWidth(node, 0);
    int constant = dataInput(node, graph).equals(node.input(0)) ? 1 : 0;
    float[] bias = bias(node, node.input(constant), width);
    if (lastLayer() instanceof Dense dense && dense.activation().equals(Activation.LINEAR)) {
      for (int i = 0; i < bias.length; i++) {
        bias[i] += dense.b().at(i, 0);
      }
      replaceLast(
          new Dense(
              dense.name(), dense.w(), Matrix.vector(dense.b().name(), bias), dense.activation()));
    } else {
      layers.add(dense(node, width, width, identity(node, width), bias, Activation.LINEAR));
    }
  }

  private void addFunction(GraphNode node, Activation.Elementwise function) {
    int width = vector == null ? vectorWidth(node, 0) : TensorLayout.size(vector);
    if (lastLayer() instanceof Dense dense
        && dense.activation() instanceof Activation.Elementwise before) {
      replaceLast(new Dense(dense.name(), dense.w(), dense.b(), before.then(function)));
    } else {
      // A product with the identity is exact.
      layers.add(dense(node, width, width, identity(node, width), new float[width], function));
    }
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
    if (lastLayer() instanceof Dense dense && dense.activation().equals(Activation.LINEAR)) {
      replaceLast(new Dense(dense.name(), dense.w(), dense.b(), Activation.SOFTMAX));
    } else {
      layers.add(
          dense(node, width, width, identity(node, width), new float[width], Activation.SOFTMAX));
    }
  }

  private @Nullable Layer lastLayer() {
    return layers.isEmpty() ? null : layers.getLast();
  }

  private void replaceLast(Layer layer) {
    layers.set(layers.size() - 1, layer);
  }

  private static Dense dense(
      GraphNode node, int outputs, int inputs, float[] w, float[] b, Activation activation) {
    try {
      return new Dense(
          node.name(),
          Matrix.of(node.name() + ".W", outputs, inputs, w),
          Matrix.vector(node.name() + ".b", b),
          activation);
    } catch (IllegalArgumentException e) {
      throw node.malformed(String.valueOf(e.getMessage()));
    }
  }

  private static float[] identity(GraphNode node, int width) {
    if (width > WIDEST_IDENTITY) {
      throw node.unsupported(
          "it needs a layer of its own over %d values; supported are %d, or any number behind a Gemm"
                  .formatted(width, WIDEST_IDENTITY)
              + " or MatMul");
    }
    float[] identity = new float[Math.multiplyExact(width, width)];
    for (int i = 0; i < width; i++) {
      identity[i * width + i] = 1;
    }
    return identity;
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

  private OnnxTensor weights(GraphNode node, String name, String input) {
    OnnxTensor tensor =
        graph
            .constant(node, name)
            .orElseThrow(() ->
                node.unsupported(
                    "%s (\"%s\") is computed; supported is a constant matrix"
                        .formatted(input, name)));
    if (tensor.shape().length != 2) {
      throw node.unsupported("%s is %s; supported is a matrix".formatted(input, tensor));
    }
    return tensor;
  }

  /** A matrix inputs x outputs turned over, unless it is stored so. */
  private static float[] outputsFirst(OnnxTensor b, boolean turned, float scale) {
    float[] values = b.floats();
    int rows = b.shape()[0];
    int columns = b.shape()[1];
    float[] w = new float[values.length];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        float scaled = scale * values[row * columns + column];
        w[turned ? row * columns + column : column * rows + row] = scaled;
      }
    }
    return w;
  }

  private float[] bias(GraphNode node, String name, int width) {
    OnnxTensor tensor =
        graph
            .constant(node, name)
            .orElseThrow(() ->
                node.unsupported(
                    "its bias (\"%s\") is computed; supported are constants".formatted(name)));
    float[] values = tensor.floats();
    int[] shape = tensor.shape();
    boolean one = values.length == 1;
    if (shape.length > layout.rank()
        || (!one && (values.length != width || shape[shape.length - 1] != width))) {
      throw node.malformed(
          "its bias is %s, expected one value or %d in the last of at most %d dimensions"
              .formatted(tensor, width, layout.rank()));
    }
    if (!one) {
      return values;
    }
    float[] bias = new float[width];
    Arrays.fill(bias, values[0]);
    return bias;
  }
}
