package io.github.stillgate.importers.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import io.github.stillgate.core.weights.RegularFile;
import java.io.IOException;
import java.nio.file.Path;
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
 * The graph of a file: who makes which value, and which values are constants. Every question is
 * answered in a time that does not grow with the graph.
 */
final class Graph {
  /** More than exports of recurrent networks have, unrolled ones included. */
  static final int MOST_NODES = 1 << 16;

  /**
   * The newest version of ONNX's operators whose definitions were read. A file for a newer one is
   * read by these, which is said: GRU, LSTM and RNN have not changed since version 22.
   */
  static final int NEWEST_OPSET = 23;

  private final Path file;
  private final long fileBytes;
  private final GraphProto proto;
  private final long opset;
  private final Folding folding;
  private final Map<String, Made> producers = new HashMap<>();
  private final Map<String, String> aliases = new HashMap<>();
  private final Set<String> initializers = new HashSet<>();
  private final Map<String, ValueInfoProto> inputs = new LinkedHashMap<>();
  private final Map<String, OnnxTensor> fixed;
  private final Map<String, OnnxTensor> bound;
  private final Map<String, List<Extent>> shapes;

  /** What makes a value: output {@code output} of {@code node}. */
  record Made(GraphNode node, int output) {}

  private Graph(
      Path file,
      long fileBytes,
      GraphProto proto,
      long opset,
      Map<String, OnnxTensor> fixed,
      Map<String, OnnxTensor> bound,
      Map<String, List<Extent>> shapes) {
    this.file = file;
    this.fileBytes = fileBytes;
    this.proto = proto;
    this.opset = opset;
    this.fixed = fixed;
    this.bound = bound;
    this.shapes = shapes;
    for (ValueInfoProto input : proto.getInputList()) {
      if (inputs.put(input.getName(), input) != null) {
        throw new OnnxFormatException(
            file, "two inputs of the graph are called \"%s\"".formatted(input.getName()));
      }
    }
    Map<String, TensorProto> tensors = new HashMap<>();
    for (TensorProto tensor : proto.getInitializerList()) {
      TensorProto before = tensors.put(tensor.getName(), tensor);
      if (before != null && !before.equals(tensor)) {
        throw new OnnxFormatException(
            file, "two different tensors are called \"%s\"".formatted(tensor.getName()));
      }
      initializers.add(tensor.getName());
    }
    this.folding = Folding.of(file, opset, fileBytes, proto, given(), frozen());
    nodes().forEach(this::take);
  }

  /** Sizes of inputs that the file says, and those that they have here instead. */
  private Map<Long, Extent> frozen() {
    Map<Long, Extent> frozen = new HashMap<>();
    shapes.forEach((input, sizes) -> {
      List<OptionalInt> said = declaredShape(input).orElse(List.of());
      for (int i = 0; i < Math.min(said.size(), sizes.size()); i++) {
        Extent size = sizes.get(i);
        said.get(i)
            .ifPresent(number -> {
              if (!size.is(number)) {
                frozen.put((long) number, size);
              }
            });
      }
    });
    return frozen;
  }

  /** What is known of its inputs: fixed values, and shapes. */
  private Map<String, Known> given() {
    Map<String, Known> given = new HashMap<>();
    for (String input : inputs.keySet()) {
      if (fixed.containsKey(input)) {
        given.put(input, known(fixed.get(input)));
      } else if (inputs.get(input).getType().getTensorType().getShape().getDimCount()
          <= TensorLayout.MOST_DIMENSIONS) {
        Known.Type type = Folding.typeOf(inputType(input).getNumber());
        sizes(input).ifPresent(shape -> given.put(input, Known.ofShape(type, shape)));
      }
    }
    return given;
  }

  /** The sizes of a graph input; those that the file leaves open have names. */
  Optional<List<Extent>> sizes(String input) {
    if (shapes.containsKey(input)) {
      return Optional.of(shapes.get(input));
    }
    return inputShape(input)
        .map(shape -> {
          List<Extent> sizes = new ArrayList<>();
          for (int i = 0; i < shape.size(); i++) {
            OptionalInt size = shape.get(i);
            sizes.add(size.isPresent() ? Extent.of(size.getAsInt()) : Extent.ofInput(input, i));
          }
          return sizes;
        });
  }

