package io.github.stillgate.importers.onnx;

import static io.github.stillgate.importers.onnx.GruGraphs.isUnsupported;
import static io.github.stillgate.importers.onnx.GruGraphs.open;
import static io.github.stillgate.importers.onnx.GruGraphs.texts;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.importers.onnx.generated.GeneratedCase;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What exporters write around the layers of a network: states, last steps, shapes, scales. Values
 * are those of formulas in float64, of RNNs ({@code h' = tanh(W x + R h)}) of a few units.
 */
class OnnxExportsTest {
  private static final int STEPS = 5;
  private static final int BATCH = 2;
  private static final int INPUTS = 3;
  private static final int UNITS = 4;

  @TempDir private Path folder;

  /** One layer's matrices, and what it does with sequences x[t][b][i]. */
  private record Rnn(float[][] w, float[][] r) {
    static Rnn of(int seed, int inputs) {
      return new Rnn(matrix(seed, UNITS, inputs), matrix(seed + 1, UNITS, UNITS));
    }

    /** A node called after its outputs, with a state to begin with if it has a name. */
    void addTo(OnnxGraph graph, String from, String state, String... to) {
      graph.constant(tensor(to[0] + "W", w));
      graph.constant(tensor(to[0] + "R", r));
      graph.node(
          "RNN",
          List.of(from, to[0] + "W", to[0] + "R", "", "", state),
          List.of(to),
          Map.of("hidden_size", UNITS));
    }

    private static TensorProto tensor(String name, float[][] matrix) {
      return OnnxGraph.tensor(name, new long[] {1, matrix.length, matrix[0].length}, flat(matrix));
    }

    /** y[t][b][unit], from the state h[b][unit]. */
    double[][][] run(double[][][] x, double[][] h) {
      double[][][] y = new double[x.length][BATCH][UNITS];
      for (int b = 0; b < BATCH; b++) {
        double[] state = h[b];
        for (int t = 0; t < x.length; t++) {
          for (int u = 0; u < UNITS; u++) {
            y[t][b][u] = Math.tanh(dot(w[u], x[t][b]) + dot(r[u], state));
          }
          state = y[t][b];
        }
      }
      return y;
    }
  }

  private static double dot(float[] row, double[] x) {
    double sum = 0;
    for (int i = 0; i < row.length; i++) {
      sum += row[i] * x[i];
    }
    return sum;
  }

  private static float[][] matrix(int seed, int rows, int columns) {
    Random random = new Random(seed);
    float[][] matrix = new float[rows][columns];
    for (float[] row : matrix) {
      for (int i = 0; i < columns; i++) {
        row[i] = random.nextFloat() - 0.5f;
      }
    }
    return matrix;
  }

  private static float[] flat(float[][] matrix) {
    float[] flat = new float[matrix.length * matrix[0].length];
    for (int i = 0; i < flat.length; i++) {
      flat[i] = matrix[i / matrix[0].length][i % matrix[0].length];
    }
    return flat;
  }

  private static final Rnn FIRST = Rnn.of(1, INPUTS);
  private static final Rnn SECOND = Rnn.of(3, UNITS);
  private static final double[][] ZERO = new double[BATCH][UNITS];

  private static double[][][] x() {
    return deep(matrix(7, STEPS * BATCH, INPUTS));
  }

  /** Rows as x[t][b]. */
  private static double[][][] deep(float[][] rows) {
    double[][][] deep = new double[rows.length / BATCH][BATCH][rows[0].length];
    for (int i = 0; i < rows.length; i++) {
      for (int k = 0; k < rows[i].length; k++) {
        deep[i / BATCH][i % BATCH][k] = rows[i][k];
      }
    }
    return deep;
  }

  private static TensorProto steps(String name, double[][][] values) {
    return tensor(name, new long[] {values.length, values[0].length, values[0][0].length}, values);
  }

  private static TensorProto streams(String name, double[][] values) {
    return tensor(name, new long[] {values.length, values[0].length}, values);
  }

  private static TensorProto tensor(String name, long[] shape, double[][]... values) {
    List<Float> all = new ArrayList<>();
    for (double[][] rows : values) {
      for (double[] row : rows) {
        for (double value : row) {
          all.add((float) value);
        }
      }
    }
    float[] floats = new float[all.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = all.get(i);
    }
    return OnnxGraph.tensor(name, shape, floats);
  }

  private static OnnxGraph input() {
    return new OnnxGraph().input("x", STEPS, BATCH, INPUTS);
  }

  private void passes(OnnxGraph graph, int opset, List<TensorProto> in, TensorProto... out)
      throws Exception {
    passes(graph, opset, in, Map.of(), out);
  }

  private void passes(
      OnnxGraph graph,
      int opset,
      List<TensorProto> in,
      Map<String, String> constants,
      TensorProto... out)
      throws Exception {
    for (TensorProto output : out) {
      graph.output(output.getName());
    }
    Path written =
        new GeneratedCase("case", graph.model(opset), in)
            .write(folder.resolve("case"), List.of(out));
    for (Backend backend : BackendRegistry.usable()) {
      PlanOptions options = PlanOptions.defaults().withBackend(backend.name());
      assertThat(new OnnxCase(written).run(options, 2e-6, constants))
          .as(backend.name())
          .isInstanceOf(OnnxCase.Outcome.Passed.class);
    }
  }

  private static OnnxGraph squeezed(OnnxGraph graph, String from, String to, int axis) {
    return graph.whole(to + "_axes", axis).node("Squeeze", to, from, to + "_axes");
  }

  private static OnnxGraph one() {
    OnnxGraph graph = input();
    FIRST.addTo(graph, "x", "", "y", "h");
    return squeezed(graph, "y", "s", 1);
  }

  private static double[][][] oneLayer() {
    return FIRST.run(x(), ZERO);
  }

  @Test
  void theLastStepByItsNumber() throws Exception {
    TensorProto last = streams("out", oneLayer()[STEPS - 1]);
    for (long number : new long[] {-1, STEPS - 1}) {
      OnnxGraph gather = one().constant(OnnxGraph.number("k", number));
      passes(gather.node("Gather", "out", "s", "k"), 17, List.of(steps("x", x())), last);
      assertThat(open(gather).answer()).isEqualTo(OnnxFile.Answer.LAST_STEP);
    }
    OnnxGraph batchFirst = one().constant(OnnxGraph.number("k", -1));
    batchFirst.node("Transpose", List.of("s"), List.of("t"), Map.of("perm", List.of(1, 0, 2)));
    passes(
        batchFirst.node("Gather", List.of("t", "k"), List.of("out"), Map.of("axis", 1)),
        17,
        List.of(steps("x", x())),
        last);
    OnnxGraph slice = one().whole("from", -1).whole("to", Long.MAX_VALUE).whole("on", 0);
    slice.node("Slice", "l", "s", "from", "to", "on");
    passes(squeezed(slice, "l", "out", 0), 17, List.of(steps("x", x())), last);
    OnnxGraph first = one().constant(OnnxGraph.number("k", 0)).node("Gather", "out", "s", "k");
    passes(first, 17, List.of(steps("x", x())), streams("out", oneLayer()[0]));
    assertThat(open(first).answer()).isEqualTo(OnnxFile.Answer.FIRST_STEP);
    isUnsupported(
        one().constant(OnnxGraph.number("k", 2)).node("Gather", "out", "s", "k").output("out"),
        "takes element 2 of dimension 0 of [5, 2, 4]; supported are the last and the first");
  }

  /** As the TorchScript exporter wrote it for operator set 9. */
  @Test
  void theLastStateByItsNumber() throws Exception {
    OnnxGraph slice = input();
    FIRST.addTo(slice, "x", "", "y", "h");
    slice.node(
        "Slice",
        List.of("h"),
        List.of("l"),
        Map.of("axes", List.of(0), "starts", List.of(-1), "ends", List.of(Integer.MAX_VALUE)));
    slice.node("Squeeze", List.of("l"), List.of("q"), Map.of("axes", List.of(0)));
    passes(
        slice.node("Tanh", "out", "q"),
        9,
        List.of(steps("x", x())),
        streams("out", map(oneLayer()[STEPS - 1], Math::tanh)));
  }

  private interface Function {
    double of(double value);
  }

  private static double[][] map(double[][] values, Function function) {
    double[][] mapped = new double[values.length][values[0].length];
    for (int i = 0; i < values.length; i++) {
      for (int k = 0; k < values[i].length; k++) {
        mapped[i][k] = function.of(values[i][k]);
      }
    }
    return mapped;
  }

  /** h_n[k] of a stack: states of all layers are joined, and one of them is taken. */
  @Test
  void theLastStateOfOneLayerOfAStack() throws Exception {
    double[][][] y = oneLayer();
    double[][][] z = SECOND.run(y, ZERO);
    for (int layer = 0; layer < 2; layer++) {
      OnnxGraph graph = stack("", "").constant(OnnxGraph.number("k", layer - 2));
      graph.node("Concat", List.of("h", "g"), List.of("all"), Map.of("axis", 0));
      graph.node("Gather", List.of("all", "k"), List.of("one"), Map.of("axis", 0));
      double[][] last = layer == 0 ? y[STEPS - 1] : z[STEPS - 1];
      passes(
          graph.node("Tanh", "answer", "one"),
          17,
          List.of(steps("x", x())),
          streams("answer", map(last, Math::tanh)));
    }
  }

  private static OnnxGraph stack(String firstState, String secondState) {
    return stack(input(), firstState, secondState);
  }

  private static OnnxGraph stack(OnnxGraph graph, String firstState, String secondState) {
    FIRST.addTo(graph, "x", firstState, "y", "h");
    squeezed(graph, "y", "s", 1);
    SECOND.addTo(graph, "s", secondState, "z", "g");
    return squeezed(graph, "z", "out", 1);
  }

  /** Zeros for all layers, as wide as the batch, and a slice of them for each. */
  @Test
  void zeroStatesOfAStackWithAnOpenBatch() throws Exception {
    for (String zero : List.of("ConstantOfShape", "Expand")) {
      OnnxGraph graph =
          new OnnxGraph()
              .input("x", -1, -2, INPUTS)
              .constant(OnnxGraph.number("k", 1))
              .whole("layers", 2)
              .whole("units", UNITS)
              .whole("0", 0)
              .whole("1", 1)
              .constant(OnnxGraph.tensor("nought", new long[0], 0))
              .node("Shape", "sizes", "x")
              .node("Gather", "batch", "sizes", "k")
              .node("Unsqueeze", "batches", "batch", "0")
              .node(
                  "Concat", List.of("layers", "batches", "units"), List.of("c"), Map.of("axis", 0));
      if (zero.equals("Expand")) {
        graph.node("Expand", "made", "nought", "c");
      } else {
        graph.node("ConstantOfShape", "made", "c");
      }
      graph
          .node("Cast", List.of("made"), List.of("zeros"), Map.of("to", 1))
          .node("Slice", "h0", "zeros", "0", "1", "0")
          .node("Slice", "g0", "zeros", "1", "layers", "0");
      stack(graph, "h0", "g0");
      passes(graph, 17, List.of(steps("x", x())), steps("out", SECOND.run(oneLayer(), ZERO)));
      assertThat(texts(open(graph)))
          .contains("state \"rnn_y_h.h\": zero after a reset, as \"h0\" is");
    }
  }

  /** The states of all layers come in as one value, and go out as one. */
  @Test
  void statesOfAStackInOneInput() throws Exception {
    OnnxGraph graph =
        input().input("states", 2, BATCH, UNITS).whole("0", 0).whole("1", 1).whole("2", 2);
    graph
        .node("Slice", "h0", "states", "0", "1", "0")
        .constant(OnnxGraph.number("k", 1))
        .node("Gather", List.of("states", "k"), List.of("g"), Map.of("axis", 0))
        .node("Unsqueeze", "g0", "g", "0");
    FIRST.addTo(graph, "x", "h0", "y", "h");
    squeezed(graph, "y", "s", 1);
    SECOND.addTo(graph, "s", "g0", "z", "gn");
    squeezed(graph, "z", "out", 1);
    graph.node("Concat", List.of("h", "gn"), List.of("next"), Map.of("axis", 0));
    double[][][] begin = deep(matrix(9, 2 * BATCH, UNITS));
    double[][][] y = FIRST.run(x(), begin[0]);
    double[][][] z = SECOND.run(y, begin[1]);
    passes(
        graph,
        17,
        List.of(steps("x", x()), steps("states", begin)),
        steps("out", z),
        steps("next", new double[][][] {y[STEPS - 1], z[STEPS - 1]}));
    assertThat(texts(open(graph)))
        .contains(
            "input \"states\": states rnn_y_h.h (states[0]), rnn_z_gn.h (states[1]), to set; zero"
                + " after a reset; output \"next\" gives them back in the same places",
            "output \"next\": states rnn_y_h.h (next[0]), rnn_z_gn.h (next[1])");
    assertThat(open(graph).network().pairs())
        .containsExactly(new OnnxFile.StatePair("states", "next"));
  }

  /** As a Keras model carries them: [batch, layers, units, 1], joined in another order. */
  @Test
  void statesInAnyShape() throws Exception {
    OnnxGraph graph =
        input()
            .input("states", BATCH, 2, UNITS, 1)
            .node("Split", List.of("states"), List.of("a", "b"), Map.of("axis", 1))
            .whole("sizes", 1, BATCH, UNITS)
            .node("Reshape", "h0", "a", "sizes")
            .node("Reshape", "g0", "b", "sizes");
    stack(graph, "h0", "g0");
    graph
        .node("Concat", List.of("g", "h"), List.of("both"), Map.of("axis", 0))
        .node("Transpose", List.of("both"), List.of("next"), Map.of("perm", List.of(1, 0, 2)));
    double[][][] begin = deep(matrix(9, 2 * BATCH, UNITS));
    double[][][] y = FIRST.run(x(), begin[0]);
    double[][][] z = SECOND.run(y, begin[1]);
    double[][] in = new double[2 * BATCH][];
    double[][] next = new double[2 * BATCH][];
    for (int b = 0; b < BATCH; b++) {
      in[2 * b] = begin[0][b];
      in[2 * b + 1] = begin[1][b];
      next[2 * b] = z[STEPS - 1][b];
      next[2 * b + 1] = y[STEPS - 1][b];
    }
    passes(
        graph,
        12,
        List.of(steps("x", x()), tensor("states", new long[] {BATCH, 2, UNITS, 1}, in)),
        steps("out", z),
        tensor("next", new long[] {BATCH, 2, UNITS}, next));
    assertThat(texts(open(graph.model(12))))
        .contains(
            "input \"states\": states rnn_y_h.h (states[:, 0]), rnn_z_g.h (states[:, 1]), to set;"
                + " zero after a reset; output \"next\" gives them back, in another order");
    assertThat(open(graph.model(12)).network().pairs()).isEmpty();
  }

  @Test
  void statesThatMixStreamsAreNotTaken() {
    OnnxGraph graph = input().input("states", UNITS, BATCH, 1);
    graph.whole("sizes", 1, BATCH, UNITS).node("Reshape", "h0", "states", "sizes");
    isUnsupported(
        stack(graph, "h0", "").output("out"),
        "initial_h is computed by node \"reshape_h0\" (Reshape), and is no part of one graph input");
  }

  /** The same weights, computed of others. */
  @Test
  void weightsThatAreComputed() {
    OnnxGraph stored = one().output("s");
    OnnxGraph computed = input().whole("0", 0).whole("2", 2).whole("4", 4);
    float[][] w = FIRST.w();
    float[][] swapped = {w[2], w[3], w[0], w[1]};
    computed
        .constant(OnnxGraph.tensor("w", new long[] {UNITS, INPUTS}, flat(swapped)))
        .node("Slice", "low", "w", "0", "2", "0")
        .node("Slice", "high", "w", "2", "4", "0")
        .node("Concat", List.of("high", "low"), List.of("both"), Map.of("axis", 0))
        .node("Unsqueeze", "W", "both", "0")
        .constant(OnnxGraph.tensor("r", new long[] {UNITS, UNITS}, flat(FIRST.r())))
        .node("Transpose", "turned", "r")
        .node("Transpose", "back", "turned")
        .node("Unsqueeze", "R", "back", "0")
        .node("RNN", List.of("x", "W", "R"), List.of("y", "h"), Map.of("hidden_size", UNITS));
    squeezed(computed, "y", "s", 1).output("s");
    assertThat(open(computed).model().fingerprint()).isEqualTo(open(stored).model().fingerprint());
  }

  /** Shapes that are computed of shapes, as the default exporter of PyTorch does. */
  @Test
  void shapesOfOpenSizes() throws Exception {
    OnnxGraph graph = new OnnxGraph().input("x", -1, -2, INPUTS);
    FIRST.addTo(graph, "x", "", "y", "h");
    graph.node("Transpose", List.of("y"), List.of("t"), Map.of("perm", List.of(0, 2, 1, 3)));
    graph.node("Shape", "sizes", "t");
    for (int i = 0; i < 4; i++) {
      graph
          .whole("n" + i, i)
          .whole("m" + i, i + 1)
          .node("Slice", "d" + i, "sizes", "n" + i, "m" + i);
    }
    graph
        .node("Mul", "merged", "d2", "d3")
        .node("Concat", List.of("d0", "d1", "merged"), List.of("shape"), Map.of("axis", 0))
        .node("Reshape", "out", "t", "shape");
    passes(graph, 20, List.of(steps("x", x())), steps("out", oneLayer()));
    assertThat(open(graph).model().layers()).hasSize(1);
  }

  /** What multiplies and shifts goes into the products beside it. */
  @Test
  void scalesAndShifts() throws Exception {
    float[] mean = {0.5f, -1, 2};
    float[] deviation = {2, 0.5f, 4};
    float[] gamma = {1, 2, -1, 0.5f};
    float[] beta = {0, 1, -1, 0.25f};
    float[] average = {0.1f, -0.2f, 0.3f, 0};
    float[] variance = {1, 0.25f, 4, 0.5f};
    OnnxGraph graph =
        input()
            .constant(OnnxGraph.tensor("mean", new long[] {INPUTS}, mean))
            .constant(OnnxGraph.tensor("deviation", new long[] {1, 1, INPUTS}, deviation))
            .node("Sub", "centred", "x", "mean")
            .node("Div", "scaled", "centred", "deviation");
    FIRST.addTo(graph, "scaled", "", "y", "h");
    squeezed(graph, "y", "s", 1);
    graph
        .node("Transpose", List.of("s"), List.of("t"), Map.of("perm", List.of(1, 2, 0)))
        .constant(OnnxGraph.tensor("gamma", new long[] {UNITS}, gamma))
        .constant(OnnxGraph.tensor("beta", new long[] {UNITS}, beta))
        .constant(OnnxGraph.tensor("average", new long[] {UNITS}, average))
        .constant(OnnxGraph.tensor("variance", new long[] {UNITS}, variance))
        .node(
            "BatchNormalization",
            List.of("t", "gamma", "beta", "average", "variance"),
            List.of("n"),
            Map.of("epsilon", 0.5f))
        .node("Transpose", List.of("n"), List.of("b"), Map.of("perm", List.of(2, 0, 1)))
        .node("Dropout", "dropped", "b");
    SECOND.addTo(graph, "dropped", "", "z", "g");
    squeezed(graph, "z", "q", 1);
    graph
        .constant(OnnxGraph.tensor("M", new long[] {UNITS, 1}, 1, 2, 3, 4))
        .constant(OnnxGraph.tensor("half", new long[0], 0.5f))
        .constant(OnnxGraph.tensor("three", new long[] {1}, 3))
        .node("MatMul", "m", "q", "M")
        .node("Mul", "halved", "half", "m")
        .node("Sub", "out", "three", "halved");
    double[][][] in = x();
    for (double[][] step : in) {
      for (double[] values : step) {
        for (int i = 0; i < INPUTS; i++) {
          values[i] = (values[i] - mean[i]) / deviation[i];
        }
      }
    }
    double[][][] y = FIRST.run(in, ZERO);
    for (double[][] step : y) {
      for (double[] values : step) {
        for (int u = 0; u < UNITS; u++) {
          values[u] = (values[u] - average[u]) / Math.sqrt(variance[u] + 0.5) * gamma[u] + beta[u];
        }
      }
    }
    double[][][] z = SECOND.run(y, ZERO);
    double[][][] out = new double[STEPS][BATCH][1];
    for (int t = 0; t < STEPS; t++) {
      for (int b = 0; b < BATCH; b++) {
        out[t][b][0] = 3 - 0.5 * dot(new float[] {1, 2, 3, 4}, z[t][b]);
      }
    }
    passes(graph, 15, List.of(steps("x", x())), steps("out", out));
    assertThat(open(graph.model(15)).model().layers()).hasSize(3);
  }

  /** A scale that no product stands beside, and a shift that a bias could not hold. */
  @Test
  void scalesAlone() throws Exception {
    OnnxGraph tail = one().constant(OnnxGraph.tensor("k", new long[] {UNITS}, 1, -2, 3, 0.5f));
    double[][][] scaled = oneLayer();
    for (double[][] step : scaled) {
      for (double[] values : step) {
        for (int u = 0; u < UNITS; u++) {
          values[u] *= new double[] {1, -2, 3, 0.5}[u];
        }
      }
    }
    passes(tail.node("Mul", "out", "s", "k"), 17, List.of(steps("x", x())), steps("out", scaled));
    // Pressures: of 101,325 only what is above 101,325 counts.
    OnnxGraph raw =
        input()
            .constant(OnnxGraph.tensor("mean", new long[] {1}, 101_325))
            .constant(OnnxGraph.tensor("deviation", new long[] {1}, 0.25f))
            .node("Sub", "centred", "x", "mean")
            .node("Div", "scaled", "centred", "deviation");
    FIRST.addTo(raw, "scaled", "", "y", "h");
    squeezed(raw, "y", "out", 1);
    double[][][] pressures = new double[STEPS][BATCH][INPUTS];
    double[][][] centred = new double[STEPS][BATCH][INPUTS];
    for (int i = 0; i < STEPS * BATCH * INPUTS; i++) {
      int t = i / (BATCH * INPUTS);
      int b = i / INPUTS % BATCH;
      // Eighths, which float32 holds at this height.
      double above = (i * 7 % 5 - 2) / 8.0;
      pressures[t][b][i % INPUTS] = 101_325 + above;
      centred[t][b][i % INPUTS] = 4 * above;
    }
    passes(raw, 17, List.of(steps("x", pressures)), steps("out", FIRST.run(centred, ZERO)));
  }

  @Test
  void whatIsNoScale() {
    OnnxGraph training = one();
    for (String name : List.of("g", "b", "m", "v")) {
      training.constant(OnnxGraph.tensor(name, new long[] {UNITS}, 1, 1, 1, 1));
    }
    isUnsupported(
        training
            .node(
                "BatchNormalization",
                List.of("s", "g", "b", "m", "v"),
                List.of("out"),
                Map.of("training_mode", 1))
            .output("out"),
        "as in training");
  }

  @Test
  void aConvolutionOverOnePosition() throws Exception {
    OnnxGraph graph = one();
    graph
        .node("Transpose", List.of("s"), List.of("t"), Map.of("perm", List.of(1, 2, 0)))
        .constant(OnnxGraph.tensor("K", new long[] {1, UNITS, 1}, 1, -2, 3, -4))
        .constant(OnnxGraph.tensor("kb", new long[] {1}, 0.5f))
        .node("Conv", "c", "t", "K", "kb")
        .node("Transpose", List.of("c"), List.of("out"), Map.of("perm", List.of(2, 0, 1)));
    double[][][] y = oneLayer();
    double[][][] out = new double[STEPS][BATCH][1];
    for (int t = 0; t < STEPS; t++) {
      for (int b = 0; b < BATCH; b++) {
        out[t][b][0] = 0.5 + dot(new float[] {1, -2, 3, -4}, y[t][b]);
      }
    }
    passes(graph, 17, List.of(steps("x", x())), steps("out", out));
  }

  /** Each step its own token, whose row is what the layer reads there. */
  @Test
  void rowsOfATableByNumbers() throws Exception {
    float[][] rows = matrix(7, STEPS * BATCH, INPUTS);
    for (String type : List.of("ids", "floats")) {
      OnnxGraph graph =
          type.equals("ids")
              ? new OnnxGraph().typedInput("x", TensorProto.DataType.INT64_VALUE, STEPS, BATCH)
              : new OnnxGraph().input("x", STEPS, BATCH);
      graph.constant(OnnxGraph.tensor("E", new long[] {STEPS * BATCH, INPUTS}, flat(rows)));
      graph.node("Cast", List.of("x"), List.of("ids"), Map.of("to", 7));
      graph.node("Gather", "e", "E", "ids");
      FIRST.addTo(graph, "e", "", "y", "h");
      squeezed(graph, "y", "out", 1);
      long[] ids = new long[STEPS * BATCH];
      float[] floats = new float[ids.length];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = i == 3 ? 3 - ids.length : i;
        floats[i] = ids[i];
      }
      TensorProto in =
          type.equals("ids")
              ? OnnxGraph.longs("x", ids).toBuilder()
                  .clearDims()
                  .addAllDims(List.of((long) STEPS, (long) BATCH))
                  .build()
              : OnnxGraph.tensor("x", new long[] {STEPS, BATCH}, floats);
      passes(graph, 17, List.of(in), steps("out", oneLayer()));
      assertThat(open(graph).model().readsTokens()).isTrue();
      assertThat(texts(open(graph)))
          .contains("input \"x\": what the model reads, one of 10 tokens a step");
    }
  }

  @Test
  void aBranchThatAnInputDecides() throws Exception {
    OnnxGraph yes = new OnnxGraph();
    FIRST.addTo(yes, "x", "", "y", "h");
    OnnxGraph no = new OnnxGraph();
    Rnn.of(5, INPUTS).addTo(no, "x", "", "y", "h");
    OnnxGraph graph =
        input()
            .typedInput("sr", TensorProto.DataType.INT64_VALUE)
            .constant(OnnxGraph.number("rate", 16_000))
            .node("Equal", "is", "sr", "rate")
            .choice("branch", "is", yes.output("y"), no.output("y"));
    squeezed(graph, "branch", "out", 1);
    List<TensorProto> in = List.of(steps("x", x()), OnnxGraph.number("sr", 16_000));
    passes(graph, 17, in, Map.of("sr", "16000"), steps("out", oneLayer()));
    assertThat(
            new OnnxCase(folder.resolve("case"))
                .run(PlanOptions.defaults(), 1e-5, Map.of("sr", "8000"))
                .toString())
        .contains("input \"sr\" has another value than was set");
    isUnsupported(graph, "--set sr=VALUE (node \"if_branch\" (If) takes a branch by it)");
    OnnxFile fixed = open(graph).withInputs(Map.of("sr", "16000"));
    assertThat(fixed.recurrentNodes()).hasSize(1);
    assertThat(fixed.network().accounts())
        .map(Account::toString)
        .contains("input \"sr\": fixed at [16000]");
  }

  @Test
  void aLoopIsNamed() {
    OnnxGraph graph = one().node("Loop", "out", "", "", "s").output("out");
    isUnsupported(
        graph, "node \"loop_out\" (Loop): a loop written out in the graph", "recurrent_dropout");
  }

  /** Behind the end of a sequence a step by number is zero, and a last state is not. */
  @Test
  void aLastStepByNumberWhereSequencesEnd() {
    OnnxGraph graph = input().typedInput("lens", TensorProto.DataType.INT32_VALUE, BATCH);
    graph.constant(OnnxGraph.tensor("W", new long[] {1, UNITS, INPUTS}, flat(FIRST.w())));
    graph.constant(OnnxGraph.tensor("R", new long[] {1, UNITS, UNITS}, flat(FIRST.r())));
    graph.node(
        "RNN", List.of("x", "W", "R", "", "lens"), List.of("y"), Map.of("hidden_size", UNITS));
    squeezed(graph, "y", "s", 1)
        .constant(OnnxGraph.number("k", -1))
        .node("Gather", "out", "s", "k");
    assertThatThrownBy(() -> open(graph.output("out")).network())
        .isInstanceOf(UnsupportedOnnxException.class)
        .hasMessageContaining("zero behind an end");
  }

  /** Of a sequence of no step there is nothing but zeros. */
  @Test
  void aSequenceOfNoStep() throws Exception {
    OnnxGraph graph = input().constant(OnnxGraph.ints("lens", STEPS, 0));
    graph.constant(OnnxGraph.tensor("W", new long[] {1, UNITS, INPUTS}, flat(FIRST.w())));
    graph.constant(OnnxGraph.tensor("R", new long[] {1, UNITS, UNITS}, flat(FIRST.r())));
    graph.node(
        "RNN", List.of("x", "W", "R", "", "lens"), List.of("y"), Map.of("hidden_size", UNITS));
    double[][][] y = oneLayer();
    for (double[][] step : y) {
      step[1] = new double[UNITS];
    }
    double[][] rows = new double[STEPS * BATCH][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = y[i / BATCH][i % BATCH];
    }
    passes(
        graph,
        14,
        List.of(steps("x", x())),
        tensor("y", new long[] {STEPS, 1, BATCH, UNITS}, rows));
  }

  /** It removes what has size 1, which is known where all sizes are. */
  @Test
  void squeezesThatNameNoAxes() throws Exception {
    OnnxGraph known = input();
    FIRST.addTo(known, "x", "", "y", "h");
    passes(
        known.node("Squeeze", "out", "y"), 13, List.of(steps("x", x())), steps("out", oneLayer()));
    OnnxGraph open = new OnnxGraph().input("x", -1, BATCH, INPUTS);
    FIRST.addTo(open, "x", "", "y", "h");
    isUnsupported(
        open.node("Squeeze", "out", "y").output("out"), "names no axes, and sizes are open");
  }

  /** In old sets an attribute said whether Y is given. */
  @Test
  void outputSequenceOfOldSets() {
    OnnxGraph graph = input();
    FIRST.addTo(graph, "x", "", "y", "h");
    ModelProto.Builder model = graph.output("y").model(3).toBuilder();
    model
        .getGraphBuilder()
        .getNodeBuilder(0)
        .addAttribute(
            AttributeProto.newBuilder()
                .setName("output_sequence")
                .setType(AttributeProto.AttributeType.INT)
                .setI(1));
    assertThat(open(model.build()).model().layers()).hasSize(1);
  }
}
