package io.github.stillgate.importers.onnx.generated;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Small networks of the kinds that people keep streaming networks in: each is called once a step,
 * and gives back the states that it is called with.
 */
public final class StreamCases {
  private static final int OPSET = 16;

  private final Random random;
  private final OnnxGraph graph = new OnnxGraph();

  private StreamCases(int seed) {
    this.random = new Random(seed);
  }

  /**
   * A network.
   *
   * @param name what it is like
   * @param model the graph, every size known
   * @param settings inputs to fix, as texts
   */
  public record Stream(String name, ModelProto model, Map<String, String> settings) {
    @Override
    public String toString() {
      return name;
    }
  }

  /** One of each kind. */
  public static List<Stream> all() {
    return List.of(
        new Stream(
            "a voice detector: convolutions, an LSTM whose h and c are one input, a rate that decides",
            new StreamCases(1).voiceDetector(),
            Map.of("sr", "16000")),
        new Stream("a mask: two LSTMs stacked in one input", new StreamCases(2).mask(), Map.of()),
        new Stream(
            "a denoiser over bands: caches of convolutions, GRUs over and at frequencies",
            new StreamCases(3).bands(),
            Map.of()),
        new Stream(
            "gains: GRUs with relu side by side, two outputs",
            new StreamCases(4).gains(),
            Map.of()));
  }

