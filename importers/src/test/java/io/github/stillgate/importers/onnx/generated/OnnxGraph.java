package io.github.stillgate.importers.onnx.generated;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.AttributeProto.AttributeType;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Builds a graph node by node. */
public final class OnnxGraph {
  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("generated");

  /** A float input; a negative size is left open. */
  public OnnxGraph input(String name, long... shape) {
    return typedInput(name, TensorProto.DataType.FLOAT_VALUE, shape);
  }

  /** An input of another type. */
  public OnnxGraph typedInput(String name, int type, long... shape) {
    graph.addInput(value(name, type, shape));
    return this;
  }

  /** A float output of unknown shape. */
  public OnnxGraph output(String name) {
    TypeProto.Tensor type =
        TypeProto.Tensor.newBuilder().setElemType(TensorProto.DataType.FLOAT_VALUE).build();
    graph.addOutput(
        ValueInfoProto.newBuilder()
            .setName(name)
            .setType(TypeProto.newBuilder().setTensorType(type)));
    return this;
  }

  /** A constant. */
  public OnnxGraph constant(TensorProto tensor) {
    graph.addInitializer(tensor);
    return this;
  }

  /** A node named after its operator and first output. */
  public OnnxGraph node(
      String operator, List<String> inputs, List<String> outputs, Map<String, ?> attributes) {
    NodeProto.Builder node =
        NodeProto.newBuilder()
            .setOpType(operator)
            .setName(operator.toLowerCase(Locale.ROOT) + "_" + String.join("_", outputs))
            .addAllInput(inputs)
            .addAllOutput(outputs);
    attributes.forEach((name, value) -> node.addAttribute(attribute(name, value)));
    graph.addNode(node);
    return this;
  }

  /** A node without attributes that gives one value. */
  public OnnxGraph node(String operator, String output, String... inputs) {
    return node(operator, List.of(inputs), List.of(output), Map.of());
  }

  /** A node without inputs that gives whole numbers of 64 bits. */
  public OnnxGraph whole(String output, long... values) {
    return node("Constant", List.of(), List.of(output), Map.of("value", longs("", values)));
  }

  /** An If that gives one value; the branches see the values of this graph. */
  public OnnxGraph choice(String output, String condition, OnnxGraph yes, OnnxGraph no) {
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("If")
            .setName("if_" + output)
            .addInput(condition)
            .addOutput(output)
            .addAttribute(branch("then_branch", yes))
            .addAttribute(branch("else_branch", no)));
    return this;
  }

  private static AttributeProto branch(String name, OnnxGraph graph) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.GRAPH)
        .setG(graph.graph)
        .build();
  }

  /** The whole, for operator set {@code opset}. */
  public ModelProto model(int opset) {
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(opset))
        .setGraph(graph)
        .build();
  }

  /** The whole, for operator set 14. */
  public ModelProto model() {
    return model(14);
  }

  /** A float tensor. */
  public static TensorProto tensor(String name, long[] shape, float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return TensorProto.newBuilder()
        .setName(name)
        .setDataType(TensorProto.DataType.FLOAT_VALUE)
        .addAllDims(Arrays.stream(shape).boxed().toList())
        .setRawData(ByteString.copyFrom(bytes.array()))
        .build();
  }

  /** A vector of int64. */
  public static TensorProto longs(String name, long... values) {
    return TensorProto.newBuilder()
        .setName(name)
        .setDataType(TensorProto.DataType.INT64_VALUE)
        .addDims(values.length)
        .addAllInt64Data(Arrays.stream(values).boxed().toList())
        .build();
  }

  /** A single int64. */
  public static TensorProto number(String name, long value) {
    return longs(name, value).toBuilder().clearDims().build();
  }

  /** A vector of int32. */
  public static TensorProto ints(String name, int... values) {
    return TensorProto.newBuilder()
        .setName(name)
        .setDataType(TensorProto.DataType.INT32_VALUE)
        .addDims(values.length)
        .addAllInt32Data(Arrays.stream(values).boxed().toList())
        .build();
  }

  private static ValueInfoProto value(String name, int type, long... shape) {
    TensorShapeProto.Builder sizes = TensorShapeProto.newBuilder();
    for (long size : shape) {
      TensorShapeProto.Dimension.Builder dimension = TensorShapeProto.Dimension.newBuilder();
      sizes.addDim(size < 0 ? dimension.setDimParam("open" + -size) : dimension.setDimValue(size));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(TypeProto.Tensor.newBuilder().setElemType(type).setShape(sizes)))
        .build();
  }

  private static AttributeProto attribute(String name, Object value) {
    AttributeProto.Builder attribute = AttributeProto.newBuilder().setName(name);
    switch (value) {
      case Integer i -> attribute.setType(AttributeType.INT).setI(i);
      case Float f -> attribute.setType(AttributeType.FLOAT).setF(f);
      case String s -> attribute.setType(AttributeType.STRING).setS(ByteString.copyFromUtf8(s));
      case TensorProto t -> attribute.setType(AttributeType.TENSOR).setT(t);
      case List<?> list -> {
        for (Object element : list) {
          switch (element) {
            case Integer i -> attribute.setType(AttributeType.INTS).addInts(i);
            case Float f -> attribute.setType(AttributeType.FLOATS).addFloats(f);
            case String s ->
                attribute.setType(AttributeType.STRINGS).addStrings(ByteString.copyFromUtf8(s));
            default -> throw new IllegalArgumentException("attribute %s: %s".formatted(name, list));
          }
        }
      }
      default -> throw new IllegalArgumentException("attribute %s: %s".formatted(name, value));
    }
    return attribute.build();
  }
}
