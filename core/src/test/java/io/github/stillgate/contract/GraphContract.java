package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Constant;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Session;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
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
          assertThat(Steps.bits(Steps.output(session, output)))
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
            assertThat(Steps.bits(actual)).isEqualTo(Steps.bits(Steps.output(alone[i], output)));
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

  /** Reads x and gives y, which it remembers, and x. */
  static Graph feedback() {
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
            int[] bits = Steps.bits(Steps.output(expected, output));
            float[] inBatch = new float[graph.width(output)];
            stream.get(output, inBatch);
            assertThat(Steps.bits(Steps.output(session, output)))
                .as("%s, step %d, %s", format, step, output)
                .isEqualTo(bits);
            assertThat(Steps.bits(inBatch)).isEqualTo(bits);
          }
        }
        assertThat(session.snapshot()).isEqualTo(expected.snapshot());
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
        assertThat(Steps.output(session, "sum"))
            .containsExactly(three + 3, step < 3 ? 4 : 4 - (step - 3));
        assertThat(Steps.output(session, "one")).containsExactly(step, step == 0 ? 0 : 1 - step);
        boolean even = step % 2 == 0;
        assertThat(Steps.output(session, "old")).containsExactly(even ? 5 : 7, even ? 6 : 8);
        assertThat(Steps.output(session, "new")).containsExactly(even ? 7 : 5, even ? 8 : 6);
      }
    }
  }
}
