package io.github.stillgate.importers.onnx.generated;

import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Graphs that are chains of layers, as exporters write them. */
public final class ChainCases {
  private static final int STEPS = 6;
  private static final int BATCH = 3;
  private static final int INPUTS = 4;
  private static final int UNITS = 5;

  private ChainCases() {}

  /** All of them. */
  public static List<GeneratedCase> all() {
    List<GeneratedCase> all =
        new ArrayList<>(
            List.of(
                classifierAtEveryStep(),
                twoBidirectionalLayers(),
                batchFirstByTransposes(),
                lastState("forward"),
                lastState("reverse"),
                flattenedBatch(),
                productBefore(),
                cutSequences(),
                zerosAsWideAsTheBatch(),
                oldOperatorSet(),
                openSizes(),
                everyOutput(),
                batchFirstByLayout()));
    for (String function :
        List.of(
            "Sigmoid",
            "Tanh",
            "Relu",
            "HardSigmoid",
            "LeakyRelu",
            "Elu",
            "Softsign",
            "ThresholdedRelu",
            "Softmax")) {
      all.add(function(function, Map.of()));
    }
    all.add(function("HardSigmoid", Map.of("alpha", 0.4f, "beta", 0.3f)));
    all.add(function("LeakyRelu", Map.of("alpha", 0.2f)));
    all.add(function("Elu", Map.of("alpha", 0.6f)));
    all.add(function("ThresholdedRelu", Map.of("alpha", 0.1f)));
    all.add(clip());
    return List.copyOf(all);
  }

  /** LSTM, Squeeze, MatMul, Add, Softmax. */
  public static GeneratedCase classifierAtEveryStep() {
    OnnxGraph graph = new OnnxGraph().input("X", STEPS, BATCH, INPUTS);
    recurrent(graph, "LSTM", "X", INPUTS, 1, Map.of(), List.of("Y"));
    squeeze(graph, "Y", "S", 1);
    dense(graph, "S", "D", UNITS, 7);
    graph.node("Softmax", List.of("D"), List.of("P"), Map.of("axis", -1)).output("P");
    return chain("classifier at every step", graph);
  }

  private static GeneratedCase twoBidirectionalLayers() {
    OnnxGraph graph = new OnnxGraph().input("X", STEPS, BATCH, INPUTS);
    Map<String, Object> both = Map.of("direction", "bidirectional");
    recurrent(graph, "GRU", "X", INPUTS, 2, both, List.of("Y0"));
    mergeDirections(graph, "Y0", "M0");
    recurrent(graph, "LSTM", "M0", 2 * UNITS, 2, both, List.of("Y1"));
    mergeDirections(graph, "Y1", "M1");
    dense(graph, "M1", "D", 2 * UNITS, 3);
    return chain("two bidirectional layers", graph.output("D"));
  }

  private static GeneratedCase batchFirstByTransposes() {
    OnnxGraph graph = new OnnxGraph().input("X", BATCH, STEPS, INPUTS);
    transpose(graph, "X", "T", 1, 0, 2);
    recurrent(graph, "GRU", "T", INPUTS, 1, Map.of("linear_before_reset", 1), List.of("Y"));
    squeeze(graph, "Y", "S", 1);
    transpose(graph, "S", "B", 1, 0, 2);
    dense(graph, "B", "D0", UNITS, 6);
    graph.node("Relu", "R", "D0");
    dense(graph, "R", "D1", 6, 2);
    graph.node("Sigmoid", "P", "D1").output("P");
    return chain("batch first by transposes", graph);
  }

  private static GeneratedCase lastState(String direction) {
    OnnxGraph graph = new OnnxGraph().input("X", STEPS, BATCH, INPUTS);
    recurrent(graph, "GRU", "X", INPUTS, 1, Map.of("direction", direction), List.of("", "H"));
    squeeze(graph, "H", "S", 0);
    constant(graph, "G", 2, UNITS);
    constant(graph, "C", 2);
    graph
        .node(
            "Gemm",
            List.of("S", "G", "C"),
            List.of("D"),
            Map.of("transB", 1, "alpha", 0.5f, "beta", 2f))
        .node("Identity", "P", "D")
        .output("P");
    return chain("last state, " + direction, graph);
  }