  /** A tensor with its elements. */
  static Known known(OnnxTensor tensor) {
    TensorData data = tensor.data();
    return Known.of(
        data instanceof TensorData.Floats ? Known.Type.FLOAT : Known.Type.INTEGER,
        Extent.all(Arrays.stream(tensor.shape()).asLongStream().toArray()),
        data);
  }

  /** As ONNX demands, nodes are sorted; so there are no cycles. */
  private void take(GraphNode node) {
    List<String> read = node.proto().getInputList();
    List<String> outputs = node.proto().getOutputList();
    for (int i = 0; i < outputs.size(); i++) {
      String output = outputs.get(i);
      if (output.isEmpty()) {
        continue;
      }
      if (producers.put(output, new Made(node, i)) != null) {
        throw node.malformed("value \"%s\" is given by two nodes".formatted(output));
      }
      if (inputs.containsKey(output) || initializers.contains(output)) {
        throw node.malformed(
            "gives value \"%s\", which is %s too"
                .formatted(output, isInput(output) ? "an input of the graph" : "an initializer"));
      }
    }
    if (node.operator().equals("Identity") && !read.isEmpty() && !node.output(0).isEmpty()) {
      aliases.put(node.output(0), source(node.input(0)));
    }
  }

  private void requireSorted() {
    Set<String> made = new HashSet<>();
    for (GraphNode node : nodes()) {
      for (String input : node.proto().getInputList()) {
        if (producers.containsKey(input) && !made.contains(input)) {
          throw node.malformed(
              "reads \"%s\" before %s makes it; nodes must be sorted"
                  .formatted(input, producers.get(input).node()));
        }
      }
      made.addAll(node.proto().getOutputList());
    }
  }

  static Graph open(Path file) throws IOException {
    return parse(file, RegularFile.read(file));
  }

  static Graph parse(Path file, byte[] bytes) {
    ModelProto model =
        OnnxProto.parse(
            file, bytes, "an ONNX model", ModelProto.parser(), ModelProto.getDescriptor());
    if (!model.hasGraph() || model.getGraph().getNodeCount() == 0) {
      throw new OnnxFormatException(
          file, "holds no graph; expected an ONNX ModelProto, export or fetch it again");
    }
    GraphProto graph = model.getGraph();
    if (graph.getSparseInitializerCount() > 0) {
      throw new UnsupportedOnnxException(
          file,
          "sparse initializer \"%s\"; store it dense"
              .formatted(graph.getSparseInitializer(0).getValues().getName()));
    }
    requireOwnOperators(file, model);
    if (graph.getNodeCount() > MOST_NODES) {
      throw new UnsupportedOnnxException(
          file, "has %d nodes; supported are %d".formatted(graph.getNodeCount(), MOST_NODES));
    }
    long opset = opset(file, model);
    ExternalData.Read whole = ExternalData.of(file, graph);
    Graph read =
        new Graph(
            file, bytes.length + whole.bytes(), whole.graph(), opset, Map.of(), Map.of(), Map.of());
    read.requireSorted();
    return read;
  }

  /** Functions of other domains are operators that nothing here computes. */
  private static void requireOwnOperators(Path file, ModelProto model) {
    for (FunctionProto function : model.getFunctionsList()) {
      if (isOnnx(function.getDomain())) {
        throw new UnsupportedOnnxException(
            file,
            "defines ONNX's operator %s anew (function); supported is what ONNX says, so inline the"
                    .formatted(function.getName())
                + " function");
      }
    }
  }

  private static boolean isOnnx(String domain) {
    return domain.isEmpty() || domain.equals("ai.onnx");
  }

  private static long opset(Path file, ModelProto model) {
    long found = 0;
    for (OperatorSetIdProto set : model.getOpsetImportList()) {
      if (isOnnx(set.getDomain())) {
        if (set.getVersion() < 1) {
          throw new UnsupportedOnnxException(
              file,
              "is for version %d of ONNX's operators (opset_import); the first is 1"
                  .formatted(set.getVersion()));
        }
        if (found != 0 && set.getVersion() != found) {
          throw new OnnxFormatException(
              file,
              "names two versions of ONNX's operators (opset_import), %d and %d; expected one"
                  .formatted(found, set.getVersion()));
        }
        found = set.getVersion();
      }
    }
    if (found != 0) {
      return found;
    }
    throw new OnnxFormatException(
        file, "names no version of ONNX's operators (opset_import); export or fetch it again");
  }

