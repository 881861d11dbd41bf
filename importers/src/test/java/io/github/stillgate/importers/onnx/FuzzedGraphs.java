package io.github.stillgate.importers.onnx;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Graphs of every kind that is read, and changes to them. */
final class FuzzedGraphs {
  static final int SEEDS = 90;

  /** Seeds from here on are as exporters write graphs. */
  private static final int EXPORTED = 60;

  /** Seeds from here on are no chains. */
  private static final int BRANCHED = 72;

  static final int STEPS = 5;
  static final int INPUTS = 3;
  static final int UNITS = 4;

  private static final long[] NUMBERS = {
    0,
    1,
    -1,
    2,
    3,
    4,
    7,
    8,
    13,
    1 << 16,
    46_341,
    1 << 20,
    1 << 24,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    1L << 31,
    1L << 32,
    1L << 33,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };

  private static final float[] FLOATS = {
    0, 1, -1, 0.5f, Float.NaN, Float.POSITIVE_INFINITY, 1e38f, -1e38f, 1e-40f
  };

  /** Names of values, operators and attributes: those that make one thing into another. */
  private static final String[] NAMES = {
    "",
    "x",
    "y",
    "yh",
    "yc",
    "W",
    "R",
    "B",
    "P",
    "M",
    "b",
    "s",
    "m",
    "a",
    "out",
    "lens",
    "h0",
    "shape",
    "GRU",
    "LSTM",
    "RNN",
    "Identity",
    "Add",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Shape",
    "Gather",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Flatten",
    "Cast",
    "Expand",
    "Gemm",
    "MatMul",
    "Softmax",
    "Slice",
    "Split",
    "Tile",
    "Range",
    "Where",
    "Equal",
    "Mul",
    "Sub",
    "Div",
    "Mod",
    "Size",
    "DequantizeLinear",
    "BatchNormalization",
    "Dropout",
    "Conv",
    "If",
    "Loop",
    "h1",
    "states",
    "is",
    "starts",
    "ends",
    "then_branch",
    "location",
    "Relu",
    "Tanh",
    "Sigmoid",
    "Elu",
    "Clip",
    "LeakyRelu",
    "HardSigmoid",
    "ThresholdedRelu",
    "Affine",
    "ScaledTanh",
    "axis",
    "axes",
    "perm",
    "value",
    "value_int",
    "value_floats",
    "hidden_size",
    "clip",
    "layout",
    "direction",
    "bidirectional",
    "reverse",
    "activations",
    "activation_alpha",
    "to",
    "ai.onnx",
    "com.microsoft",
    "\u0000"
  };

  private final SplittableRandom random;

  FuzzedGraphs(SplittableRandom random) {
    this.random = random;
  }

