package io.github.stillgate.importers.onnx;

import static io.github.stillgate.importers.onnx.GruGraphs.open;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Operators over computed values, by their formulas in float64. */
class OnnxFunctionsTest extends OnnxGraphCases {
  @Test
  void functionsOfEachValue() throws Exception {
    function(14, "Abs", Math::abs);
    function(14, "Neg", v -> -v);
    function(14, "Ceil", Math::ceil);
    function(14, "Floor", Math::floor);
    function(14, "Exp", Math::exp);
    function(14, "Erf", OnnxGraphTest::erf);
    function(14, "Softplus", v -> Math.log1p(Math.exp(v)));
    function(14, "Softsign", v -> v / (1 + Math.abs(v)));
    function(14, "HardSwish", v -> v * Math.clamp(v / 6 + 0.5, 0, 1));
    function(18, "Mish", v -> v * Math.tanh(Math.log1p(Math.exp(v))));
    function(
        14, "Selu", v -> 1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * Math.expm1(v)));
    function(14, "Celu", v -> v > 0 ? v : Math.expm1(v));
    function(20, "Gelu", v -> v * (1 + erf(v / Math.sqrt(2))) / 2);
    function(24, "Swish", v -> v * sigmoid(v));
    single(
        20,
        "Gelu",
        Map.of("approximate", "tanh"),
        each(
            cube(),
            v -> v / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v)))),
        SHAPE);
  }

  @Test
  void reductions() throws Exception {
    single(
        "ReduceMean",
        Map.of("axes", List.of(2)),
        at(2, 1, 4, (c, i, j) -> (x(c, 0, j) + x(c, 1, j) + x(c, 2, j)) / 3),
        1,
        2,
        1,
        4);
    single(
        "ReduceMax",
        Map.of("axes", List.of(1, -1), "keepdims", 0),
        at(
            1,
            3,
            1,
            (c, i, j) -> {
              double most = x(0, i, 0);
              for (int k = 0; k < 8; k++) {
                most = Math.max(most, x(k / 4, i, k % 4));
              }
              return most;
            }),
        1,
        3);
    single(
        "ReduceL2",
        Map.of("axes", List.of(1)),
        at(1, 3, 4, (c, i, j) -> Math.hypot(x(0, i, j), x(1, i, j))),
        1,
        1,
        3,
        4);
    single(
        "ReduceL1",
        Map.of("axes", List.of(1)),
        at(1, 3, 4, (c, i, j) -> Math.abs(x(0, i, j)) + Math.abs(x(1, i, j))),
        1,
        1,
        3,
        4);
    single(
        "GlobalAveragePool",
        Map.of(),
        at(
            2,
            1,
            1,
            (c, i, j) -> {
              double sum = 0;
              for (int k = 0; k < 12; k++) {
                sum += x(c, k / 4, k % 4);
              }
              return sum / 12;
            }),
        1,
        2,
        1,
        1);
    single(
        "MaxPool",
        Map.of("kernel_shape", List.of(1, 2), "strides", List.of(1, 2)),
        at(2, 3, 2, (c, i, j) -> Math.max(x(c, i, 2 * j), x(c, i, 2 * j + 1))),
        1,
        2,
        3,
        2);
  }

  private static double total(int c, int i, int j, boolean alongRow) {
    double sum = 0;
    for (int k = 0; k < (alongRow ? 4 : 3); k++) {
      sum += Math.exp(alongRow ? x(c, i, k) : x(c, k, j));
    }
    return sum;
  }

  @Test
  void softmaxOverAnyAxisAndInOldGraphsOverSeveral() throws Exception {
    single(
        "Softmax",
        Map.of(),
        at(2, 3, 4, (c, i, j) -> Math.exp(x(c, i, j)) / total(c, i, j, true)),
        SHAPE);
    single(
        "LogSoftmax",
        Map.of("axis", 2),
        at(2, 3, 4, (c, i, j) -> x(c, i, j) - Math.log(total(c, i, j, false))),
        SHAPE);
    double all = Arrays.stream(cube()).map(Math::exp).sum();
    single(11, "Softmax", Map.of(), each(cube(), v -> Math.exp(v) / all), SHAPE);
  }

  @Test
  void logSoftmaxKeepsChancesThatRoundToZero() throws Exception {
    OnnxGraph graph = new OnnxGraph().input("x", 1, 2).node("LogSoftmax", "y", "x");
    passes(
        graph,
        14,
        List.of(tensor("x", new float[] {300, -300}, 1, 2)),
        tensor("y", new float[] {0, -600}, 1, 2));
  }

  @Test
  void norms() throws Exception {
    float[] scale = {0.5f, -2};
    float[] shift = {1, 3};
    float[] mean = {0.25f, -0.5f};
    float[] variance = {2, 0.5f};
    OnnxGraph batch =
        cubeGraph()
            .constant(tensor("s", scale, 2))
            .constant(tensor("b", shift, 2))
            .constant(tensor("m", mean, 2))
            .constant(tensor("v", variance, 2))
            .node("BatchNormalization", "y", "x", "s", "b", "m", "v");
    cubePasses(
        batch,
        at(
            2,
            3,
            4,
            (c, i, j) ->
                (x(c, i, j) - mean[c]) / Math.sqrt(variance[c] + 1e-5) * scale[c] + shift[c]),
        SHAPE);
    OnnxGraph instance =
        cubeGraph()
            .constant(tensor("s", scale, 2))
            .constant(tensor("b", shift, 2))
            .node("InstanceNormalization", "y", "x", "s", "b");
    cubePasses(
        instance,
        at(
            2,
            3,
            4,
            (c, i, j) -> {
              double sum = 0;
              double squares = 0;
              for (int k = 0; k < 12; k++) {
                sum += x(c, k / 4, k % 4);
                squares += x(c, k / 4, k % 4) * x(c, k / 4, k % 4);
              }
              double deviation = Math.sqrt(squares / 12 - sum * sum / 144 + 1e-5);
              return (x(c, i, j) - sum / 12) / deviation * scale[c] + shift[c];
            }),
        SHAPE);
  }

  @Test
  void operandsAreStretched() throws Exception {
    float[] column = random(10, 3);
    cubePasses(
        cubeGraph().constant(tensor("c", column, 3, 1)).node("Mul", "y", "x", "c"),
        at(2, 3, 4, (c, i, j) -> x(c, i, j) * column[i]),
        SHAPE);
    cubePasses(
        cubeGraph().constant(tensor("c", column, 3, 1)).node("Sub", "y", "c", "x"),
        at(2, 3, 4, (c, i, j) -> column[i] - x(c, i, j)),
        SHAPE);
    cubePasses(
        cubeGraph().constant(tensor("c", column, 3, 1)).node("Div", "y", "c", "x"),
        at(2, 3, 4, (c, i, j) -> column[i] / x(c, i, j)),
        SHAPE);
    float[] slope = {0.1f, -0.3f};
    cubePasses(
        cubeGraph().constant(tensor("c", slope, 2, 1, 1)).node("PRelu", "y", "x", "c"),
        at(2, 3, 4, (c, i, j) -> x(c, i, j) > 0 ? x(c, i, j) : slope[c] * x(c, i, j)),
        SHAPE);
    OnnxGraph sums =
        cubeGraph()
            .node("ReduceMin", List.of("x"), List.of("m"), Map.of("axes", List.of(3)))
            .node("Sub", "y", "x", "m");
    cubePasses(
        sums,
        at(
            2,
            3,
            4,
            (c, i, j) ->
                x(c, i, j)
                    - Math.min(Math.min(x(c, i, 0), x(c, i, 1)), Math.min(x(c, i, 2), x(c, i, 3)))),
        SHAPE);
    cubePasses(
        cubeGraph().constant(tensor("c", new float[] {2}, 1)).node("Pow", "y", "x", "c"),
        each(cube(), v -> v * v),
        SHAPE);
    cubePasses(
        cubeGraph().constant(tensor("c", new float[] {3}, 1)).node("Pow", "y", "x", "c"),
        each(cube(), v -> v * v * v),
        SHAPE);
    cubePasses(
        cubeGraph().node("Neg", "n", "x").node("Max", "y", "x", "n"),
        each(cube(), Math::abs),
        SHAPE);
  }

  @Test
  void products() throws Exception {
    float[] a = random(11, 5 * 3);
    cubePasses(
        cubeGraph().constant(tensor("a", a, 5, 3)).node("MatMul", "y", "a", "x"),
        at(
            2,
            5,
            4,
            (c, i, j) ->
                a[i * 3] * x(c, 0, j) + a[i * 3 + 1] * x(c, 1, j) + a[i * 3 + 2] * x(c, 2, j)),
        1,
        2,
        5,
        4);
    OnnxGraph computed =
        cubeGraph()
            .node("Transpose", List.of("x"), List.of("t"), Map.of("perm", List.of(0, 1, 3, 2)))
            .node("MatMul", "y", "x", "t");
    cubePasses(
        computed,
        at(
            2,
            3,
            3,
            (c, i, j) -> {
              double sum = 0;
              for (int k = 0; k < 4; k++) {
                sum += x(c, i, k) * x(c, j, k);
              }
              return sum;
            }),
        1,
        2,
        3,
        3);
    float[] b = random(12, 6);
    OnnxGraph gemm =
        new OnnxGraph()
            .input("x", 3, 1)
            .input("c", 1, 2)
            .constant(tensor("b", b, 3, 2))
            .node("Gemm", List.of("x", "b", "c"), List.of("y"), Map.of("alpha", 2f, "transA", 1));
    passes(
        gemm,
        14,
        List.of(
            tensor("x", new float[] {1, 2, 3}, 3, 1), tensor("c", new float[] {0.5f, -1}, 1, 2)),
        tensor(
            "y",
            new double[] {
              2 * (b[0] + 2.0 * b[2] + 3.0 * b[4]) + 0.5, 2 * (b[1] + 2.0 * b[3] + 3.0 * b[5]) - 1
            },
            1,
            2));
  }

  @Test
  void comparisonsAndChoices() throws Exception {
    float[] a = {1, 2, 3, -0f, 1e-38f, -5};
    float[] b = {1, 3, 2, 0, 0, 7};
    compared("Greater", a, b, (p, q) -> p > q);
    compared("Less", a, b, (p, q) -> p < q);
    compared("GreaterOrEqual", a, b, (p, q) -> p >= q);
    compared("LessOrEqual", a, b, (p, q) -> p <= q);
    compared("Equal", a, b, (p, q) -> p == q);
    double[] sign = new double[CUBE.length];
    Arrays.setAll(sign, i -> Math.signum(CUBE[i]));
    single(16, "Sign", Map.of(), sign, SHAPE);
  }

  private interface Comparison {
    boolean of(float a, float b);
  }

  private void compared(String operator, float[] a, float[] b, Comparison comparison)
      throws Exception {
    OnnxGraph graph =
        new OnnxGraph()
            .input("a", 1, 6)
            .input("b", 1, 6)
            .constant(tensor("tens", new float[] {10, 20, 30, 40, 50, 60}, 6))
            .node(operator, "c", "a", "b")
            .node("Not", "n", "c")
            .node("Or", "all", "c", "n")
            .node("And", "none", "c", "n")
            .node("Xor", "differ", "c", "none")
            .node("Where", "w", "differ", "a", "tens")
            .node("Where", "y", "all", "w", "b");
    double[] y = new double[6];
    for (int i = 0; i < 6; i++) {
      y[i] = comparison.of(a[i], b[i]) ? a[i] : 10 * (i + 1);
    }
    passes(graph, 16, List.of(tensor("a", a, 1, 6), tensor("b", b, 1, 6)), tensor("y", y, 1, 6));
  }

  @Test
  void aConditionOfTheFileChoosesElements() throws Exception {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, 3)
            .constant(OnnxGraph.longs("flags", 1, 0, 1))
            .node("Cast", List.of("flags"), List.of("c"), Map.of("to", 9))
            .node("Exp", "e", "x")
            .node("Where", "y", "c", "e", "x");
    float[] x = random(35, 3);
    passes(
        graph,
        16,
        List.of(tensor("x", x, 1, 3)),
        tensor("y", new double[] {Math.exp(x[0]), x[1], Math.exp(x[2])}, 1, 3));
    assertThat(open(graph).model().layers()).hasSize(2);
  }

  @Test
  void functionsOfPositiveValuesAndOfBounds() throws Exception {
    OnnxGraph positive = cubeGraph().node("Exp", "e", "x");
    for (String operator : List.of("Log", "Sqrt", "Reciprocal")) {
      positive.node(operator, operator, "e");
    }
    positive.node("Pow", "Pow", "e", "x");
    double[] e = each(cube(), Math::exp);
    passes(
        positive,
        14,
        List.of(tensor("x", CUBE, SHAPE)),
        tensor("Log", CUBE, SHAPE),
        tensor("Sqrt", each(e, Math::sqrt), SHAPE),
        tensor("Reciprocal", each(e, v -> 1 / v), SHAPE),
        tensor("Pow", each(cube(), v -> Math.exp(v * v)), SHAPE));
    OnnxGraph clipped =
        cubeGraph()
            .constant(tensor("least", new float[] {-0.25f}))
            .constant(tensor("most", new float[] {0.5f}))
            .node("Clip", "y", "x", "least", "most");
    cubePasses(clipped, each(cube(), v -> Math.clamp(v, -0.25, 0.5)), SHAPE);
    single("LeakyRelu", Map.of("alpha", 0.25f), each(cube(), v -> v > 0 ? v : v * 0.25), SHAPE);
    single("Elu", Map.of("alpha", 2f), each(cube(), v -> v > 0 ? v : 2 * Math.expm1(v)), SHAPE);
    single(
        "HardSigmoid",
        Map.of("alpha", 0.5f, "beta", 0.25f),
        each(cube(), v -> Math.clamp(v / 2 + 0.25, 0, 1)),
        SHAPE);
    cubePasses(
        cubeGraph().node("Sigmoid", "s", "x").node("Mul", "y", "x", "s"),
        each(cube(), v -> v * sigmoid(v)),
        SHAPE);
  }

  @Test
  void sumsAndPoolsOfPlanes() throws Exception {
    cubePasses(
        cubeGraph().whole("axes", 1, 3).node("ReduceSum", "y", "x", "axes"),
        at(
            1,
            3,
            1,
            (c, i, j) -> {
              double sum = 0;
              for (int k = 0; k < 8; k++) {
                sum += x(k / 4, i, k % 4);
              }
              return sum;
            }),
        1,
        1,
        3,
        1);
    single(
        "ReduceSumSquare",
        Map.of("axes", List.of(1), "keepdims", 0),
        at(1, 3, 4, (c, i, j) -> x(0, i, j) * x(0, i, j) + x(1, i, j) * x(1, i, j)),
        1,
        3,
        4);
    single(
        "AveragePool",
        Map.of("kernel_shape", List.of(2, 2), "strides", List.of(1, 2)),
        at(
            2,
            2,
            2,
            (c, i, j) ->
                (x(c, i, 2 * j) + x(c, i, 2 * j + 1) + x(c, i + 1, 2 * j) + x(c, i + 1, 2 * j + 1))
                    / 4),
        1,
        2,
        2,
        2);
    single(
        "GlobalMaxPool",
        Map.of(),
        at(2, 1, 1, (c, i, j) -> Arrays.stream(cube()).skip(12L * c).limit(12).max().orElseThrow()),
        1,
        2,
        1,
        1);
  }

  /** Four channels in two groups, once by the operator and once as exporters wrote it before. */
  @Test
  void groupsOfChannelsAreNormalised() throws Exception {
    float[] x = random(40, 4 * 3);
    float[] scale = {0.5f, -2, 3, 1};
    float[] shift = {1, 3, -1, 0.25f};
    double[] normal = new double[12];
    for (int g = 0; g < 2; g++) {
      double mean = 0;
      double variance = 0;
      for (int k = 0; k < 6; k++) {
        mean += x[6 * g + k] / 6.0;
      }
      for (int k = 0; k < 6; k++) {
        variance += Math.pow(x[6 * g + k] - mean, 2) / 6;
      }
      for (int k = 0; k < 6; k++) {
        normal[6 * g + k] = (x[6 * g + k] - mean) / Math.sqrt(variance + 1e-5);
      }
    }
    double[] channels = new double[12];
    double[] groups = new double[12];
    for (int i = 0; i < 12; i++) {
      channels[i] = normal[i] * scale[i / 3] + shift[i / 3];
      groups[i] = normal[i] * scale[i / 6] + shift[i / 6];
    }
    List<TensorProto> in = List.of(tensor("x", x, 1, 4, 3));
    passes(groupNormalization(scale, shift), 21, in, tensor("y", channels, 1, 4, 3));
    passes(
        groupNormalization(Arrays.copyOf(scale, 2), Arrays.copyOf(shift, 2)),
        18,
        in,
        tensor("y", groups, 1, 4, 3));
    OnnxGraph before =
        new OnnxGraph()
            .input("x", 1, 4, 3)
            .whole("grouped", 0, 2, -1)
            .whole("whole", 1, 4, 3)
            .constant(tensor("ones", new float[] {1, 1}, 2))
            .constant(tensor("zeros", new float[2], 2))
            .constant(tensor("s", scale, 4, 1))
            .constant(tensor("b", shift, 4, 1))
            .node("Reshape", "g", "x", "grouped")
            .node("InstanceNormalization", "n", "g", "ones", "zeros")
            .node("Reshape", "r", "n", "whole")
            .node("Mul", "scaled", "r", "s")
            .node("Add", "y", "scaled", "b");
    passes(before, 14, in, tensor("y", channels, 1, 4, 3));
    OnnxGraph unequal =
        new OnnxGraph()
            .input("x", 1, 4, 3)
            .constant(tensor("s", scale, 4))
            .node(
                "GroupNormalization", List.of("x", "s", "s"), List.of("y"), Map.of("num_groups", 3))
            .output("y");
    assertThat(catchThrowable(() -> open(unequal.model(21)).model()))
        .hasMessageContaining("num_groups is 3 of 4 channels");
  }

  private static OnnxGraph groupNormalization(float[] scale, float[] shift) {
    return new OnnxGraph()
        .input("x", 1, 4, 3)
        .constant(tensor("s", scale, scale.length))
        .constant(tensor("b", shift, shift.length))
        .node("GroupNormalization", List.of("x", "s", "b"), List.of("y"), Map.of("num_groups", 2));
  }
}
