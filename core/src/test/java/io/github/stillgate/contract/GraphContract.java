package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Along;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Constant;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Elementwise;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.MatrixProduct;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Normalise;
import io.github.stillgate.core.model.PerPosition;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.Reduction;
import io.github.stillgate.core.model.Softmax;
import io.github.stillgate.core.model.WeightedSum;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What a graph computes, whatever backend is below it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class GraphContract {
  private static final int GRAPHS = 300;

  private final Backend backend;

  protected GraphContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  static LongStream seeds() {
    return LongStream.range(0, GRAPHS);
  }

  /** Bit for bit, through a snapshot half-way. */
  @ParameterizedTest
  @MethodSource("seeds")
  void aGraphOfOperationsIsWhatItsFormulasSay(long seed) {
    Graph graph = RandomGraphs.of(seed);
    GraphInterpreter interpreter = new GraphInterpreter(graph);
    SplittableRandom random = new SplittableRandom(seed);
    try (Plan plan = Plan.compile(new Model(graph), options());
        Session first = Session.open(plan);
        Session second = Session.open(plan)) {
      for (int step = 0; step < 12; step++) {
        if (step == 6) {
          second.restore(first.snapshot());
        }
        Session session = step < 6 ? first : second;
        Map<String, float[]> inputs = inputs(graph, random);
        inputs.forEach(session::set);
        session.step();
        Map<String, float[]> expected = interpreter.step(inputs);
        for (String output : graph.outputs()) {
          assertThat(Steps.bits(get(session, output, graph)))
              .as("seed %d, step %d, %s of %s", seed, step, output, graph)
              .isEqualTo(Steps.bits(expected.get(output)));
        }
        for (Graph.State state : graph.states()) {
          assertThat(session.state(state.name())).as(state.name()).hasSize(state.width());
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void streamsOfABatchHaveTheBitsOfSessions(long seed) {
    Graph graph = RandomGraphs.of(seed);
    SplittableRandom random = new SplittableRandom(seed);
    int count = 3;
    try (Plan plan = Plan.compile(new Model(graph), options());
        BatchSession batch = BatchSession.open(plan, count)) {
      BatchSession.Stream[] streams = new BatchSession.Stream[count];
      Session[] alone = new Session[count];
      for (int i = 0; i < count; i++) {
        streams[i] = batch.join();
        alone[i] = Session.open(plan);
      }
      for (int step = 0; step < 5; step++) {
        for (int i = 0; i < count; i++) {
          if (step % 2 == 0 || i > 0) {
            Map<String, float[]> inputs = inputs(graph, random);
            inputs.forEach(streams[i]::set);
            inputs.forEach(alone[i]::set);
            alone[i].step();
          }
        }
        batch.step();
        for (int i = 0; i < count; i++) {
          for (String output : graph.outputs()) {
            float[] actual = new float[graph.width(output)];
            streams[i].get(output, actual);
            assertThat(Steps.bits(actual)).isEqualTo(Steps.bits(get(alone[i], output, graph)));
          }
        }
      }
    }
  }

  private static Map<String, float[]> inputs(Graph graph, SplittableRandom random) {
    float scale = new float[] {1e-30f, 1, 1e6f}[random.nextInt(3)];
    Map<String, float[]> inputs = new LinkedHashMap<>();
    for (Graph.Value input : graph.inputs()) {
      inputs.put(input.name(), VectorOpsContract.values(input.width(), scale, random));
    }
    return inputs;
  }

  private static float[] get(Session session, String output, Graph graph) {
    float[] values = new float[graph.width(output)];
    session.get(output, values);
    return values;
  }

  /** y = tanh(W [x, last] + b) + x u, where last is y of the step before. */
  @Test
  void layersReadValuesAndStates() {
    Model model = new Model(feedback());
    double[] last = {0.25, -0.5, 0};
    SplittableRandom random = new SplittableRandom(7);
    try (Plan plan = Plan.compile(model, options());
        Session session = Session.open(plan)) {
      for (int step = 0; step < 20; step++) {
        float[] x = {(float) random.nextDouble(-1, 1), (float) random.nextDouble(-1, 1)};
        session.set("x", x);
        session.step();
        float[] y = new float[3];
        session.get("y", y);
        double[] next = new double[3];
        for (int i = 0; i < 3; i++) {
          double sum = BIAS[i];
          for (int k = 0; k < 5; k++) {
            sum += WEIGHTS[5 * i + k] * (k < 2 ? x[k] : last[k - 2]);
          }
          double u = new double[] {2, 0.5, -1}[i];
          next[i] = Math.tanh(sum) + x[i == 2 ? 0 : i] * u;
        }
        last = next;
        for (int i = 0; i < 3; i++) {
          assertThat((double) y[i]).as("step %d", step).isCloseTo(last[i], within(2e-6));
        }
      }
      session.reset();
      assertThat(session.state("last")).containsExactly(0.25f, -0.5f, 0);
    }
  }

  private static final float[] WEIGHTS = {
    0.5f, -0.3f, 0.2f, 0.7f, -0.1f, 0.4f, 0.25f, -0.6f, 0.1f, 0.3f, -0.2f, 0.35f, 0.15f, -0.45f,
    0.05f
  };

  private static final float[] BIAS = {0.1f, -0.2f, 0.3f};

  private static Graph feedback() {
    return Graph.builder()
        .input("x", 2)
        .state("last", Matrix.vector("last", 0.25f, -0.5f, 0), "y")
        .node(IndexMap.concat("both", 2, 3), "x", "last")
        .node(
            new Dense(
                "dense", Matrix.of("W", 3, 5, WEIGHTS), Matrix.vector("b", BIAS), Activation.TANH),
            "both")
        .node(new IndexMap("spread", List.of(2), 0, 1, 0), "x")
        .node(Constant.of("u", 2, 0.5f, -1))
        .node(new Combine("scaled", 3, Combine.Kind.MULTIPLY), "spread", "u")
        .node(new Combine("y", 3, Combine.Kind.ADD), "dense", "scaled")
        .output("y")
        .output("x")
        .build();
  }

  /** Recurrent layers side by side, one behind the other, and around. */
  @Test
  void recurrentLayersInAGraphAreThoseOfAChain() {
    Model chain = TestModels.vectors(6, 20, 4, 3);
    List<Layer> layers = chain.layers();
    Graph graph =
        Graph.builder()
            .input("left", 3)
            .input("right", 3)
            .node(IndexMap.concat("both", 3, 3), "left", "right")
            .node(layers.get(0), "both")
            .node(layers.get(1), "a")
            .node(layers.get(2), "b")
            .node(new Combine("twice", 4, Combine.Kind.ADD), "c", "c")
            .output("twice")
            .output("a")
            .build();
    SplittableRandom random = new SplittableRandom(5);
    for (WeightFormat format : WeightFormat.values()) {
      try (Plan ours = Plan.compile(new Model(graph), options().withWeights(format));
          Plan theirs = Plan.compile(chain, options().withWeights(format));
          Session session = Session.open(ours);
          Session expected = Session.open(theirs)) {
        for (int step = 0; step < 50; step++) {
          float[] x = Bits.floats(6, i -> (float) random.nextDouble(-1, 1));
          float[] y = new float[4];
          expected.step(x, y);
          session.set("left", new float[] {x[0], x[1], x[2]});
          session.set("right", new float[] {x[3], x[4], x[5]});
          session.step();
          float[] twice = new float[4];
          session.get("twice", twice);
          assertThat(Steps.bits(twice)).isEqualTo(Steps.bits(Bits.floats(4, i -> y[i] + y[i])));
          float[] a = new float[20];
          session.get("a", a);
          assertThat(Steps.bits(a)).isEqualTo(Steps.bits(expected.state("a.h")));
        }
        assertThat(ours.stateNames()).isEqualTo(theirs.stateNames());
      }
    }
  }

  /** Every kind of layer, as on the reference and in a batch, bit for bit. */
  @Test
  void aGraphOfAllKindsHasTheBitsOfTheReference() {
    Graph graph = TestModels.graph(11, 37, 5);
    SplittableRandom random = new SplittableRandom(3);
    for (WeightFormat format : WeightFormat.values()) {
      PlanOptions options = options().withWeights(format);
      try (Plan ours = Plan.compile(new Model(graph), options);
          Plan reference = Plan.compile(new Model(graph), options.withBackend("reference"));
          Session session = Session.open(ours);
          Session expected = Session.open(reference);
          BatchSession batch = BatchSession.open(ours, 2)) {
        BatchSession.Stream other = batch.join();
        BatchSession.Stream stream = batch.join();
        for (int step = 0; step < 100; step++) {
          Map<String, float[]> inputs = inputs(graph, random);
          inputs(graph, random).forEach(other::set);
          inputs.forEach(session::set);
          inputs.forEach(expected::set);
          inputs.forEach(stream::set);
          session.step();
          expected.step();
          batch.step();
          for (String output : graph.outputs()) {
            int[] bits = Steps.bits(get(expected, output, graph));
            float[] inBatch = new float[graph.width(output)];
            stream.get(output, inBatch);
            assertThat(Steps.bits(get(session, output, graph)))
                .as("%s, step %d, %s", format, step, output)
                .isEqualTo(bits);
            assertThat(Steps.bits(inBatch)).isEqualTo(bits);
          }
        }
        assertThat(session.snapshot()).isEqualTo(expected.snapshot());
      }
    }
  }

  /** Over positions a layer runs as over a sequence, and again in each step. */
  @Test
  void alongAnAxisALayerRunsAsOverASequence() {
    Model pair = TestModels.bidirectional(5, 9, 4);
    Layer both = pair.layers().getFirst();
    Layer gru = TestModels.gru(5, 20, 8).layers().getFirst();
    SplittableRandom random = new SplittableRandom(6);
    for (Layer layer : List.of(both, gru)) {
      for (WeightFormat format : WeightFormat.values()) {
        int positions = 4;
        int width = layer.outputs();
        Model along = new Model(List.of(new Along(layer, positions)));
        PlanOptions options = options().withWeights(format);
        try (Plan ours = Plan.compile(along, options);
            Plan theirs = Plan.compile(new Model(List.of(layer)), options);
            Session session = Session.open(ours);
            Sequence sequence = Sequence.open(theirs)) {
          for (int step = 0; step < 5; step++) {
            float[][] slices = new float[positions][];
            float[] x = new float[positions * 5];
            for (int p = 0; p < positions; p++) {
              slices[p] = Bits.floats(5, _ -> (float) random.nextDouble(-1, 1));
              System.arraycopy(slices[p], 0, x, 5 * p, 5);
            }
            sequence.reset();
            float[][] expected = sequence.run(slices);
            float[] y = new float[positions * width];
            session.step(x, y);
            for (int p = 0; p < positions; p++) {
              assertThat(Steps.bits(Arrays.copyOfRange(y, p * width, (p + 1) * width)))
                  .as("%s, %s, step %d, position %d", layer.name(), format, step, p)
                  .isEqualTo(Steps.bits(expected[p]));
            }
          }
          assertThat(ours.stateNames()).isEmpty();
        }
      }
    }
  }

  /** Each position is a stream of its own. */
  @Test
  void atPositionsALayerRunsAsInAsManySessions() {
    Layer layer = TestModels.lstm(5, 20, 9, 3).layers().get(1);
    SplittableRandom random = new SplittableRandom(6);
    for (WeightFormat format : WeightFormat.values()) {
      PlanOptions options = options().withWeights(format);
      Model model = new Model(List.of(new PerPosition(layer, 3)));
      try (Plan ours = Plan.compile(model, options);
          Plan theirs = Plan.compile(new Model(List.of(layer)), options);
          Session first = Session.open(ours);
          Session second = Session.open(ours)) {
        Session[] alone = {Session.open(theirs), Session.open(theirs), Session.open(theirs)};
        for (int step = 0; step < 20; step++) {
          if (step == 10) {
            second.restore(first.snapshot());
          }
          float[] x = Bits.floats(60, _ -> (float) random.nextDouble(-1, 1));
          float[] y = new float[27];
          (step < 10 ? first : second).step(x, y);
          for (int p = 0; p < 3; p++) {
            float[] expected = new float[9];
            alone[p].step(Arrays.copyOfRange(x, 20 * p, 20 * p + 20), expected);
            assertThat(Steps.bits(Arrays.copyOfRange(y, 9 * p, 9 * p + 9)))
                .as("%s, step %d, position %d", format, step, p)
                .isEqualTo(Steps.bits(expected));
          }
        }
        assertThat(ours.stateNames())
            .containsExactly(
                "rnn1.0.h", "rnn1.0.c", "rnn1.1.h", "rnn1.1.c", "rnn1.2.h", "rnn1.2.c");
        assertThat(second.state("rnn1.2.c")).isEqualTo(alone[2].state("rnn1.c"));
      }
    }
  }

  /** A state that becomes another: all are read before one is written. */
  @Test
  void statesAreReplacedTogether() {
    Graph graph =
        Graph.builder()
            .input("x", 2)
            .state("one", 2, "x")
            .state("two", 2, "one")
            .state("three", 2, "two")
            .state("kept", Matrix.vector("kept", 3, 4), "kept")
            .state("old", Matrix.vector("old", 5, 6), "new")
            .state("new", Matrix.vector("new", 7, 8), "old")
            .node(new Combine("sum", 2, Combine.Kind.ADD), "three", "kept")
            .output("sum")
            .output("one")
            .output("old")
            .output("new")
            .build();
    try (Plan plan = Plan.compile(new Model(graph), options());
        Session session = Session.open(plan)) {
      for (int step = 0; step < 9; step++) {
        session.set("x", new float[] {step + 1, -step});
        session.step();
        float three = Math.max(0, step - 2);
        assertThat(get(session, "sum", graph))
            .containsExactly(three + 3, step < 3 ? 4 : 4 - (step - 3));
        assertThat(get(session, "one", graph)).containsExactly(step, step == 0 ? 0 : 1 - step);
        boolean even = step % 2 == 0;
        assertThat(get(session, "old", graph)).containsExactly(even ? 5 : 7, even ? 6 : 8);
        assertThat(get(session, "new", graph)).containsExactly(even ? 7 : 5, even ? 8 : 6);
      }
    }
  }

  /** Against the functions of {@link Math}; where they have no finite value, what we say. */
  @ParameterizedTest
  @EnumSource(
      value = Activation.Function.class,
      names = {
        "EXP",
        "LOG",
        "SQRT",
        "POWER",
        "RECIPROCAL",
        "ABS",
        "FLOOR",
        "ERF",
        "SOFTPLUS",
        "GELU",
        "SILU"
      })
  void functionsAgreeWithFloat64(Activation.Function function) {
    float[] x = {
      -100, -7.5f, -2, -1.25f, -0.5f, -1e-3f, 0, 1e-20f, 1e-3f, 0.3f, 0.99f, 1, 1.5f, 2, 3.25f, 30,
      80
    };
    for (float exponent : new float[] {2, 3, -1}) {
      Activation.Elementwise f = Activation.LINEAR.then(function, exponent, 0);
      Elementwise layer = new Elementwise("f", x.length, f);
      Graph graph = Graph.builder().input("x", x.length).node(layer, "x").output("f").build();
      try (Plan plan = Plan.compile(new Model(graph), options());
          Session session = Session.open(plan)) {
        session.set("x", x);
        session.step();
        float[] y = get(session, "f", graph);
        for (int i = 0; i < x.length; i++) {
          double limit = 0x1p59;
          double expected =
              Math.clamp(Float64Model.apply(f.steps().getFirst(), x[i]), -limit, limit);
          assertThat((double) y[i])
              .as("%s(%s)", function, x[i])
              .isCloseTo(expected, within(3e-7 * Math.max(1e-3, Math.abs(expected))));
        }
      }
    }
  }

  /**
   * A convolution of three taps over 5 positions of 2 channels, attention, and a layer norm, as
   * their definitions say in float64.
   */
  @Test
  void layersMadeForGraphsAgreeWithFloat64() {
    SplittableRandom random = new SplittableRandom(9);
    float[] w = Bits.floats(4 * 6, i -> (float) random.nextDouble(-1, 1));
    float[] b = Bits.floats(4, i -> (float) random.nextDouble(-1, 1));
    float[] gain = {1.5f, -0.5f, 2, 0.25f};
    // Window p of 3 taps, of 2 channels each: taps outside are 0.
    IndexMap windows =
        IndexMap.of(
            "windows",
            10,
            30,
            i -> {
              int position = i / 6 + i % 6 / 2 - 1;
              return position < 0 || position > 4 ? -1 : 2 * position + i % 2;
            });
    Graph graph =
        Graph.builder()
            .input("x", 10)
            .node(windows, "x")
            .node(
                new Positions(
                    "conv", 5, 1, Matrix.of("W", 4, 6, w), Matrix.vector("b", b), Activation.TANH),
                "windows")
            .node(IndexMap.of("transposed", 20, 20, i -> i % 5 * 4 + i / 5), "conv")
            .node(new MatrixProduct("scores", 5, 4, 5), "conv", "transposed")
            .node(new Softmax("attention", 5, 5), "scores")
            .node(new MatrixProduct("mixed", 5, 5, 4), "attention", "conv")
            .node(new Normalise("norm", 5, 4, 1e-5f), "mixed")
            .node(
                new WeightedSum(
                    "scaled",
                    20,
                    Matrix.of("W", 1, 4, gain),
                    Matrix.vector("b", b),
                    Activation.LINEAR),
                "norm")
            .node(new Reduction("mean", 5, 4, Reduction.Kind.MEAN), "scaled")
            .output("scaled")
            .output("mean")
            .build();
    float[] x = Bits.floats(10, i -> (float) random.nextDouble(-1, 1));
    double[][] conv = new double[5][4];
    for (int p = 0; p < 5; p++) {
      for (int o = 0; o < 4; o++) {
        double sum = b[o];
        for (int tap = 0; tap < 3; tap++) {
          for (int channel = 0; channel < 2; channel++) {
            int at = p + tap - 1;
            sum +=
                at < 0 || at > 4 ? 0 : w[6 * o + 2 * tap + channel] * (double) x[2 * at + channel];
          }
        }
        conv[p][o] = Math.tanh(sum);
      }
    }
    double[] scaled = new double[20];
    double[] mean = new double[5];
    for (int p = 0; p < 5; p++) {
      double[] e = new double[5];
      double all = 0;
      for (int q = 0; q < 5; q++) {
        for (int o = 0; o < 4; o++) {
          e[q] += conv[p][o] * conv[q][o];
        }
        e[q] = Math.exp(e[q]);
        all += e[q];
      }
      double[] mixed = new double[4];
      double average = 0;
      for (int o = 0; o < 4; o++) {
        for (int q = 0; q < 5; q++) {
          mixed[o] += e[q] / all * conv[q][o];
        }
        average += mixed[o] / 4;
      }
      double variance = 0;
      for (int o = 0; o < 4; o++) {
        variance += (mixed[o] - average) * (mixed[o] - average) / 4;
      }
      for (int o = 0; o < 4; o++) {
        scaled[4 * p + o] = gain[o] * (mixed[o] - average) / Math.sqrt(variance + 1e-5) + b[o];
        mean[p] += scaled[4 * p + o] / 4;
      }
    }
    try (Plan plan = Plan.compile(new Model(graph), options());
        Session session = Session.open(plan)) {
      session.set("x", x);
      session.step();
      float[] actual = get(session, "scaled", graph);
      for (int i = 0; i < 20; i++) {
        assertThat((double) actual[i]).isCloseTo(scaled[i], within(2e-5));
      }
      float[] means = get(session, "mean", graph);
      for (int i = 0; i < 5; i++) {
        assertThat((double) means[i]).isCloseTo(mean[i], within(2e-5));
      }
      assertThat(session.stats().bytesRead()).isPositive();
    }
  }

  @Test
  void whatHasNoFiniteValueHasTheOneThatIsDocumented() {
    float[] a = {1, -1, 0, -2, -8, 0, 1e20f, 0};
    float[] b = {0, 0, 0, 3, 0.5f, -1, 1e20f, 0.5f};
    Graph graph =
        Graph.builder()
            .input("a", 8)
            .input("b", 8)
            .node(new Combine("divided", 8, Combine.Kind.DIVIDE), "a", "b")
            .node(new Combine("power", 8, Combine.Kind.POWER), "a", "b")
            .node(new Combine("product", 8, Combine.Kind.MULTIPLY), "a", "b")
            .output("divided")
            .output("power")
            .output("product")
            .build();
    float limit = 0x1p59f;
    PlanOptions wide = options().withInputBound(1e21f);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Plan.compile(new Model(graph), wide))
        .withMessageContaining("layer divided: what it reads could reach 1.00e+21")
        .withMessageContaining("Clip it");
    a[6] = 1e10f;
    b[6] = 1e10f;
    try (Plan plan = Plan.compile(new Model(graph), options().withInputBound(1e11f));
        Session session = Session.open(plan)) {
      session.set("a", a);
      session.set("b", b);
      session.step();
      assertThat(get(session, "divided", graph))
          .containsExactly(limit, -limit, 0, -2f / 3, -16, -0f, 1, 0);
      assertThat(get(session, "power", graph)).containsExactly(1, 1, 1, -8, 0, limit, limit, 0);
      assertThat(get(session, "product", graph)).containsExactly(0, -0f, 0, -6, -4, -0f, limit, 0);
    }
  }

  @Test
  void inputsAndOutputsAreTakenByTheirNames() {
    Graph graph = feedback();
    try (Plan plan = Plan.compile(new Model(graph), options());
        Session session = Session.open(plan)) {
      float[] y = new float[3];
      assertThatExceptionOfType(UnsupportedOperationException.class)
          .isThrownBy(() -> session.step(new float[2], y))
          .withMessageContaining("the model reads [x] and gives [y, x]")
          .withMessageContaining("set(name, values), step(), get(name, values)");
      assertThatExceptionOfType(IllegalStateException.class)
          .isThrownBy(session::step)
          .withMessageContaining("the inputs [x] were not set");
      assertThatExceptionOfType(IllegalStateException.class)
          .isThrownBy(() -> session.get("y", y))
          .withMessageContaining("no step yet");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.set("z", y))
          .withMessageContaining("no input is named \"z\"; the model has [x]");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.set("x", y))
          .withMessageContaining("input x has 2 values, given are 3");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.set("x", new float[] {1, Float.NaN}))
          .withMessageContaining("value of input x at 1 is NaN");
      assertThatExceptionOfType(IllegalStateException.class).isThrownBy(session::step);
      session.set("x", new float[2]);
      session.step();
      session.get("y", y);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.get("y", new float[2]))
          .withMessageContaining("room for 2 values, output y has 3");
      session.reset();
      assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> session.get("y", y));
      assertThatExceptionOfType(UnsupportedOperationException.class)
          .isThrownBy(() -> Sequence.open(plan))
          .withMessageContaining("Session.open(plan)");
    }
  }

  @Test
  void aGraphThatIsAChainRunsAsOne() {
    Model chain = TestModels.vectors(6, 20, 4, 3);
    Graph.Builder named = Graph.builder().input("audio", 6);
    String before = "audio";
    for (Layer layer : chain.layers()) {
      named.node(layer, before);
      before = layer.name();
    }
    Model model = new Model(named.output(before).build());
    assertThat(model.fingerprint()).isEqualTo(chain.fingerprint());
    try (Plan plan = Plan.compile(model, options());
        Plan reference = Plan.compile(chain, options());
        Session session = Session.open(plan);
        Session expected = Session.open(reference);
        Sequence sequence = Sequence.open(plan)) {
      float[] x = {0.1f, 0.2f, -0.3f, 0.4f, 0.5f, 0.6f};
      float[] y = new float[4];
      float[] z = new float[4];
      session.set("audio", x);
      session.step();
      session.get("c", y);
      expected.step(x, z);
      assertThat(y).isEqualTo(z);
      assertThat(sequence.run(new float[][] {x})[0]).isEqualTo(z);
      Map<String, float[]> unnamed = new HashMap<>(Map.of("input", x));
      unnamed.forEach(expected::set);
      expected.step();
      expected.get("c", z);
      session.step(x, y);
      assertThat(y).isEqualTo(z);
    }
  }
}