  private String weights(String name, double scale, long... shape) {
    int size = 1;
    for (long each : shape) {
      size *= (int) each;
    }
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) (random.nextGaussian() * scale);
    }
    graph.constant(OnnxGraph.tensor(name, shape, values));
    return name;
  }

  private String whole(String name, long... values) {
    graph.constant(OnnxGraph.longs(name, values));
    return name;
  }

  private void recurrent(
      String operator,
      String x,
      String y,
      int inputs,
      int units,
      Map<String, Object> more,
      String... states) {
    int gates = operator.equals("GRU") ? 3 : 4;
    int directions = more.containsKey("direction") ? 2 : 1;
    double scale = 1 / Math.sqrt(units);
    List<String> read =
        new ArrayList<>(
            List.of(
                x,
                weights(y + ".W", scale, directions, (long) gates * units, inputs),
                weights(y + ".R", scale, directions, (long) gates * units, units),
                weights(y + ".B", 0.1, directions, 2L * gates * units),
                ""));
    read.addAll(List.of(states));
    List<String> gives = new ArrayList<>(List.of(y, y + ".h"));
    if (operator.equals("LSTM")) {
      gives.add(y + ".c");
    }
    Map<String, Object> attributes = new LinkedHashMap<>(more);
    attributes.put("hidden_size", units);
    graph.node(operator, read, gives, attributes);
  }

  private void concat(String output, int axis, String... inputs) {
    graph.node("Concat", List.of(inputs), List.of(output), Map.of("axis", axis));
  }

  private ModelProto model(String... outputs) {
    for (String output : outputs) {
      graph.output(output);
    }
    return graph.model(OPSET);
  }

  private ModelProto voiceDetector() {
    int units = 8;
    graph
        .input("input", 1, 24)
        .input("state", 2, 1, units)
        .typedInput("sr", TensorProto.DataType.INT64_VALUE)
        .constant(OnnxGraph.number("rate", 16_000))
        .node("Equal", "is16", "sr", "rate")
        .node("Unsqueeze", "wave", "input", whole("at1", 1))
        .node(
            "Pad",
            List.of("wave", whole("pads", 0, 0, 0, 0, 0, 4)),
            List.of("padded"),
            Map.of("mode", "reflect"));
    graph.choice(
        "frames",
        "is16",
        branch("fast", weights("wide", 0.3, 6, 1, 8), 4),
        branch("slow", weights("narrow", 0.3, 6, 1, 8), 5));
    graph
        .node("Relu", "active", "frames")
        .node(
            "Conv",
            "last",
            "active",
            weights("join", 0.3, units, 6, 6),
            weights("joinb", 0.1, units))
        .node("Transpose", List.of("last"), List.of("x"), Map.of("perm", List.of(2, 0, 1)));
    graph.constant(OnnxGraph.number("k0", 0)).constant(OnnxGraph.number("k1", 1));
    graph
        .node("Gather", "hs", "state", "k0")
        .node("Gather", "cs", "state", "k1")
        .node("Unsqueeze", "h0", "hs", whole("at0", 0))
        .node("Unsqueeze", "c0", "cs", "at0");
    recurrent("LSTM", "x", "y", units, units, Map.of(), "h0", "c0");
    graph
        .node("Squeeze", "yh", "y.h", "at0")
        .node("Relu", "r", "yh")
        .node("Gemm", "score", "r", weights("out", 0.5, units, 1))
        .node("Sigmoid", "output", "score");
    concat("stateN", 0, "y.h", "y.c");
    return model("output", "stateN");
  }

  /** Convolutions with other strides give other numbers of frames, of which six are taken. */
  private static OnnxGraph branch(String name, String weights, int stride) {
    return new OnnxGraph()
        .whole(name + "0", 0)
        .whole(name + "5", 5)
        .whole(name + "2", 2)
        .whole(name + "end", 6)
        .node("Conv", List.of("padded", weights), List.of(name), Map.of("strides", List.of(stride)))
        .node(
            "Slice", name + "cut", name, name + "0", name + (stride == 4 ? "end" : "5"), name + "2")
        .output(name + "cut");
  }

  private ModelProto mask() {
    int units = 7;
    int bins = 9;
    graph.input("input_2", 1, 1, bins).input("input_3", 1, 2, units, 2);
    String[] from = new String[4];
    for (int layer = 0; layer < 2; layer++) {
      for (int part = 0; part < 2; part++) {
        String name = "s%d%d".formatted(layer, part);
        graph
            .constant(OnnxGraph.number(name + "l", layer))
            .constant(OnnxGraph.number(name + "p", part));
        graph
            .node("Gather", List.of("input_3", name + "l"), List.of(name + "a"), Map.of("axis", 1))
            .node("Gather", List.of(name + "a", name + "p"), List.of(name + "b"), Map.of("axis", 2))
            .node("Unsqueeze", name, name + "b", whole(name + "0", 0));
        from[2 * layer + part] = name;
      }
    }
    recurrent("LSTM", "input_2", "a", bins, units, Map.of(), from[0], from[1]);
    graph.node("Squeeze", "a1", "a", whole("one", 1));
    recurrent("LSTM", "a1", "b", units, units, Map.of(), from[2], from[3]);
    graph
        .node("Squeeze", "b1", "b", "one")
        .node("MatMul", "m", "b1", weights("out", 0.4, units, bins))
        .node("Sigmoid", "mask", "m")
        .node("Mul", "clean", "mask", "input_2");
    String[] parts = {"a.h", "a.c", "b.h", "b.c"};
    for (int i = 0; i < parts.length; i++) {
      graph.node("Reshape", "n" + i, parts[i], whole("shape" + i, 1, 1, units, 1));
    }
    concat("first", 3, "n0", "n1");
    concat("second", 3, "n2", "n3");
    concat("states", 1, "first", "second");
    return model("clean", "states");
  }

  private ModelProto bands() {
    int channels = 4;
    int width = 5;
    int units = 3;
    graph
        .input("mix", 1, channels, 1, width)
        .input("conv_cache", 1, channels, 2, width)
        .input("inter_cache", 2, 1, width, units);
    // The frames before stand in front of this one.
    concat("frames", 2, "conv_cache", "mix");
    graph
        .node(
            "Conv",
            List.of("frames", weights("dw", 0.4, channels, 1, 3, 3), weights("dwb", 0.1, channels)),
            List.of("conv"),
            Map.of("group", channels, "pads", List.of(0, 1, 0, 1)))
        .node("PRelu", "act", "conv", weights("slope", 0.3, 1, 1, 1))
        .node(
            "Slice",
            "kept",
            "frames",
            whole("from", 1),
            whole("to", Integer.MAX_VALUE),
            whole("axis", 2))
        .node("ScatterND", "conv_cache_out", "conv_cache", whole2("places", 1, 1, 0), "kept")
        .node("Squeeze", "flat", "act", "axis")
        .node("Transpose", List.of("flat"), List.of("over"), Map.of("perm", List.of(2, 0, 1)));
    // Over the bands, anew in each step, in both directions; then at each band, from step to step.
    recurrent("GRU", "over", "intra", channels, units, bothWays());
    graph
        .node("Transpose", List.of("intra"), List.of("turned"), Map.of("perm", List.of(2, 0, 1, 3)))
        .node("Reshape", "at", "turned", whole("atShape", 1, width, 2L * units));
    String x = "at";
    int inputs = 2 * units;
    String cache = "inter_cache";
    for (int layer = 0; layer < 2; layer++) {
      String name = "inter" + layer;
      graph
          .constant(OnnxGraph.number(name + "k", layer))
          .node("Gather", name + "0", cache, name + "k");
      recurrent("GRU", x, name, inputs, units, Map.of("linear_before_reset", 1), name + "0");
      graph
          .node("Squeeze", name + "y", name, whole(name + "one", 1))
          .node("Unsqueeze", name + "n", name + ".h", whole(name + "zero", 0));
      String next = layer == 1 ? "inter_cache_out" : "half";
      graph.node("ScatterND", next, cache, whole2(name + "place", 1, 1, layer), name + "n");
      cache = next;
      x = name + "y";
      inputs = units;
    }
    graph.node("MatMul", "gain", x, weights("out", 0.5, units, 1)).node("Tanh", "enh", "gain");
    return model("enh", "conv_cache_out", "inter_cache_out");
  }

  private static Map<String, Object> bothWays() {
    return Map.of("direction", "bidirectional", "linear_before_reset", 1);
  }

  /** One index of a matrix of indices. */
  private String whole2(String name, long rows, long columns, long value) {
    graph.constant(
        OnnxGraph.longs(name, value).toBuilder()
            .clearDims()
            .addDims(rows)
            .addDims(columns)
            .build());
    return name;
  }

  private ModelProto gains() {
    graph
        .input("features", 1, 1, 10)
        .input("vad_gru_h", 1, 1, 4)
        .input("noise_gru_h", 1, 1, 5)
        .node("MatMul", "m", "features", weights("in", 0.3, 10, 6))
        .node("Tanh", "d", "m");
    Map<String, Object> relu =
        Map.of("activations", List.of("Sigmoid", "Relu"), "linear_before_reset", 1);
    recurrent("GRU", "d", "v", 6, 4, relu, "vad_gru_h");
    graph.node("Squeeze", "vo", "v", whole("one", 1)).node("Identity", "vad_gru_hn", "v.h");
    concat("all", 2, "d", "vo", "features");
    recurrent("GRU", "all", "n", 20, 5, relu, "noise_gru_h");
    graph.node("Squeeze", "no", "n", "one").node("Identity", "noise_gru_hn", "n.h");
    graph
        .node("MatMul", "g", "no", weights("gainsW", 0.3, 5, 3))
        .node("Sigmoid", "gains", "g")
        .node("MatMul", "p", "vo", weights("vadW", 0.3, 4, 1))
        .node("Sigmoid", "vad", "p");
    return model("gains", "vad", "vad_gru_hn", "noise_gru_hn");
  }
}
