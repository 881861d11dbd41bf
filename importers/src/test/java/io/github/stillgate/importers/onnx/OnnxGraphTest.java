package io.github.stillgate.importers.onnx;

import static io.github.stillgate.importers.onnx.GruGraphs.isUnsupported;
import static io.github.stillgate.importers.onnx.GruGraphs.open;
import static io.github.stillgate.importers.onnx.GruGraphs.texts;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.PerPosition;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.WeightedSum;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.importers.onnx.generated.GeneratedCase;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Graphs that are no chain: branches, several inputs and outputs, convolutions, operators over
 * computed values. Values are those of formulas in float64.
 */
class OnnxGraphTest {
  private static final int STEPS = 5;
  private static final int BATCH = 2;
  private static final int INPUTS = 3;
  private static final int UNITS = 4;
  private static final double TOLERANCE = 4e-6;

  @TempDir private Path folder;
  private int cases;

  private static float[] random(int seed, int size) {
    Random random = new Random(seed);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = random.nextFloat() * 2 - 1;
    }
    return values;
  }

  private static TensorProto tensor(String name, float[] values, long... shape) {
    return OnnxGraph.tensor(name, shape, values);
  }

  private static TensorProto tensor(String name, double[] values, long... shape) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return OnnxGraph.tensor(name, shape, floats);
  }

  /** Every backend gives these outputs. */
  private void passes(OnnxGraph graph, int opset, List<TensorProto> in, TensorProto... out)
      throws Exception {
    for (TensorProto output : out) {
      graph.output(output.getName());
    }
    Path written =
        new GeneratedCase("case", graph.model(opset), in)
            .write(folder.resolve("case" + cases++), List.of(out));
    for (Backend backend : BackendRegistry.usable()) {
      PlanOptions options = PlanOptions.defaults().withBackend(backend.name());
      assertThat(new OnnxCase(written).run(options, TOLERANCE))
          .as(backend.name())
          .isInstanceOf(OnnxCase.Outcome.Passed.class);
    }
  }

  // Sequences: h' = tanh(W x + R h), then branches.

  private static final float[] W = random(1, UNITS * INPUTS);
  private static final float[] R = random(2, UNITS * UNITS);
  private static final float[] X = random(3, STEPS * BATCH * INPUTS);

  private static OnnxGraph rnn(OnnxGraph graph) {
    return graph
        .constant(tensor("W", W, 1, UNITS, INPUTS))
        .constant(tensor("R", R, 1, UNITS, UNITS))
        .node("RNN", List.of("x", "W", "R"), List.of("Y", "Yh"), Map.of("hidden_size", UNITS))
        .whole("one", 1)
        .node("Squeeze", "y", "Y", "one");
  }

  private static OnnxGraph sequence() {
    return rnn(new OnnxGraph().input("x", STEPS, BATCH, INPUTS));
  }

  /** y[t][b][unit]. */
  private static double[][][] states() {
    double[][][] y = new double[STEPS][BATCH][UNITS];
    for (int t = 0; t < STEPS; t++) {
      for (int b = 0; b < BATCH; b++) {
        for (int u = 0; u < UNITS; u++) {
          double sum = 0;
          for (int i = 0; i < INPUTS; i++) {
            sum += W[u * INPUTS + i] * X[(t * BATCH + b) * INPUTS + i];
          }
          for (int k = 0; t > 0 && k < UNITS; k++) {
            sum += R[u * UNITS + k] * y[t - 1][b][k];
          }
          y[t][b][u] = Math.tanh(sum);
        }
      }
    }
    return y;
  }

  /** A function of each step's input and state. */
  private interface Head {
    double[] of(double[] x, double[] y);
  }

  private static double[] everyStep(Head head) {
    double[][][] y = states();
    double[][] rows = new double[STEPS * BATCH][];
    for (int i = 0; i < rows.length; i++) {
      double[] x = new double[INPUTS];
      for (int k = 0; k < INPUTS; k++) {
        x[k] = X[i * INPUTS + k];
      }
      rows[i] = head.of(x, y[i / BATCH][i % BATCH]);
    }
    return Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
  }

  private static List<TensorProto> input() {
    return List.of(tensor("x", X, STEPS, BATCH, INPUTS));
  }

  private static double[] product(float[] w, int outputs, double[] x) {
    double[] sums = new double[outputs];
    for (int o = 0; o < outputs; o++) {
      for (int i = 0; i < x.length; i++) {
        sums[o] += w[i * outputs + o] * x[i];
      }
    }
    return sums;
  }

  private static double[] each(double[] values, DoubleUnaryOperator function) {
    return Arrays.stream(values).map(function).toArray();
  }

  private static double[] joined(double[] a, double[] b) {
    double[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  private static double[] logSoftmax(double[] v) {
    double sum = Arrays.stream(v).map(Math::exp).sum();
    return each(v, value -> value - Math.log(sum));
  }

  @Test
  void headsOverConcatResidualAndNorm() throws Exception {
    float[] w = random(4, (UNITS + INPUTS) * UNITS);
    float[] v = random(5, UNITS * 2);
    float[] gain = random(6, UNITS);
    OnnxGraph graph =
        sequence()
            .constant(tensor("w", w, UNITS + INPUTS, UNITS))
            .constant(tensor("v", v, UNITS, 2))
            .constant(tensor("gain", gain, UNITS))
            .node("Concat", List.of("y", "x"), List.of("joint"), Map.of("axis", 2))
            .node("MatMul", "wide", "joint", "w")
            .node("Add", "residual", "wide", "y")
            .node("Gelu", "gelu", "residual")
            .node("LayerNormalization", "norm", "residual", "gain")
            .node("MatMul", "scores", "norm", "v")
            .node("LogSoftmax", "chances", "scores");
    Head residual =
        (x, y) -> {
          double[] wide = product(w, UNITS, joined(y, x));
          for (int i = 0; i < UNITS; i++) {
            wide[i] += y[i];
          }
          return wide;
        };
    Head chances =
        (x, y) -> {
          double[] r = residual.of(x, y);
          double mean = Arrays.stream(r).average().orElseThrow();
          double variance =
              Arrays.stream(r).map(d -> (d - mean) * (d - mean)).average().orElseThrow();
          double[] norm = each(r, d -> (d - mean) / Math.sqrt(variance + 1e-5));
          for (int i = 0; i < UNITS; i++) {
            norm[i] *= gain[i];
          }
          return logSoftmax(product(v, 2, norm));
        };
    passes(
        graph,
        20,
        input(),
        tensor(
            "gelu",
            everyStep((x, y) -> each(residual.of(x, y), d -> d * (1 + erf(d / Math.sqrt(2))) / 2)),
            STEPS,
            BATCH,
            UNITS),
        tensor("chances", everyStep(chances), STEPS, BATCH, 2));
    Model model = open(graph.model(20)).model();
    assertThat(model.graph().inputs()).containsExactly(new Graph.Value("x", INPUTS));
    assertThat(model.graph().outputs()).containsExactly("gelu", "chances");
    assertThat(texts(open(graph.model(20))))
        .contains("output \"chances\": the model's output of this name, at every step");
  }

  /** By its series, which needs no more than 60 terms up to 3. */
  private static double erf(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; n < 60; n++) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * sum;
  }

  @Test
  void openSizesAndFrozenOnesAreFollowed() throws Exception {
    double[] twice = everyStep((x, y) -> each(y, d -> d + d * d));
    OnnxGraph open =
        rnn(new OnnxGraph().input("x", -1, -2, INPUTS))
            .node("Mul", "square", "y", "y")
            .node("Add", "z", "y", "square");
    passes(open, 14, input(), tensor("z", twice, STEPS, BATCH, UNITS));
    OnnxGraph frozen =
        rnn(new OnnxGraph().input("x", STEPS, 1, INPUTS))
            .whole("shape", STEPS, 1, UNITS)
            .node("Reshape", "s", "Y", "shape")
            .node("Mul", "square", "s", "s")
            .node("Add", "z", "s", "square")
            .output("z");
    Model model = open(frozen).model();
    assertThat(model.inputs()).isEqualTo(INPUTS);
    assertThat(model.outputs()).isEqualTo(UNITS);
  }

  @Test
  void anOutputOfTheLastStepBesidesOneOfEvery() throws Exception {
    OnnxGraph graph =
        sequence()
            .constant(OnnxGraph.number("end", -1))
            .node("Gather", "last", "y", "end")
            .node("Exp", "e", "y");
    double[] last = new double[BATCH * UNITS];
    for (int i = 0; i < last.length; i++) {
      last[i] = states()[STEPS - 1][i / UNITS][i % UNITS];
    }
    passes(
        graph,
        14,
        input(),
        tensor("last", last, BATCH, UNITS),
        tensor("e", everyStep((x, y) -> each(y, Math::exp)), STEPS, BATCH, UNITS));
    assertThat(texts(open(graph)))
        .contains(
            "output \"last\": the model's output of this name, at its last step only",
            "output \"e\": the model's output of this name, at every step");
    assertThat(open(graph).answer()).isEqualTo(OnnxFile.Answer.EVERY_STEP);
  }

  @Test
  void anInputThatIsTheSameAtEveryStepIsReadEachStep() throws Exception {
    float[] speaker = random(8, UNITS);
    OnnxGraph graph = sequence().input("speaker", UNITS).node("Mul", "z", "y", "speaker");
    passes(
        graph,
        14,
        List.of(input().getFirst(), tensor("speaker", speaker, UNITS)),
        tensor(
            "z",
            everyStep((x, y) -> {
              double[] z = y.clone();
              for (int i = 0; i < UNITS; i++) {
                z[i] *= speaker[i];
              }
              return z;
            }),
            STEPS,
            BATCH,
            UNITS));
  }

  @Test
  void whatMixesStepsIsRefusedByName() {
    String mixes = "mixes the steps of a sequence";
    isUnsupported(
        sequence()
            .node("ReduceMean", List.of("y"), List.of("z"), Map.of("axes", List.of(0)))
            .output("z"),
        mixes,
        "reducemean_z");
    isUnsupported(
        sequence().node("Softmax", List.of("y"), List.of("z"), Map.of("axis", 0)).output("z"),
        mixes,
        "softmax_z");
    isUnsupported(
        sequence().node("Concat", List.of("y", "y"), List.of("z"), Map.of("axis", 0)).output("z"),
        mixes,
        "concat_z");
    isUnsupported(
        sequence()
            .whole("repeats", 2, 1, 1)
            .node("Tile", "z", "y", "repeats")
            .node("Exp", "e", "z")
            .output("e"),
        mixes,
        "tile_z");
    isUnsupported(
        sequence()
            .whole("shape", UNITS, BATCH, STEPS)
            .node("Reshape", "z", "y", "shape")
            .node("Exp", "e", "z")
            .output("e"),
        mixes,
        "reshape_z");
    isUnsupported(
        rnn(new OnnxGraph().input("x", -1, 1, INPUTS))
            .whole("shape", UNITS, 1, -1)
            .node("Reshape", "z", "y", "shape")
            .node("Exp", "e", "z")
            .output("e"),
        mixes,
        "moves values between them",
        "reshape_z");
    isUnsupported(
        sequence()
            .node("Transpose", List.of("y"), List.of("t"), Map.of("perm", List.of(1, 2, 0)))
            .constant(tensor("K", random(1, UNITS * 3), 1, UNITS, 3))
            .node("Conv", List.of("t", "K"), List.of("z"), Map.of("pads", List.of(2, 0)))
            .output("z"),
        mixes,
        "conv_z");
    isUnsupported(
        sequence()
            .node("ReduceMean", List.of("y"), List.of("z"), Map.of("axes", List.of(1)))
            .output("z"),
        "mixes the streams of a batch",
        "reducemean_z");
  }

  @Test
  void oneStepRepeatedOverAllIsRefused() {
    isUnsupported(
        sequence().node("Add", "z", "y", "Yh").output("z"),
        "reads \"Yh\" at every step and something else at the last step",
        "add_z");
  }

  @Test
  void cellsThatAreReadAreRefused() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", STEPS, BATCH, INPUTS)
            .constant(tensor("W", random(1, 4 * UNITS * INPUTS), 1, 4 * UNITS, INPUTS))
            .constant(tensor("R", random(2, 4 * UNITS * UNITS), 1, 4 * UNITS, UNITS))
            .node(
                "LSTM",
                List.of("x", "W", "R"),
                List.of("Y", "Yh", "Yc"),
                Map.of("hidden_size", UNITS))
            .node("Exp", "e", "Y")
            .node("Exp", "z", "Yc")
            .output("e")
            .output("z");
    isUnsupported(graph, "the cells (Y_c) of node \"lstm_Y_Yh_Yc\"");
  }

  @Test
  void layersThatReadFromTheEndAreRefused() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", STEPS, BATCH, INPUTS)
            .constant(tensor("W", W, 1, UNITS, INPUTS))
            .constant(tensor("R", R, 1, UNITS, UNITS))
            .node(
                "RNN",
                List.of("x", "W", "R"),
                List.of("Y"),
                Map.of("hidden_size", UNITS, "direction", "reverse"))
            .node("Mul", "z", "Y", "Y")
            .output("z");
    isUnsupported(graph, "reads its input from the end too");
  }

  @Test
  void anotherOperatorIsNamed() {
    isUnsupported(
        sequence().node("CumSum", "z", "y", "one").output("z"),
        "as a graph of layers: node \"cumsum_z\" (CumSum)");
  }

  // One call is one step.

  private static final long[] SHAPE = {1, 2, 3, 4};
  private static final float[] CUBE = random(9, 24);

  private void single(String operator, Map<String, ?> attributes, double[] expected, long... shape)
      throws Exception {
    single(14, operator, attributes, expected, shape);
  }

  private void single(
      int opset, String operator, Map<String, ?> attributes, double[] expected, long... shape)
      throws Exception {
    OnnxGraph graph =
        new OnnxGraph().input("x", SHAPE).node(operator, List.of("x"), List.of("y"), attributes);
    passes(graph, opset, List.of(tensor("x", CUBE, SHAPE)), tensor("y", expected, shape));
  }

  private static double[] cube() {
    double[] values = new double[CUBE.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = CUBE[i];
    }
    return values;
  }

  private void function(int opset, String operator, DoubleUnaryOperator function) throws Exception {
    single(opset, operator, Map.of(), each(cube(), function), SHAPE);
  }

  private static double sigmoid(double v) {
    return 1 / (1 + Math.exp(-v));
  }

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

  /** What each element of a result is, by its place in the cube: channel, row, column. */
  private interface At {
    double of(int c, int i, int j);
  }

  private static double[] at(int channels, int rows, int columns, At at) {
    double[] values = new double[channels * rows * columns];
    for (int k = 0; k < values.length; k++) {
      values[k] = at.of(k / columns / rows, k / columns % rows, k % columns);
    }
    return values;
  }

  private static double x(int c, int i, int j) {
    return CUBE[(c * 3 + i) * 4 + j];
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

  private static OnnxGraph cubeGraph() {
    return new OnnxGraph().input("x", SHAPE);
  }

  private void cubePasses(OnnxGraph graph, double[] expected, long... shape) throws Exception {
    passes(graph, 14, List.of(tensor("x", CUBE, SHAPE)), tensor("y", expected, shape));
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

  /** y[o][p] = b[o] + sum over c, k of w[o][c][k] x[c][p s + k d - before]. */
  private static double[] convolution(
      double[][] x, float[][][] w, float[] b, int groups, int stride, int dilation, int[] pads) {
    int size = x[0].length;
    int taps = w[0][0].length;
    int given = (size + pads[0] + pads[1] - dilation * (taps - 1) - 1) / stride + 1;
    int each = w.length / groups;
    double[] y = new double[w.length * given];
    for (int o = 0; o < w.length; o++) {
      for (int p = 0; p < given; p++) {
        double sum = b[o];
        for (int c = 0; c < w[o].length; c++) {
          for (int k = 0; k < taps; k++) {
            int at = p * stride + k * dilation - pads[0];
            sum += at < 0 || at >= size ? 0 : w[o][c][k] * x[o / each * w[o].length + c][at];
          }
        }
        y[o * given + p] = sum;
      }
    }
    return y;
  }

  private static float[][][] kernel(int seed, int outputs, int inputs, int taps) {
    float[] values = random(seed, outputs * inputs * taps);
    float[][][] kernel = new float[outputs][inputs][taps];
    for (int i = 0; i < values.length; i++) {
      kernel[i / taps / inputs][i / taps % inputs][i % taps] = values[i];
    }
    return kernel;
  }

  private static double[][] rows(float[] values, int rows) {
    int columns = values.length / rows;
    double[][] x = new double[rows][columns];
    for (int i = 0; i < values.length; i++) {
      x[i / columns][i % columns] = values[i];
    }
    return x;
  }

  @Test
  void convolutions() throws Exception {
    float[] x = random(13, 4 * 9);
    float[] b = random(14, 6);
    record Case(int outputs, int groups, int taps, int stride, int dilation, int[] pads) {}
    for (Case c :
        List.of(
            new Case(6, 1, 3, 2, 1, new int[] {2, 0}),
            new Case(6, 2, 2, 1, 3, new int[] {0, 1}),
            new Case(4, 4, 3, 1, 1, new int[] {1, 1}))) {
      int inputs = 4 / c.groups();
      float[][][] w = kernel(15, c.outputs(), inputs, c.taps());
      double[] expected =
          convolution(
              rows(x, 4),
              w,
              Arrays.copyOf(b, c.outputs()),
              c.groups(),
              c.stride(),
              c.dilation(),
              c.pads());
      OnnxGraph graph =
          new OnnxGraph()
              .input("x", 1, 4, 9)
              .constant(
                  tensor(
                      "w",
                      random(15, c.outputs() * inputs * c.taps()),
                      c.outputs(),
                      inputs,
                      c.taps()))
              .constant(tensor("b", Arrays.copyOf(b, c.outputs()), c.outputs()))
              .node(
                  "Conv",
                  List.of("x", "w", "b"),
                  List.of("z"),
                  Map.of(
                      "group",
                      c.groups(),
                      "strides",
                      List.of(c.stride()),
                      "dilations",
                      List.of(c.dilation()),
                      "pads",
                      List.of(c.pads()[0], c.pads()[1])))
              .node("Relu", "y", "z");
      passes(
          graph,
          14,
          List.of(tensor("x", x, 1, 4, 9)),
          tensor(
              "y",
              each(expected, v -> Math.max(0, v)),
              1,
              c.outputs(),
              expected.length / c.outputs()));
      Layer layer = open(graph).model().layers().getLast();
      Layer product = open(graph).model().layers().get(open(graph).model().layers().size() - 2);
      assertThat(layer).isNotInstanceOf(Positions.class);
      if (c.groups() == 4) {
        assertThat(((WeightedSum) product).activation()).isEqualTo(Activation.RELU);
      } else {
        assertThat(((Positions) product).activation()).isEqualTo(Activation.RELU);
      }
    }
  }

  @Test
  void transposedConvolutions() throws Exception {
    float[] x = random(16, 4 * 5);
    float[] w = random(17, 4 * 3 * 3);
    int stride = 2;
    int given = stride * 4 + 3 - 1 + 1;
    double[] y = new double[6 * given];
    for (int c = 0; c < 4; c++) {
      for (int i = 0; i < 5; i++) {
        for (int o = 0; o < 3; o++) {
          for (int k = 0; k < 3; k++) {
            int at = stride * i + k - 1;
            if (at >= 0 && at < given) {
              y[(c / 2 * 3 + o) * given + at] += w[(c * 3 + o) * 3 + k] * x[c * 5 + i];
            }
          }
        }
      }
    }
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, 4, 5)
            .constant(tensor("w", w, 4, 3, 3))
            .node(
                "ConvTranspose",
                List.of("x", "w"),
                List.of("y"),
                Map.of(
                    "group",
                    2,
                    "strides",
                    List.of(stride),
                    "pads",
                    List.of(1, 0),
                    "output_padding",
                    List.of(1)));
    passes(graph, 14, List.of(tensor("x", x, 1, 4, 5)), tensor("y", y, 1, 6, given));
  }

  @Test
  void planesArePaddedAndConvolved() throws Exception {
    float[] w = random(18, 2 * 2 * 2 * 3);
    OnnxGraph graph =
        cubeGraph()
            .whole("pads", 0, 0, 1, 2, 0, 0, 0, 1)
            .node("Pad", List.of("x", "pads"), List.of("p"), Map.of("mode", "reflect"))
            .constant(tensor("w", w, 2, 2, 2, 3))
            .node("Conv", "y", "p", "w");
    At padded =
        (c, i, j) -> {
          int row = Math.abs(i - 1);
          int column = Math.abs(j - 2);
          return x(c, row, column > 3 ? 6 - column : column);
        };
    cubePasses(
        graph,
        at(
            2,
            3,
            5,
            (o, i, j) -> {
              double sum = 0;
              for (int k = 0; k < 12; k++) {
                sum += w[o * 12 + k] * padded.of(k / 6, i + k / 3 % 2, j + k % 3);
              }
              return sum;
            }),
        1,
        2,
        3,
        5);
    cubePasses(
        cubeGraph()
            .whole("pads", 0, 0, 0, 1, 0, 0, 0, 0)
            .constant(tensor("seven", new float[] {7}, 1))
            .node("Pad", "y", "x", "pads", "seven"),
        at(2, 3, 5, (c, i, j) -> j == 0 ? 7 : x(c, i, j - 1)),
        1,
        2,
        3,
        5);
  }

  @Test
  void movesAreOneMapAndConstantsAreJoined() throws Exception {
    OnnxGraph graph =
        cubeGraph()
            .constant(tensor("k", new float[] {5, 0}, 1, 2, 1, 1))
            .node("Transpose", List.of("x"), List.of("t"), Map.of("perm", List.of(0, 1, 3, 2)))
            .whole("from", 1)
            .whole("to", 3)
            .whole("axis", 2)
            .node("Slice", "s", "t", "from", "to", "axis")
            .whole("shape", 1, 2, 1, 6)
            .node("Reshape", "r", "s", "shape")
            .node("Concat", List.of("k", "r"), List.of("y"), Map.of("axis", 3));
    cubePasses(
        graph,
        at(2, 1, 7, (c, i, j) -> j == 0 ? c == 0 ? 5 : 0 : x(c, (j - 1) % 3, 1 + (j - 1) / 3)),
        1,
        2,
        1,
        7);
    List<Layer> layers = open(graph).model().layers();
    assertThat(layers).hasSize(2);
  }

  @Test
  void biasAndActivationBecomePartOfTheProduct() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("a", 1, 3)
            .input("b", 1, 3)
            .constant(tensor("w", random(1, 6), 3, 2))
            .constant(tensor("c", random(2, 2), 2))
            .node("Add", "s", "a", "b")
            .node("MatMul", "m", "s", "w")
            .node("Add", "z", "m", "c")
            .node("Tanh", "y", "z")
            .output("y");
    Model model = open(graph).model();
    assertThat(model.layers()).hasSize(2);
    assertThat(((Dense) model.layers().getLast()).activation()).isEqualTo(Activation.TANH);
    // What another node reads stays as it is.
    OnnxGraph shared = graph.node("Exp", "e", "z").output("e");
    assertThat(open(shared).model().layers()).hasSize(4);
  }

  @Test
  void anOutputIsGivenBackAsAState() {
    // What a causal convolution keeps: the last two of what was read.
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, 1, 1)
            .input("cache", 1, 1, 2)
            .constant(tensor("w", new float[] {1, 10, 100}, 1, 1, 3))
            .node("Concat", List.of("cache", "x"), List.of("all"), Map.of("axis", 2))
            .node("Conv", "y", "all", "w")
            .whole("from", -2)
            .whole("to", Integer.MAX_VALUE)
            .whole("axis", 2)
            .node("Slice", "kept", "all", "from", "to", "axis")
            .output("y")
            .output("kept");
    OnnxFile file = open(graph).withStates(Map.of("cache", "kept"));
    Model model = file.model();
    assertThat(model.graph().states())
        .singleElement()
        .satisfies(state -> {
          assertThat(state.name()).isEqualTo("cache");
          assertThat(state.width()).isEqualTo(2);
        });
    assertThat(model.graph().outputs()).containsExactly("y");
    assertThat(file.network().pairs()).containsExactly(new OnnxFile.StatePair("cache", "kept"));
    float[] y = new float[1];
    try (Plan plan = Plan.compile(model, PlanOptions.defaults().withBackend("reference"));
        Session session = Session.open(plan)) {
      for (float[] step : new float[][] {{1, 100}, {2, 210}, {3, 321}, {4, 432}}) {
        session.step(new float[] {step[0]}, y);
        assertThat(y[0]).isEqualTo(step[1]);
      }
    }
    // Nobody need say it: what the output holds of the input has moved on by one.
    assertThat(open(graph).model().graph().states()).hasSize(1);
    assertThat(texts(open(graph)))
        .contains(
            "input \"cache\": a state of the model, zero after a reset; it becomes \"kept\" after each step"
                + " (since its values move on in it)",
            "output \"kept\": replaces a state of the model after each step");
    // Unless it is to stay what it is, and the caller carries it.
    Model carried = open(graph).withStates(Map.of("cache", "")).model();
    assertThat(carried.graph().inputs()).hasSize(2);
    assertThat(carried.graph().outputs()).containsExactly("y", "kept");
  }

  /** y = x - 0.5 x one step before + 0.25 x two steps before, with inputs that are only renamed. */
  @Test
  void aDelayLineGivesItsInputsUnderOtherNames() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, 2)
            .input("last_in", 1, 2)
            .input("older_in", 1, 2)
            .constant(tensor("half", new float[] {0.5f}, 1))
            .constant(tensor("quarter", new float[] {0.25f}, 1))
            .node("Identity", "now", "x")
            .node("Identity", "last", "last_in")
            .node("Mul", "a", "last", "half")
            .node("Mul", "b", "older_in", "quarter")
            .node("Sub", "c", "now", "a")
            .node("Add", "y", "c", "b")
            .node("Identity", "last_out", "now")
            .node("Identity", "older_out", "last")
            .output("y")
            .output("last_out")
            .output("older_out");
    Model model =
        open(graph).withStates(Map.of("last_in", "last_out", "older_in", "older_out")).model();
    float[] y = new float[2];
    try (Plan plan = Plan.compile(model, PlanOptions.defaults().withBackend("reference"));
        Session session = Session.open(plan)) {
      float[][] steps = {{8, 16, 8, 16}, {4, 8, 0, 0}, {0, 0, 0, 0}, {0, 4, 1, 6}};
      for (float[] step : steps) {
        session.step(new float[] {step[0], step[1]}, y);
        assertThat(y).containsExactly(step[2], step[3]);
      }
    }
  }

  @Test
  void aCaseSaysWhatAStateOfTheGraphBeginsWith() throws Exception {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, 3)
            .input("state", 1, 3)
            .node("Add", "stateN", "x", "state")
            .node("Exp", "y", "stateN");
    float[] x = random(30, 3);
    float[] state = random(31, 3);
    double[] sum = new double[3];
    Arrays.setAll(sum, i -> x[i] + state[i]);
    passes(
        graph,
        14,
        List.of(tensor("x", x, 1, 3), tensor("state", state, 1, 3)),
        tensor("stateN", sum, 1, 3),
        tensor("y", each(sum, Math::exp), 1, 3));
    assertThat(open(graph).network().pairs())
        .containsExactly(new OnnxFile.StatePair("state", "stateN"));
  }

  @Test
  void namesPairOnlyWhatTheyCallAState() {
    assertThat(StatePairing.isNamedAfter("conv_cache", "conv_cache_out")).isTrue();
    assertThat(StatePairing.isNamedAfter("state", "stateN")).isTrue();
    assertThat(StatePairing.isNamedAfter("h", "hn")).isTrue();
    assertThat(StatePairing.isNamedAfter("c0", "cn")).isTrue();
    assertThat(StatePairing.isNamedAfter("in_cache1", "out_cache1")).isTrue();
    assertThat(StatePairing.isNamedAfter("past_key", "present_key")).isTrue();
    assertThat(StatePairing.isNamedAfter("bufferIn", "bufferOut")).isTrue();
    assertThat(StatePairing.isNamedAfter("in_cache1", "out_cache2")).isFalse();
    assertThat(StatePairing.isNamedAfter("conv_cache", "tra_cache_out")).isFalse();
    assertThat(StatePairing.isNamedAfter("audio_in", "audio_out")).isFalse();
    assertThat(StatePairing.isNamedAfter("input", "output")).isFalse();
    assertThat(StatePairing.isNamedAfter("mix", "enh")).isFalse();
  }

  /** Two outputs that could replace it, or an input that could be replaced by either of two. */
  @Test
  void whatFitsTwiceIsLeftToTheCaller() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, 3)
            .input("state", 1, 3)
            .node("Add", "state_out", "x", "state")
            .node("Mul", "state_new", "x", "state")
            .output("state_out")
            .output("state_new");
    assertThat(open(graph).model().graph().states()).isEmpty();
    assertThat(open(graph).withStates(Map.of("state", "state_new")).model().graph().states())
        .hasSize(1);
  }

  /** The last three of q, x and one more are x moved by one place, but q is the state. */
  @Test
  void dataThatMovesOnIsNoStateWhereAnotherInputMayBe() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("q", 1, 3)
            .input("x", 1, 3)
            .input("z", 1, 1)
            .node("Concat", List.of("q", "x", "z"), List.of("all"), Map.of("axis", 1))
            .whole("from", -3)
            .whole("to", Integer.MAX_VALUE)
            .whole("axis", 1)
            .node("Slice", "r", "all", "from", "to", "axis")
            .node("Add", "y", "x", "q")
            .output("r")
            .output("y");
    assertThat(open(graph).model().graph().states()).isEmpty();
    assertThat(texts(open(graph)))
        .contains(
            "input \"x\": the model's input of this name, 3 values a step; if it is a state, say what"
                + " replaces it: --state x=r");
    assertThat(open(graph).withStates(Map.of("q", "r")).network().pairs())
        .containsExactly(new OnnxFile.StatePair("q", "r"));
  }

  /** What a delay line keeps is all but the distance; one element in another place is none. */
  @Test
  void oneElementThatIsWrittenElsewhereIsNoDelayLine() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, 1)
            .input("aux", 1, 4)
            .node("Exp", "z", "aux")
            .whole("from", 0)
            .whole("to", 1)
            .whole("axis", 1)
            .node("Slice", "first", "aux", "from", "to", "axis")
            .node("Slice", "a", "z", "from", "to", "axis")
            .whole("two", 2)
            .whole("four", 4)
            .node("Slice", "b", "z", "two", "four", "axis")
            .node("Concat", List.of("a", "first", "b"), List.of("r"), Map.of("axis", 1))
            .node("Add", "y", "x", "x")
            .output("r")
            .output("y");
    assertThat(open(graph).network().pairs()).isEmpty();
  }

  /** tanh(W x + R h). */
  private static double[] rnn(float[] x, double[] h) {
    double[] next = new double[UNITS];
    for (int u = 0; u < UNITS; u++) {
      double sum = 0;
      for (int i = 0; i < INPUTS; i++) {
        sum += W[u * INPUTS + i] * x[i];
      }
      for (int k = 0; k < UNITS; k++) {
        sum += R[u * UNITS + k] * h[k];
      }
      next[u] = Math.tanh(sum);
    }
    return next;
  }

  /** s' is the last state of a node that begins with another input, and y = s + Y_h. */
  @Test
  void aLastStateMayReplaceAStateOfTheCaller() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, 1, INPUTS)
            .input("h", 1, 1, UNITS)
            .input("before", 1, 1, UNITS)
            .constant(tensor("W", W, 1, UNITS, INPUTS))
            .constant(tensor("R", R, 1, UNITS, UNITS))
            .node(
                "RNN",
                List.of("x", "W", "R", "", "", "h"),
                List.of("Y", "Yh"),
                Map.of("hidden_size", UNITS))
            .node("Add", "y", "before", "Yh")
            .node("Identity", "after", "Yh")
            .output("y")
            .output("after");
    OnnxFile file = open(graph).withStates(Map.of("before", "after"));
    assertThat(file.network().pairs()).contains(new OnnxFile.StatePair("before", "after"));
    float[] x = random(21, INPUTS);
    double[] state = new double[UNITS];
    float[] y = new float[UNITS];
    try (Plan plan = Plan.compile(file.model(), PlanOptions.defaults().withBackend("reference"));
        Session session = Session.open(plan)) {
      for (int step = 0; step < 3; step++) {
        double[] next = rnn(x, state);
        session.step(x, y);
        for (int u = 0; u < UNITS; u++) {
          assertThat((double) y[u]).isCloseTo(state[u] + next[u], within(1e-6));
        }
        state = next;
      }
    }
  }

  /** y = x + y of the step before, through a copy that is written to one place of two. */
  @Test
  void aStateIsTracedThroughWhatIsWrittenBesideIt() throws Exception {
    float[] h = random(32, 2 * 3 * UNITS);
    float[] x = random(33, 3 * INPUTS);
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, 3, INPUTS)
            .input("h", 2, 3, UNITS)
            .constant(tensor("W", W, 1, UNITS, INPUTS))
            .constant(tensor("V", random(34, UNITS * UNITS), 1, UNITS, UNITS))
            .constant(tensor("R", R, 1, UNITS, UNITS))
            .constant(OnnxGraph.number("n0", 0))
            .constant(OnnxGraph.number("n1", 1))
            .whole("zero", 0)
            .node("Gather", "ha", "h", "n0")
            .node("Unsqueeze", "h0", "ha", "zero")
            .node(
                "RNN",
                List.of("x", "W", "R", "", "", "h0"),
                List.of("Y", "Yh"),
                Map.of("hidden_size", UNITS))
            .constant(index("i0", 0))
            .constant(index("i1", 1))
            .node("ScatterND", "half", "h", "i0", "Yh")
            .node("Gather", "hb", "half", "n1")
            .node("Unsqueeze", "h1", "hb", "zero")
            .node(
                "RNN",
                List.of("Yh", "V", "R", "", "", "h1"),
                List.of("Z", "Zh"),
                Map.of("hidden_size", UNITS))
            .node("Exp", "e", "Z")
            .node("ScatterND", "hn", "half", "i1", "Zh");
    double[] first = new double[3 * UNITS];
    double[] second = new double[3 * UNITS];
    float[] v = random(34, UNITS * UNITS);
    for (int p = 0; p < 3; p++) {
      for (int u = 0; u < UNITS; u++) {
        double sum = 0;
        for (int i = 0; i < INPUTS; i++) {
          sum += W[u * INPUTS + i] * x[p * INPUTS + i];
        }
        for (int k = 0; k < UNITS; k++) {
          sum += R[u * UNITS + k] * h[p * UNITS + k];
        }
        first[p * UNITS + u] = Math.tanh(sum);
      }
      for (int u = 0; u < UNITS; u++) {
        double sum = 0;
        for (int k = 0; k < UNITS; k++) {
          sum += v[u * UNITS + k] * first[p * UNITS + k];
          sum += R[u * UNITS + k] * h[(3 + p) * UNITS + k];
        }
        second[p * UNITS + u] = Math.tanh(sum);
      }
    }
    double[] both = Arrays.copyOf(first, 2 * first.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    passes(
        graph,
        16,
        List.of(tensor("x", x, 1, 3, INPUTS), tensor("h", h, 2, 3, UNITS)),
        tensor("e", each(second, Math::exp), 1, 1, 3, UNITS),
        tensor("hn", both, 2, 3, UNITS));
    assertThat(open(graph).model().layers().stream().filter(PerPosition.class::isInstance))
        .hasSize(2);
    assertThat(texts(open(graph)))
        .contains(
            "input \"h\": states rnn_Y_Yh.0.h to rnn_Y_Yh.2.h (h[0]), rnn_Z_Zh.0.h to rnn_Z_Zh.2.h"
                + " (h[1]), to set; zero after a reset; output \"hn\" gives them back in the same places");
  }

  private static TensorProto index(String name, long value) {
    return OnnxGraph.longs(name, value).toBuilder().clearDims().addDims(1).addDims(1).build();
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
  void settingsThatDecideAreNamedWithTheirOption() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, -1)
            .typedInput("sr", TensorProto.DataType.INT64_VALUE)
            .constant(OnnxGraph.number("rate", 16_000))
            .node("Equal", "is", "sr", "rate")
            .choice(
                "y",
                "is",
                new OnnxGraph().node("Exp", "a", "x").output("a"),
                new OnnxGraph().node("Neg", "b", "x").output("b"))
            .output("y");
    isUnsupported(
        graph, "add --set sr=VALUE (node \"if_y\" (If) takes a branch by it)", "--shape x=1,SIZE");
    assertThat(catchThrowable(() -> open(graph).model())).hasMessageNotContaining("chain");
    Model model =
        open(graph)
            .withInputs(Map.of("sr", "16000"))
            .withShapes(Map.of("x", List.of(1, 8)))
            .model();
    assertThat(model.inputs()).isEqualTo(8);
  }

  /** Recorded states and inputs need not lie where a plan takes them unasked. */
  @Test
  void aCaseMayHoldLargeStatesAndInputs() throws Exception {
    float[] h = {2.5f, -3, 0.5f, 1};
    float[] x = {3e6f, 0, 0};
    double[] state = new double[UNITS];
    for (int u = 0; u < UNITS; u++) {
      double sum = W[u * INPUTS] * (double) x[0];
      for (int k = 0; k < UNITS; k++) {
        sum += R[u * UNITS + k] * h[k];
      }
      state[u] = Math.tanh(sum);
    }
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, 1, INPUTS)
            .input("h", 1, 1, UNITS)
            .constant(tensor("W", W, 1, UNITS, INPUTS))
            .constant(tensor("R", R, 1, UNITS, UNITS))
            .node(
                "RNN",
                List.of("x", "W", "R", "", "", "h"),
                List.of("", "hn"),
                Map.of("hidden_size", UNITS));
    passes(
        graph,
        16,
        List.of(tensor("x", x, 1, 1, INPUTS), tensor("h", h, 1, 1, UNITS)),
        tensor("hn", state, 1, 1, UNITS));
  }

  @Test
  void statesOfWrongNamesOrSizesAreRefused() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, 2)
            .input("s", 1, 3)
            .node("Concat", List.of("x", "s"), List.of("y"), Map.of("axis", 1))
            .output("y");
    assertThat(catchThrowable(() -> open(graph).withStates(Map.of("s", "z")).model()))
        .hasMessageContaining("\"s\" and \"z\" are no input and output");
    assertThat(catchThrowable(() -> open(graph).withStates(Map.of("s", "y")).model()))
        .hasMessageContaining("needs at least one output");
  }

  @Test
  void aRecurrentNodeInAStepKeepsItsStateAndGivesItBack() throws Exception {
    float[] h = random(20, UNITS);
    float[] x = random(21, INPUTS);
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, 1, INPUTS)
            .input("h", 1, UNITS)
            .constant(tensor("W", W, 1, UNITS, INPUTS))
            .constant(tensor("R", R, 1, UNITS, UNITS))
            .whole("zero", 0)
            .node("Unsqueeze", "h0", "h", "zero")
            .node(
                "RNN",
                List.of("x", "W", "R", "", "", "h0"),
                List.of("Y", "Yh"),
                Map.of("hidden_size", UNITS))
            .node("Exp", "a", "Yh")
            .node("Abs", "b", "Y")
            .node("Squeeze", "hn", "Yh", "zero");
    double[] state = rnn(x, IntStream.range(0, UNITS).mapToDouble(u -> h[u]).toArray());
    passes(
        graph,
        14,
        List.of(tensor("x", x, 1, 1, INPUTS), tensor("h", h, 1, UNITS)),
        tensor("a", each(state, Math::exp), 1, 1, UNITS),
        tensor("b", each(state, Math::abs), 1, 1, 1, UNITS),
        tensor("hn", state, 1, UNITS));
    assertThat(texts(open(graph)))
        .contains(
            "input \"h\": state rnn_Y_Yh.h, to set; zero after a reset; output \"hn\" gives it back in the"
                + " same places");
    OnnxFile said = open(graph).withStates(Map.of("h", "hn"));
    assertThat(said.network().pairs()).containsExactly(new OnnxFile.StatePair("h", "hn"));
    assertThat(said.model().graph().states()).isEmpty();
    isUnsupported(
        graph.node("Exp", "z", "h").output("z"),
        "reads \"h\", which holds states of node \"rnn_Y_Yh\" (RNN)");
  }

  /** One that is called with its state makes a step a call; the other then makes five in each. */
  @Test
  void aNodeThatBeginsAnewInEachCallRunsWithinAStep() throws Exception {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", STEPS, 1, INPUTS)
            .input("h", 1, 1, UNITS)
            .constant(tensor("W", W, 1, UNITS, INPUTS))
            .constant(tensor("R", R, 1, UNITS, UNITS))
            .constant(tensor("V", random(22, UNITS * UNITS), 1, UNITS, UNITS))
            .node("RNN", List.of("x", "W", "R"), List.of("Y", "Yh"), Map.of("hidden_size", UNITS))
            .node(
                "RNN",
                List.of("Yh", "V", "R", "", "", "h"),
                List.of("Z", "hn"),
                Map.of("hidden_size", UNITS))
            .node("Exp", "e", "Y")
            .node("Exp", "f", "Z")
            .output("e")
            .output("f")
            .output("hn");
    Model model = open(graph).model();
    float[] x = random(23, STEPS * INPUTS);
    double[][] y = new double[STEPS][UNITS];
    for (int t = 0; t < STEPS; t++) {
      for (int u = 0; u < UNITS; u++) {
        double sum = 0;
        for (int i = 0; i < INPUTS; i++) {
          sum += W[u * INPUTS + i] * x[t * INPUTS + i];
        }
        for (int k = 0; t > 0 && k < UNITS; k++) {
          sum += R[u * UNITS + k] * y[t - 1][k];
        }
        y[t][u] = Math.tanh(sum);
      }
    }
    double[] z = new double[UNITS];
    float[] e = new float[STEPS * UNITS];
    float[] f = new float[UNITS];
    try (Plan plan = Plan.compile(model, PlanOptions.defaults().withBackend("reference"));
        Session session = Session.open(plan)) {
      for (int call = 0; call < 3; call++) {
        session.set("x", x);
        session.step();
        session.get("e", e);
        session.get("f", f);
        double[] before = z.clone();
        for (int u = 0; u < UNITS; u++) {
          double sum = 0;
          for (int k = 0; k < UNITS; k++) {
            sum += random(22, UNITS * UNITS)[u * UNITS + k] * y[STEPS - 1][k];
            sum += R[u * UNITS + k] * before[k];
          }
          z[u] = Math.tanh(sum);
          assertThat(f[u]).isCloseTo((float) Math.exp(z[u]), within(5e-6f));
        }
        for (int i = 0; i < e.length; i++) {
          assertThat(e[i]).isCloseTo((float) Math.exp(y[i / UNITS][i % UNITS]), within(5e-6f));
        }
      }
    }
    assertThat(texts(open(graph))).noneMatch(text -> text.contains("not taken"));
  }

  @Test
  void elementsAreReplaced() throws Exception {
    OnnxGraph graph =
        cubeGraph()
            .input("u", 2, 4)
            .constant(
                OnnxGraph.longs("flat", 0, 1, 2, 0, 0, -3).toBuilder()
                    .clearDims()
                    .addDims(2)
                    .addDims(3)
                    .build())
            .node("ScatterND", "y", "x", "flat", "u");
    float[] u = random(24, 8);
    passes(
        graph,
        16,
        List.of(tensor("x", CUBE, SHAPE), tensor("u", u, 2, 4)),
        tensor(
            "y",
            at(
                2,
                3,
                4,
                (c, i, j) -> c == 1 && i == 2 ? u[j] : c == 0 && i == 0 ? u[4 + j] : x(c, i, j)),
            SHAPE));
  }

  @Test
  void openSizesOfAStepAreSaid() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", -1, 1, -2)
            .constant(tensor("w", random(1, 3), 1, 1, 3))
            .node("Conv", "c", "x", "w")
            .node("Mul", "y", "c", "c")
            .output("y");
    isUnsupported(graph, "leaves sizes of its inputs [x] open", "--shape");
    Model model = open(graph).withShapes(Map.of("x", List.of(1, 1, 8))).model();
    assertThat(model.inputs()).isEqualTo(8);
    assertThat(model.outputs()).isEqualTo(6);
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

  /** Of each channel alone, with two outputs each, strides and dilations that differ by axis. */
  @Test
  void planesOfEachChannelAreConvolved() throws Exception {
    float[] w = random(41, 4 * 2 * 2);
    OnnxGraph graph =
        cubeGraph()
            .constant(tensor("w", w, 4, 1, 2, 2))
            .node(
                "Conv",
                List.of("x", "w"),
                List.of("y"),
                Map.of("group", 2, "strides", List.of(2, 1), "dilations", List.of(1, 2)));
    cubePasses(
        graph,
        at(
            4,
            1,
            2,
            (o, i, j) -> {
              double sum = 0;
              for (int k = 0; k < 4; k++) {
                sum += w[o * 4 + k] * x(o / 2, 2 * i + k / 2, j + 2 * (k % 2));
              }
              return sum;
            }),
        1,
        4,
        1,
        2);
  }

  @Test
  void planesAreConvolvedBackwards() throws Exception {
    float[] w = random(42, 2 * 3 * 2 * 2);
    double[] y = new double[3 * 4 * 8];
    for (int c = 0; c < 2; c++) {
      for (int o = 0; o < 3; o++) {
        for (int k = 0; k < 12 * 4; k++) {
          int row = k / 16 + k / 2 % 2;
          int column = 2 * (k / 4 % 4) + k % 2;
          y[(o * 4 + row) * 8 + column] +=
              w[((c * 3 + o) * 2 + k / 2 % 2) * 2 + k % 2] * x(c, k / 16, k / 4 % 4);
        }
      }
    }
    cubePasses(
        cubeGraph()
            .constant(tensor("w", w, 2, 3, 2, 2))
            .node(
                "ConvTranspose", List.of("x", "w"), List.of("y"), Map.of("strides", List.of(1, 2))),
        y,
        1,
        3,
        4,
        8);
  }

  @Test
  void computedValuesAreMoved() throws Exception {
    OnnxGraph graph =
        cubeGraph()
            .node("Exp", "e", "x")
            .whole("parts", 1, 3)
            .node("Split", List.of("e", "parts"), List.of("s0", "s1"), Map.of("axis", 3))
            .whole("rows", 2, 0)
            .node("Gather", List.of("s1", "rows"), List.of("picked"), Map.of("axis", 2))
            .whole("zero", 0)
            .node("Squeeze", "flat", "s0", "zero")
            .node("Unsqueeze", "deep", "flat", "zero")
            .whole("wide", 1, 2, 3, 2)
            .node("Expand", "stretched", "deep", "wide")
            .whole("repeats", 1, 1, 2, 1)
            .node("Tile", "twice", "stretched", "repeats")
            .node("Flatten", List.of("picked"), List.of("line"), Map.of("axis", 2));
    passes(
        graph,
        14,
        List.of(tensor("x", CUBE, SHAPE)),
        tensor("picked", at(2, 2, 3, (c, i, j) -> Math.exp(x(c, 2 - 2 * i, 1 + j))), 1, 2, 2, 3),
        tensor("twice", at(2, 6, 2, (c, i, j) -> Math.exp(x(c, i % 3, 0))), 1, 2, 6, 2),
        tensor("line", at(2, 2, 3, (c, i, j) -> Math.exp(x(c, 2 - 2 * i, 1 + j))), 2, 6));
  }

  /** As it is where a cell is written out; its states go on from step to step. */
  @Test
  void anLstmThatIsWrittenOutIsAGraph() {
    float[] w = random(43, 4 * UNITS * INPUTS);
    float[] r = random(44, 4 * UNITS * UNITS);
    float[] b = random(45, 4 * UNITS);
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", 1, INPUTS)
            .input("h_in", 1, UNITS)
            .input("c_in", 1, UNITS)
            .constant(tensor("w", w, 4 * UNITS, INPUTS))
            .constant(tensor("r", r, 4 * UNITS, UNITS))
            .constant(tensor("b", b, 4 * UNITS))
            .node("Gemm", List.of("x", "w", "b"), List.of("wx"), Map.of("transB", 1))
            .node("Gemm", List.of("h_in", "r"), List.of("rh"), Map.of("transB", 1))
            .node("Add", "gates", "wx", "rh")
            .node("Split", List.of("gates"), List.of("i", "f", "g", "o"), Map.of("axis", 1))
            .node("Sigmoid", "si", "i")
            .node("Sigmoid", "sf", "f")
            .node("Tanh", "tg", "g")
            .node("Sigmoid", "so", "o")
            .node("Mul", "kept", "sf", "c_in")
            .node("Mul", "new", "si", "tg")
            .node("Add", "c_out", "kept", "new")
            .node("Tanh", "tc", "c_out")
            .node("Mul", "h_out", "so", "tc")
            .node("Exp", "y", "h_out")
            .output("y")
            .output("h_out")
            .output("c_out");
    OnnxFile.Import network = open(graph).network();
    assertThat(network.pairs())
        .containsExactlyInAnyOrder(
            new OnnxFile.StatePair("h_in", "h_out"), new OnnxFile.StatePair("c_in", "c_out"));
    double[] h = new double[UNITS];
    double[] c = new double[UNITS];
    float[][] given = new float[BackendRegistry.usable().size()][UNITS];
    List<Plan> plans =
        BackendRegistry.usable().stream()
            .map(backend ->
                Plan.compile(network.model(), PlanOptions.defaults().withBackend(backend.name())))
            .toList();
    List<Session> sessions = plans.stream().map(Session::open).toList();
    for (int t = 0; t < STEPS; t++) {
      float[] x = random(50 + t, INPUTS);
      double[] sums = new double[4 * UNITS];
      for (int k = 0; k < sums.length; k++) {
        sums[k] = b[k];
        for (int i = 0; i < INPUTS; i++) {
          sums[k] += w[k * INPUTS + i] * x[i];
        }
        for (int i = 0; i < UNITS; i++) {
          sums[k] += r[k * UNITS + i] * h[i];
        }
      }
      for (int u = 0; u < UNITS; u++) {
        double candidate = sigmoid(sums[u]) * Math.tanh(sums[2 * UNITS + u]);
        c[u] = sigmoid(sums[UNITS + u]) * c[u] + candidate;
        h[u] = sigmoid(sums[3 * UNITS + u]) * Math.tanh(c[u]);
      }
      for (int s = 0; s < given.length; s++) {
        sessions.get(s).step(x, given[s]);
        for (int u = 0; u < UNITS; u++) {
          assertThat(given[s][u]).isCloseTo((float) Math.exp(h[u]), within(4e-6f));
        }
        assertThat(given[s]).isEqualTo(given[0]);
      }
    }
    sessions.forEach(Session::close);
    plans.forEach(Plan::close);
  }

  /** An output that was kept in 16 bits may differ by what that rounds, and by no more. */
  @Test
  void outputsOfSixteenBitsAreAsExactAsTheyCanBe() throws Exception {
    float[] x = {0.1f, 0.7f, -1.3f};
    for (float off : new float[] {1, 1.002f}) {
      TensorProto.Builder halves =
          TensorProto.newBuilder()
              .setName("y")
              .addDims(1)
              .addDims(3)
              .setDataType(TensorProto.DataType.FLOAT16_VALUE);
      for (float value : x) {
        halves.addInt32Data(Float.floatToFloat16((float) Math.exp(value) * off) & 0xffff);
      }
      OnnxGraph graph = new OnnxGraph().input("x", 1, 3).node("Exp", "y", "x").output("y");
      Path written =
          new GeneratedCase("case", graph.model(14), List.of(tensor("x", x, 1, 3)))
              .write(folder.resolve("case" + cases++), List.of(halves.build()));
      OnnxCase.Outcome outcome =
          new OnnxCase(written).run(PlanOptions.defaults().withBackend("reference"), TOLERANCE);
      assertThat(outcome instanceof OnnxCase.Outcome.Passed)
          .as("times %s", off)
          .isEqualTo(off == 1);
    }
  }
}