  private float[] floats(int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) (random.nextDouble() - 0.5);
    }
    return values;
  }

  TensorProto tensor(String name, long... shape) {
    return OnnxGraph.tensor(
        name, shape, floats((int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)));
  }

  /** Graph {@code k} of {@link #SEEDS}: operators, directions, layouts and tails take turns. */
  ModelProto seed(int k) {
    return k < EXPORTED
        ? layer(k)
        : k < BRANCHED ? exported(k - EXPORTED) : k % 2 == 0 ? heads(k) : convolutions(k);
  }

  /** Branches over a sequence: joined, added, normalised and reduced. */
  private ModelProto heads(int k) {
    OnnxGraph graph = new OnnxGraph().input("x", k % 4 == 0 ? STEPS : -1, 1, INPUTS);
    graph.constant(tensor("W", 1, 3L * UNITS, INPUTS)).constant(tensor("R", 1, 3L * UNITS, UNITS));
    graph.constant(tensor("M", UNITS + INPUTS, UNITS)).constant(tensor("b", UNITS));
    graph.node("GRU", List.of("x", "W", "R"), List.of("y"), Map.of("hidden_size", UNITS));
    graph.whole("axes", 1).node("Squeeze", "s", "y", "axes");
    graph.node("Concat", List.of("s", "x"), List.of("j"), Map.of("axis", 2));
    graph.node("MatMul", "m", "j", "M").node("Add", "a", "m", "s");
    graph.node("LayerNormalization", "n", "a", "b").node("Gelu", "g", "n");
    graph.node("LogSoftmax", "out", "g");
    graph.node("ReduceMean", List.of("a"), List.of("mean"), Map.of("axes", List.of(2)));
    graph.node("Sub", "more", "a", "mean");
    return graph.output("out").output("more").model(20);
  }

  /** One call a step: padded, convolved, there and back, and what is kept for the next. */
  private ModelProto convolutions(int k) {
    OnnxGraph graph = new OnnxGraph().input("x", 1, 2, 6).input("h0", 1, 2, 2);
    graph.constant(tensor("W", 4, k % 3 == 0 ? 1 : 2, 3)).constant(tensor("R", 4, 1, 3));
    graph.constant(tensor("B", 4, 2, 2)).constant(tensor("b", 4));
    graph.node("Concat", List.of("h0", "x"), List.of("j"), Map.of("axis", 2));
    graph.whole("pads", 0, 0, 1, 0, 0, 1);
    graph.node("Pad", List.of("j", "pads"), List.of("p"), Map.of("mode", "reflect"));
    graph.node(
        "Conv",
        List.of("p", "W", "b"),
        List.of("c"),
        Map.of("strides", List.of(2), "group", k % 3 == 0 ? 2 : 1));
    graph.node("Relu", "r", "c");
    graph.node("Conv", List.of("r", "R"), List.of("d"), Map.of("group", 4, "pads", List.of(1, 1)));
    graph.node("PRelu", "e", "d", "b2").constant(tensor("b2", 4, 1));
    graph.node("ConvTranspose", List.of("e", "B"), List.of("t"), Map.of("strides", List.of(2)));
    graph.node("Transpose", List.of("t"), List.of("u"), Map.of("perm", List.of(0, 2, 1)));
    graph.node("MatMul", "q", "t", "u").node("Softmax", "out", "q");
    graph.whole("starts", -2).whole("ends", Integer.MAX_VALUE).whole("axes", 2);
    graph.node("Slice", "h1", "j", "starts", "ends", "axes");
    return graph.output("out").output("h1").model(14);
  }

  /** States cut and joined, computed shapes and weights, last steps, scales and an If. */
  private ModelProto exported(int k) {
    OnnxGraph graph = new OnnxGraph().input("x", k % 2 == 0 ? STEPS : -1, 1, INPUTS);
    graph.constant(tensor("W", 1, 3L * UNITS, INPUTS));
    graph.constant(tensor("r", 3L * UNITS, UNITS)).constant(tensor("b", UNITS));
    graph.whole("zero", 0).whole("one", 1).whole("two", 2).whole("units", UNITS);
    graph.whole("low", 0).whole("mid", UNITS).whole("high", 3L * UNITS);
    graph.node("Slice", "r0", "r", "low", "mid", "zero");
    graph.node("Slice", "r1", "r", "mid", "high", "zero");
    graph.node("Concat", List.of("r0", "r1"), List.of("rc"), Map.of("axis", 0));
    graph.node("Unsqueeze", "R", "rc", "zero");
    String state = "";
    if (k % 3 == 0) {
      graph.node("Shape", "sizes", "x").node("Slice", "batch", "sizes", "one", "two", "zero");
      graph.node("Concat", List.of("one", "batch", "units"), List.of("s"), Map.of("axis", 0));
      graph.node("ConstantOfShape", "zeros", "s");
      graph.node("Cast", List.of("zeros"), List.of("h0"), Map.of("to", 1));
      state = "h0";
    } else if (k % 3 == 1) {
      graph.input("states", 2, 1, UNITS).node("Slice", "h1", "states", "one", "two", "zero");
      state = "h1";
    }
    graph.node(
        "GRU",
        List.of("x", "W", "R", "", "", state),
        List.of("y", "yh"),
        Map.of("hidden_size", UNITS));
    graph.node("Squeeze", "q", "y", "one").node("Mul", "scaled", "q", "b");
    graph.constant(OnnxGraph.number("k", -1));
    if (k % 4 < 2) {
      graph.node("Gather", "out", "scaled", "k");
    } else {
      graph.constant(OnnxGraph.number("is", 1));
      graph.node("Cast", List.of("is"), List.of("true"), Map.of("to", 9));
      graph.choice("out", "true", branch("Tanh"), branch("Relu"));
    }
    return graph.output("out").output("yh").model(14);
  }

  private static OnnxGraph branch(String operator) {
    return new OnnxGraph().node(operator, "inner", "scaled").output("inner");
  }

  private ModelProto layer(int k) {
    String operator = List.of("GRU", "LSTM", "RNN").get(k % 3);
    int gates = List.of(3, 4, 1).get(k % 3);
    String direction = List.of("forward", "reverse", "bidirectional").get(k / 3 % 3);
    int directions = direction.equals("bidirectional") ? 2 : 1;
    boolean batchFirst = k / 9 % 2 == 1;
    OnnxGraph graph = new OnnxGraph();
    graph.input("x", batchFirst ? 1 : STEPS, batchFirst ? STEPS : 1, INPUTS);
    graph.constant(tensor("W", directions, (long) gates * UNITS, INPUTS));
    graph.constant(tensor("R", directions, (long) gates * UNITS, UNITS));
    graph.constant(tensor("B", directions, 2L * gates * UNITS));
    Map<String, Object> attributes = new LinkedHashMap<>();
    attributes.put("hidden_size", UNITS);
    attributes.put("direction", direction);
    if (batchFirst) {
      attributes.put("layout", 1);
    }
    if (k % 5 == 0 && gates == 3) {
      attributes.put("linear_before_reset", 1);
    }
    if (k % 4 == 0) {
      attributes.put("clip", 3f);
    }
    List<String> inputs = new ArrayList<>(List.of("x", "W", "R", "B"));
    if (gates == 4 && k % 2 == 0) {
      graph.constant(tensor("P", directions, 3L * UNITS));
      inputs.addAll(List.of("", "", "", "P"));
    } else if (k % 6 == 3) {
      long[] state = {batchFirst ? 1 : directions, batchFirst ? directions : 1, UNITS};
      graph.constant(OnnxGraph.ints("lens", STEPS));
      graph.constant(OnnxGraph.tensor("h0", state, new float[directions * UNITS]));
      inputs.addAll(List.of("lens", "h0"));
    }
    graph.node(
        operator, inputs, gates == 4 ? List.of("y", "yh", "yc") : List.of("y", "yh"), attributes);
    tail(graph, k % 6, directions, batchFirst);
    return graph.model(k % 10 == 0 ? 11 : 14);
  }

  private void tail(OnnxGraph graph, int kind, int directions, boolean batchFirst) {
    if (kind == 1) {
      graph.node(
          "Transpose",
          List.of("y"),
          List.of("tr"),
          Map.of("perm", batchFirst ? List.of(0, 1, 2, 3) : List.of(0, 2, 1, 3)));
      graph.constant(OnnxGraph.longs("shape", 0, 0, -1)).node("Reshape", "out", "tr", "shape");
      graph.output("out").output("yh");
    } else if (kind == 2) {
      graph.output("yh");
    } else if (kind == 3 || directions == 2) {
      graph.output("y").output("yh");
    } else if (kind == 0) {
      graph.constant(OnnxGraph.longs("axes", batchFirst ? 2 : 1));
      graph.constant(tensor("M", UNITS, 6)).constant(tensor("b", 6));
      graph.node("Squeeze", "s", "y", "axes").node("MatMul", "m", "s", "M");
      graph.node("Add", "a", "m", "b").node("Relu", "rl", "a");
      graph.node("Softmax", List.of("rl"), List.of("out"), Map.of("axis", -1)).output("out");
    } else {
      graph.constant(OnnxGraph.longs("axes", batchFirst ? 2 : 1));
      graph.node("Squeeze", "s", "y", "axes").node("Identity", "i", "s").node("Tanh", "th", "i");
      graph.node("Clip", List.of("th"), List.of("c"), Map.of());
      graph.node("Cast", List.of("c"), List.of("out"), Map.of("to", 1)).output("out");
    }
  }

  /** One to five changes of bytes: flipped, overwritten, copied over, or cut off. */
  byte[] damaged(byte[] whole) {
    byte[] bytes = whole.clone();
    for (int i = random.nextInt(1, 6); i > 0 && bytes.length > 1; i--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(6)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt(256);
        case 2 -> bytes[at] = (byte) 0xff;
        case 3 -> bytes = random.nextInt(3) == 0 ? Arrays.copyOf(bytes, at) : bytes;
        default -> {
          int to = random.nextInt(bytes.length);
          int length = Math.min(random.nextInt(30), bytes.length - Math.max(at, to));
          System.arraycopy(bytes, at, bytes, to, length);
        }
      }
    }
    return bytes;
  }

  /** One change somewhere in the tree of messages, which stays a tree. */
  Message changed(Message message) {
    List<FieldDescriptor> set = new ArrayList<>(message.getAllFields().keySet());
    List<FieldDescriptor> inner =
        set.stream()
            .filter(field -> field.getJavaType() == FieldDescriptor.JavaType.MESSAGE)
            .toList();
    if (!inner.isEmpty() && random.nextInt(8) != 0) {
      return changedWithin(message, inner.get(random.nextInt(inner.size())));
    }
    List<FieldDescriptor> all = message.getDescriptorForType().getFields();
    FieldDescriptor field =
        random.nextInt(3) == 0 || set.isEmpty()
            ? all.get(random.nextInt(all.size()))
            : set.get(random.nextInt(set.size()));
    Message.Builder builder = message.toBuilder();
    if (random.nextInt(6) == 0) {
      return builder.clearField(field).buildPartial();
    }
    Object value = value(builder, field);
    if (!field.isRepeated()) {
      return builder.setField(field, value).buildPartial();
    }
    int count = message.getRepeatedFieldCount(field);
    if (count > 0 && random.nextInt(3) != 0) {
      return builder.setRepeatedField(field, random.nextInt(count), value).buildPartial();
    }
    for (int i = random.nextInt(3) == 0 ? random.nextInt(1, 7) : 1; i > 0; i--) {
      builder.addRepeatedField(field, value);
    }
    return builder.buildPartial();
  }

  private Message changedWithin(Message message, FieldDescriptor field) {
    Message.Builder builder = message.toBuilder();
    if (!field.isRepeated()) {
      return builder.setField(field, changed((Message) message.getField(field))).buildPartial();
    }
    List<Object> list = new ArrayList<>((List<?>) message.getField(field));
    int at = random.nextInt(list.size());
    switch (random.nextInt(12)) {
      case 0 -> list.remove(at);
      case 1 -> list.add(random.nextInt(list.size() + 1), list.get(at));
      case 2 -> Collections.swap(list, at, random.nextInt(list.size()));
      default -> list.set(at, changed((Message) list.get(at)));
    }
    return builder.setField(field, list).buildPartial();
  }

  private Object value(Message.Builder builder, FieldDescriptor field) {
    return switch (field.getJavaType()) {
      case INT -> (int) NUMBERS[random.nextInt(NUMBERS.length)];
      case LONG -> NUMBERS[random.nextInt(NUMBERS.length)];
      case FLOAT -> FLOATS[random.nextInt(FLOATS.length)];
      case DOUBLE -> (double) FLOATS[random.nextInt(FLOATS.length)];
      case BOOLEAN -> true;
      case STRING -> NAMES[random.nextInt(NAMES.length)];
      case BYTE_STRING ->
          random.nextBoolean()
              ? ByteString.copyFrom(new byte[random.nextInt(70)])
              : ByteString.copyFromUtf8(NAMES[random.nextInt(NAMES.length)]);
      case ENUM -> {
        var values = field.getEnumType().getValues();
        yield values.get(random.nextInt(values.size()));
      }
      case MESSAGE -> builder.newBuilderForField(field).buildPartial();
    };
  }
}