  /** The same graph with values for its inputs. */
  Graph bind(Map<String, OnnxTensor> values) {
    return new Graph(file, fileBytes, proto, opset, fixed, Map.copyOf(values), shapes);
  }

  /** The same graph where these inputs are constants. */
  Graph fix(Map<String, OnnxTensor> values) {
    Graph read = new Graph(file, fileBytes, proto, opset, Map.copyOf(values), bound, shapes);
    read.requireSorted();
    return read;
  }

  /** The same graph without values for its inputs, where some of these have other sizes. */
  Graph shaped(Map<String, List<Extent>> inputShapes) {
    Map<String, List<Extent>> all = new HashMap<>(shapes);
    all.putAll(inputShapes);
    return new Graph(file, fileBytes, proto, opset, fixed, Map.of(), Map.copyOf(all));
  }

  /** Inputs that are constants, and which. */
  Map<String, OnnxTensor> fixed() {
    return fixed;
  }

  /** The values that its inputs were given. */
  Map<String, OnnxTensor> bound() {
    return bound;
  }

  /** What is known of its values. */
  Folding folding() {
    return folding;
  }

  Path file() {
    return file;
  }

  /** Size of the file it was read from. */
  long fileBytes() {
    return fileBytes;
  }

  long opset() {
    return opset;
  }

  List<GraphNode> nodes() {
    return folding.nodes();
  }

  /** GRU, LSTM and RNN nodes within If, Loop and other nodes that hold graphs, for messages. */
  List<String> inner() {
    List<String> found = new ArrayList<>();
    Deque<GraphProto> graphs = new ArrayDeque<>();
    nodes().forEach(node -> graphs.addAll(graphsOf(node.proto())));
    while (!graphs.isEmpty()) {
      for (NodeProto node : graphs.removeFirst().getNodeList()) {
        if (RecurrentOperator.isRecurrent(node.getOpType())) {
          found.add("\"%s\" (%s)".formatted(node.getName(), node.getOpType()));
        }
        graphs.addAll(graphsOf(node));
      }
    }
    return found;
  }

  private static List<GraphProto> graphsOf(NodeProto node) {
    List<GraphProto> graphs = new ArrayList<>();
    for (AttributeProto attribute : node.getAttributeList()) {
      if (attribute.hasG()) {
        graphs.add(attribute.getG());
      }
      graphs.addAll(attribute.getGraphsList());
    }
    return graphs;
  }

  /** Names of its inputs, those with a value among the initializers too. */
  List<String> inputs() {
    return List.copyOf(inputs.keySet());
  }

  List<String> outputs() {
    return proto.getOutputList().stream().map(ValueInfoProto::getName).toList();
  }

  boolean isInput(String value) {
    return inputs.containsKey(value);
  }

  boolean isInitializer(String value) {
    return initializers.contains(value);
  }

  /** Whether whoever runs the graph gives it: a graph input without a value in the file. */
  boolean isGiven(String value) {
    String source = source(value);
    return isInput(source) && !isInitializer(source) && !fixed.containsKey(source);
  }

  /** Whether there is such a value at all. */
  boolean has(String value) {
    return isInput(value) || folding.stored().containsKey(value) || producers.containsKey(value);
  }

  Optional<GraphNode> producer(String value) {
    return Optional.ofNullable(producers.get(value)).map(Made::node);
  }

  Optional<Made> made(String value) {
    return Optional.ofNullable(producers.get(value));
  }

  /** The same value as it was called before it went through Identity nodes. */
  String source(String value) {
    return aliases.getOrDefault(value, value);
  }

  /** Whether it comes out of a node and is no constant. */
  boolean isComputed(String value) {
    String source = source(value);
    Made made = producers.get(source);
    return made != null
        && !made.node().operator().equals("Constant")
        && !folding.stored().containsKey(source)
        && folding.computed("", source).isEmpty();
  }