  private static GeneratedCase flattenedBatch() {
    OnnxGraph graph = new OnnxGraph().input("X", STEPS, BATCH, INPUTS);
    recurrent(graph, "RNN", "X", INPUTS, 1, Map.of(), List.of("Y"));
    reshape(graph, "Y", "F", -1, UNITS);
    constant(graph, "G", UNITS, 2);
    graph.node("Gemm", "D", "F", "G");
    reshape(graph, "D", "P", STEPS, BATCH, 2);
    return chain("steps and batch in one dimension", graph.output("P"));
  }

  private static GeneratedCase productBefore() {
    OnnxGraph graph = new OnnxGraph().input("X", STEPS, BATCH, 9);
    dense(graph, "X", "D", 9, INPUTS);
    graph.node("Tanh", "T", "D");
    recurrent(graph, "LSTM", "T", INPUTS, 1, Map.of(), List.of("Y"));
    return chain("product before", graph.output("Y"));
  }

  private static GeneratedCase cutSequences() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("X", STEPS, BATCH, INPUTS)
            .typedInput("lengths", TensorProto.DataType.INT32_VALUE, BATCH);
    recurrent(graph, "GRU", "X", "lengths", INPUTS, 1, Map.of(), List.of("Y0"));
    squeeze(graph, "Y0", "S", 1);
    Map<String, Object> reverse = Map.of("direction", "reverse");
    recurrent(graph, "RNN", "S", "lengths", UNITS, 1, reverse, List.of("Y1", "H1"));
    graph.output("Y1").output("H1");
    return new GeneratedCase(
        "two layers of cut sequences",
        graph.model(),
        List.of(random("X", STEPS, BATCH, INPUTS), OnnxGraph.ints("lengths", 4, 6, 1)));
  }

  private static GeneratedCase zerosAsWideAsTheBatch() {
    OnnxGraph graph = new OnnxGraph().input("X", STEPS, BATCH, INPUTS);
    graph
        .node(
            "Constant", List.of(), List.of("shape"), Map.of("value_ints", List.of(1, BATCH, UNITS)))
        .node("ConstantOfShape", "zeros", "shape");
    constant(graph, "W", 1, UNITS, INPUTS);
    constant(graph, "R", 1, UNITS, UNITS);
    graph
        .node(
            "RNN",
            List.of("X", "W", "R", "", "", "zeros"),
            List.of("Y"),
            Map.of("hidden_size", UNITS))
        .output("Y");
    return chain("zeros as wide as the batch", graph);
  }

  /** Axes and bounds as attributes, softmax over the second of two dimensions. */
  private static GeneratedCase oldOperatorSet() {
    OnnxGraph graph = new OnnxGraph().input("X", STEPS, BATCH, INPUTS);
    recurrent(graph, "LSTM", "X", INPUTS, 1, Map.of(), List.of("Y", "H"));
    graph
        .node("Squeeze", List.of("H"), List.of("S"), Map.of("axes", List.of(0)))
        .node("Unsqueeze", List.of("S"), List.of("U"), Map.of("axes", List.of(0, 2)))
        .node("Flatten", List.of("U"), List.of("F"), Map.of("axis", 2))
        .node("Clip", List.of("F"), List.of("C"), Map.of("min", -0.1f, "max", 0.2f))
        .node("Softmax", "P", "C")
        .output("P");
    return new GeneratedCase(
        "old operator set", graph.model(10), List.of(random("X", STEPS, BATCH, INPUTS)));
  }

  private static GeneratedCase openSizes() {
    OnnxGraph graph = new OnnxGraph().input("X", -1, -2, INPUTS);
    recurrent(graph, "GRU", "X", INPUTS, 2, Map.of("direction", "bidirectional"), List.of("Y"));
    mergeDirections(graph, "Y", "M");
    reshape(graph, "M", "F", -1, 2 * UNITS);
    constant(graph, "G", 2 * UNITS, 2);
    graph.node("MatMul", "D", "F", "G").output("D");
    return chain("open sizes", graph);
  }

  private static GeneratedCase everyOutput() {
    OnnxGraph graph = new OnnxGraph().input("X", STEPS, BATCH, INPUTS);
    recurrent(
        graph,
        "LSTM",
        "X",
        INPUTS,
        2,
        Map.of("direction", "bidirectional"),
        List.of("Y", "H", "C"));
    mergeDirections(graph, "Y", "M");
    return chain("every output", graph.output("H").output("M").output("C"));
  }

  private static GeneratedCase batchFirstByLayout() {
    OnnxGraph graph = new OnnxGraph().input("X", BATCH, STEPS, INPUTS);
    recurrent(graph, "LSTM", "X", INPUTS, 1, Map.of("layout", 1), List.of("Y"));
    squeeze(graph, "Y", "S", 2);
    dense(graph, "S", "D", UNITS, 2);
    return chain("batch first by layout", graph.output("D"));
  }

  private static GeneratedCase function(String operator, Map<String, ?> attributes) {
    OnnxGraph graph = new OnnxGraph().input("X", STEPS, BATCH, INPUTS);
    recurrent(graph, "GRU", "X", INPUTS, 1, Map.of(), List.of("Y"));
    squeeze(graph, "Y", "S", 1);
    graph
        .node(operator, List.of("S"), List.of("F"), attributes)
        .node("Cast", List.of("F"), List.of("P"), Map.of("to", 1))
        .output("P");
    return chain("%s%s behind a GRU".formatted(operator, attributes), graph);
  }

  private static GeneratedCase clip() {
    OnnxGraph graph = new OnnxGraph().input("X", STEPS, BATCH, INPUTS);
    recurrent(graph, "GRU", "X", INPUTS, 1, Map.of(), List.of("Y"));
    graph
        .constant(OnnxGraph.tensor("min", new long[0], -0.2f))
        .node("Clip", "F", "Y", "min", "")
        .constant(OnnxGraph.tensor("max", new long[0], 0.1f))
        .node("Clip", "P", "F", "", "max")
        .output("P");
    return chain("clips on one side", graph);
  }

  private static GeneratedCase chain(String name, OnnxGraph graph) {
    boolean batchFirst = name.startsWith("batch first");
    int inputs = name.equals("product before") ? 9 : INPUTS;
    TensorProto x =
        batchFirst ? random("X", BATCH, STEPS, inputs) : random("X", STEPS, BATCH, inputs);
    return new GeneratedCase(name, graph.model(), List.of(x));
  }

  private static void recurrent(
      OnnxGraph graph,
      String operator,
      String from,
      int inputs,
      int directions,
      Map<String, Object> attributes,
      List<String> to) {
    recurrent(graph, operator, from, "", inputs, directions, attributes, to);
  }

  private static void recurrent(
      OnnxGraph graph,
      String operator,
      String from,
      String lengths,
      int inputs,
      int directions,
      Map<String, Object> attributes,
      List<String> to) {
    int rows = UNITS * Map.of("GRU", 3, "LSTM", 4, "RNN", 1).get(operator);
    constant(graph, from + "_W", directions, rows, inputs);
    constant(graph, from + "_R", directions, rows, UNITS);
    constant(graph, from + "_B", directions, 2 * rows);
    Map<String, Object> all = new LinkedHashMap<>(attributes);
    all.put("hidden_size", UNITS);
    graph.node(operator, List.of(from, from + "_W", from + "_R", from + "_B", lengths), to, all);
  }

  private static void mergeDirections(OnnxGraph graph, String from, String to) {
    transpose(graph, from, to + "_T", 0, 2, 1, 3);
    reshape(graph, to + "_T", to, 0, 0, -1);
  }

  private static void dense(OnnxGraph graph, String from, String to, int inputs, int outputs) {
    constant(graph, from + "_K", inputs, outputs);
    constant(graph, from + "_b", outputs);
    graph.node("MatMul", from + "_P", from, from + "_K").node("Add", to, from + "_b", from + "_P");
  }

  private static void squeeze(OnnxGraph graph, String from, String to, int axis) {
    graph.constant(OnnxGraph.longs(to + "_axes", axis)).node("Squeeze", to, from, to + "_axes");
  }

  private static void transpose(OnnxGraph graph, String from, String to, Integer... order) {
    graph.node("Transpose", List.of(from), List.of(to), Map.of("perm", List.of(order)));
  }

  private static void reshape(OnnxGraph graph, String from, String to, long... shape) {
    graph.constant(OnnxGraph.longs(to + "_shape", shape)).node("Reshape", to, from, to + "_shape");
  }

  private static void constant(OnnxGraph graph, String name, long... shape) {
    graph.constant(random(name, shape));
  }

  private static TensorProto random(String name, long... shape) {
    int size = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    Random random = new Random(31L * name.hashCode() + size);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = 2 * random.nextFloat() - 1;
    }
    return OnnxGraph.tensor(name, shape, values);
  }
}
