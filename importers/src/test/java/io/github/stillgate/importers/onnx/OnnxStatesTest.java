package io.github.stillgate.importers.onnx;

import static io.github.stillgate.importers.onnx.GruGraphs.isUnsupported;
import static io.github.stillgate.importers.onnx.GruGraphs.open;
import static io.github.stillgate.importers.onnx.GruGraphs.texts;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.PerPosition;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a graph keeps from step to step: states in inputs and outputs, and how they are paired. */
class OnnxStatesTest extends OnnxGraphCases {
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
}