  /** The sizes of a graph input as far as they are known: from its value, or as declared. */
  Optional<List<OptionalInt>> inputShape(String input) {
    if (shapes.containsKey(input)) {
      return Optional.of(
          shapes.get(input).stream()
              .map(size ->
                  size.isKnown()
                      ? OptionalInt.of(Math.toIntExact(size.factor()))
                      : OptionalInt.empty())
              .toList());
    }
    if (bound.containsKey(input)) {
      List<OptionalInt> shape = new ArrayList<>();
      for (int extent : bound.get(input).shape()) {
        shape.add(OptionalInt.of(extent));
      }
      return Optional.of(shape);
    }
    return declaredShape(input);
  }

  private Optional<List<OptionalInt>> declaredShape(String input) {
    ValueInfoProto info = inputs.get(input);
    if (info == null || !info.getType().getTensorType().hasShape()) {
      return Optional.empty();
    }
    TensorShapeProto shape = info.getType().getTensorType().getShape();
    if (shape.getDimCount() > TensorLayout.MOST_DIMENSIONS) {
      throw new UnsupportedOnnxException(
          file,
          "input \"%s\" has %d dimensions; supported are %d"
              .formatted(input, shape.getDimCount(), TensorLayout.MOST_DIMENSIONS));
    }
    return Optional.of(shape.getDimList().stream().map(Graph::extent).toList());
  }

  /** The type of a graph input as declared; {@code UNDEFINED} if it is not. */
  TensorProto.DataType inputType(String input) {
    ValueInfoProto info = inputs.get(input);
    TensorProto.DataType type =
        info == null
            ? null
            : TensorProto.DataType.forNumber(info.getType().getTensorType().getElemType());
    return type == null ? TensorProto.DataType.UNDEFINED : type;
  }

  private static OptionalInt extent(TensorShapeProto.Dimension dimension) {
    long extent = dimension.getDimValue();
    return extent >= 1 && extent <= Integer.MAX_VALUE
        ? OptionalInt.of((int) extent)
        : OptionalInt.empty();
  }

  /**
   * The value of {@code name} if it is an initializer, a constant or a graph input with a value.
   *
   * @param reader what needs it, for messages
   */
  Optional<OnnxTensor> constant(GraphNode reader, String name) {
    String source = source(name);
    if (bound.containsKey(source)) {
      return Optional.of(bound.get(source));
    }
    if (fixed.containsKey(source)) {
      return Optional.of(fixed.get(source));
    }
    TensorProto stored = folding.stored().get(source);
    Made made = producers.get(source);
    if (stored == null && made != null && made.node().operator().equals("Constant")) {
      stored = constantValue(made.node());
    }
    return stored == null
        ? folding.computed(reader.toString(), source)
        : Optional.of(OnnxTensor.of(file, reader.toString(), source, stored));
  }

  /**
   * The same, or what nodes compute of such values and of {@code more}.
   *
   * @param more values of nodes
   */
  Optional<OnnxTensor> value(GraphNode reader, String name, Map<String, Known> more) {
    Optional<OnnxTensor> constant = constant(reader, name);
    return constant.isPresent()
        ? constant
        : folding.evaluated(
            reader.toString(),
            name,
            given -> {
              Known known = more.get(given);
              return known != null
                  ? Optional.of(known)
                  : Optional.ofNullable(bound.get(given)).map(Graph::known);
            });
  }

  /** What a Constant node gives. */
  static TensorProto constantValue(GraphNode node) {
    TensorProto.Builder value = TensorProto.newBuilder();
    if (node.has("value_float")) {
      value.setDataType(TensorProto.DataType.FLOAT_VALUE);
      value.addFloatData(node.number("value_float", 0));
    } else if (node.has("value_floats")) {
      List<Float> values = node.numbers("value_floats");
      value.setDataType(TensorProto.DataType.FLOAT_VALUE).addDims(values.size());
      value.addAllFloatData(values);
    } else if (node.has("value_int")) {
      value.setDataType(TensorProto.DataType.INT64_VALUE);
      value.addInt64Data(node.integer("value_int", 0));
    } else if (node.has("value_ints")) {
      long[] values = node.integers("value_ints").orElseThrow();
      value.setDataType(TensorProto.DataType.INT64_VALUE).addDims(values.length);
      for (long element : values) {
        value.addInt64Data(element);
      }
    } else {
      return node.tensor("value")
          .orElseThrow(() ->
              node.unsupported(
                  "it has none of the attributes value, value_float, value_floats, value_int,"
                      + " value_ints"));
    }
    return value.build();
  }
}
