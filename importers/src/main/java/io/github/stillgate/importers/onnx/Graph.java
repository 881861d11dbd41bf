package io.github.stillgate.importers.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** The graph of a file: who makes which value, and which values are constants. */
final class Graph {
  private final Path file;
  private final GraphProto proto;
  private final long opset;
  private final List<GraphNode> nodes;
  private final Map<String, GraphNode> producers = new HashMap<>();
  private final Map<String, TensorProto> initializers = new HashMap<>();
  private final Map<String, OnnxTensor> bound;

  private Graph(
      Path file,
      GraphProto proto,
      long opset,
      List<GraphNode> nodes,
      Map<String, OnnxTensor> bound) {
    this.file = file;
    this.proto = proto;
    this.opset = opset;
    this.nodes = nodes;
    this.bound = bound;
    for (GraphNode node : nodes) {
      for (String output : node.proto().getOutputList()) {
        if (!output.isEmpty() && producers.put(output, node) != null) {
          throw node.malformed("value \"%s\" is given by two nodes".formatted(output));
        }
      }
    }
    requireSorted();
    for (TensorProto tensor : proto.getInitializerList()) {
      initializers.put(tensor.getName(), tensor);
    }
  }

  /** As ONNX demands; behind this point there are no cycles. */
  private void requireSorted() {
    Set<String> made = new HashSet<>();
    for (GraphNode node : nodes) {
      for (String input : node.proto().getInputList()) {
        if (producers.containsKey(input) && !made.contains(input)) {
          throw node.malformed(
              "reads \"%s\" before %s makes it; nodes must be sorted"
                  .formatted(input, producers.get(input)));
        }
      }
      made.addAll(node.proto().getOutputList());
    }
  }

  static Graph open(Path file) throws IOException {
    ModelProto model;
    try {
      model = ModelProto.parseFrom(Files.readAllBytes(file));
    } catch (InvalidProtocolBufferException e) {
      throw new OnnxFormatException(
          file,
          "truncated, or not an ONNX model (%s); export or fetch it again"
              .formatted(e.getMessage()),
          e);
    }
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
    return new Graph(file, graph, opset(file, model), nodes(file, graph), Map.of());
  }

  private static long opset(Path file, ModelProto model) {
    for (OperatorSetIdProto set : model.getOpsetImportList()) {
      if (set.getDomain().isEmpty() || set.getDomain().equals("ai.onnx")) {
        return set.getVersion();
      }
    }
    throw new OnnxFormatException(
        file, "names no version of ONNX's operators (opset_import); export or fetch it again");
  }

  private static List<GraphNode> nodes(Path file, GraphProto graph) {
    Map<String, GraphNode> named = new HashMap<>();
    List<GraphNode> nodes = new ArrayList<>();
    for (NodeProto proto : graph.getNodeList()) {
      String name =
          proto.getName().isBlank()
              ? "%s_%d".formatted(proto.getOpType(), nodes.size())
              : proto.getName();
      GraphNode node = new GraphNode(file, name, proto);
      if (named.put(name, node) != null) {
        throw node.malformed("two nodes have this name; names must differ");
      }
      nodes.add(node);
    }
    return List.copyOf(nodes);
  }

  /** The same graph with values for its inputs. */
  Graph bind(Map<String, OnnxTensor> values) {
    return new Graph(file, proto, opset, nodes, Map.copyOf(values));
  }

  Path file() {
    return file;
  }

  long opset() {
    return opset;
  }

  List<GraphNode> nodes() {
    return nodes;
  }

  List<String> inputs() {
    return proto.getInputList().stream().map(ValueInfoProto::getName).toList();
  }

  List<String> outputs() {
    return proto.getOutputList().stream().map(ValueInfoProto::getName).toList();
  }

  boolean isInput(String value) {
    return proto.getInputList().stream().anyMatch(input -> input.getName().equals(value));
  }

  boolean isInitializer(String value) {
    return initializers.containsKey(value);
  }

  Optional<GraphNode> producer(String value) {
    return Optional.ofNullable(producers.get(value));
  }

  /** Whether it comes out of a node that is not itself a constant. */
  boolean isComputed(String value) {
    return producer(value)
        .map(node ->
            switch (node.operator()) {
              case "Constant" -> false;
              case "Identity" ->
                  !bound.containsKey(node.input(0))
                      && !isInitializer(node.input(0))
                      && isComputed(node.input(0));
              default -> true;
            })
        .orElse(false);
  }

  /** The sizes of a graph input as far as they are known: from its value, or as declared. */
  Optional<List<OptionalInt>> inputShape(String input) {
    if (bound.containsKey(input)) {
      List<OptionalInt> shape = new ArrayList<>();
      for (int extent : bound.get(input).shape()) {
        shape.add(OptionalInt.of(extent));
      }
      return Optional.of(shape);
    }
    for (ValueInfoProto info : proto.getInputList()) {
      if (info.getName().equals(input) && info.getType().getTensorType().hasShape()) {
        return Optional.of(
            info.getType().getTensorType().getShape().getDimList().stream()
                .map(Graph::extent)
                .toList());
      }
    }
    return Optional.empty();
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
    if (bound.containsKey(name)) {
      return Optional.of(bound.get(name));
    }
    if (initializers.containsKey(name)) {
      return Optional.of(OnnxTensor.of(file, reader.toString(), name, initializers.get(name)));
    }
    return producer(name)
        .flatMap(node ->
            switch (node.operator()) {
              case "Constant" ->
                  Optional.of(OnnxTensor.of(file, reader.toString(), name, constantValue(node)));
              case "Identity" -> constant(reader, node.input(0));
              default -> Optional.empty();
            });
  }

  private static TensorProto constantValue(GraphNode node) {
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
