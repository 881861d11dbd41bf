package io.github.stillgate.importers.onnx;

import static io.github.stillgate.importers.onnx.GruGraphs.isUnsupported;
import static io.github.stillgate.importers.onnx.GruGraphs.open;
import static io.github.stillgate.importers.onnx.GruGraphs.texts;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.importers.onnx.generated.GeneratedCase;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Graphs that are no chain: branches of sequences, several inputs and outputs, moved values. Values
 * are those of formulas in float64.
 */
class OnnxGraphTest extends OnnxGraphCases {
  private static OnnxGraph sequence() {
    return rnn(new OnnxGraph().input("x", STEPS, BATCH, INPUTS));
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
