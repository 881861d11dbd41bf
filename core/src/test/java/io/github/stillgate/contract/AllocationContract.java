package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.OperandRole;
import io.github.stillgate.core.model.OperandScales;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.plan.Threads;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Session;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * That a compiled step allocates nothing, whatever backend is below it.
 *
 * <p>The build runs it in a JVM of its own without assertions, as users run the library: the checks
 * that {@code -ea} turns on are inlined around the kernels and change what C2 does with them.
 */
@Tag("allocation")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class AllocationContract {
  private static final int TOKENS = 27;
  private static final int ROUNDS = 30;
  private static final Threads ALL_SHARED = Threads.of(2).withLeastBytes(0);

  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private final Backend backend;

  protected AllocationContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  static Stream<Model> models() {
    return Stream.of(
        TestModels.conditional(TOKENS, 96, 16, 10),
        TestModels.full(TOKENS, 45, 21),
        TestModels.block(TOKENS, 4, 16, 22),
        TestModels.hybrid(TOKENS, 3, 32, 27),
        TestModels.activations(TOKENS, 4, 10, 77),
        TestModels.gru(TOKENS, 40, 75),
        TestModels.gru(TOKENS, 128, 5),
        TestModels.resetBefore(TOKENS, 40, 71),
        TestModels.resetBias(TOKENS, 40, 72),
        TestModels.lstm(TOKENS, 40, 20, 73),
        TestModels.coupled(TOKENS, 40, 74),
        TestModels.sru(TOKENS, 40, 75),
        TestModels.sruOfTokens(TOKENS, 76),
        TestModels.conditionalDense(TOKENS, 40, 7, 79),
        ZeroedRows.of(TestModels.lstm(TOKENS, 40, 20, 351), ZeroedRows.random(352, 0.4)));
  }

  @ParameterizedTest
  @MethodSource("models")
  void aStepAllocatesNothing(Model model) {
    assertAllocatesNothing(model, options());
  }

  static Stream<Model> wholeModels() {
    return Stream.of(
        TestModels.gru(TOKENS, 40, 75),
        TestModels.gru(TOKENS, 128, 5),
        TestModels.resetBefore(TOKENS, 40, 71),
        TestModels.lstm(TOKENS, 40, 20, 73),
        TestModels.sru(TOKENS, 40, 75));
  }

  @ParameterizedTest
  @MethodSource("wholeModels")
  void aStepOverInt8AllocatesNothing(Model model) {
    assertAllocatesNothing(model, options().withWeights(WeightFormat.I8));
  }

  @Test
  void aStepThatClampsAllocatesNothing() {
    OperandScales scales =
        OperandScales.NONE.with("rnn1", OperandRole.STATE, OperandScales.reaching(0.1f));
    Model model = TestModels.coupled(TOKENS, 40, 74).withOperandScales(scales);
    assertAllocatesNothing(model, options().withWeights(WeightFormat.I8));
  }

  @Test
  void aStepThatSkipsNothingAllocatesNothing() {
    assertAllocatesNothing(
        TestModels.conditional(TOKENS, 96, 16, 10), options().withSkipping(Skipping.NOTHING));
  }

  @Test
  void aStepThatCarriesGatesAllocatesNothing() {
    assertAllocatesNothing(
        TestModels.gru(TOKENS, 40, 75), options().withSkipping(Skipping.below(0.2f)));
  }

  @Test
  void aStepBelowEpsilonAllocatesNothing() {
    assertAllocatesNothing(
        TestModels.estimated(TOKENS, 40, 8, 0.25f, 75),
        options().withSkipping(Skipping.below(0.3f)));
  }

  static Stream<Model> gatedModels() {
    return Stream.of(
        TestModels.conditional(TOKENS, 96, 16, 10),
        TestModels.hybrid(TOKENS, 3, 32, 27),
        TestModels.conditionalDense(TOKENS, 40, 7, 79));
  }

  @ParameterizedTest
  @MethodSource("gatedModels")
  void aStepWithBoundedUnitsAllocatesNothing(Model model) {
    assertAllocatesNothing(model, options().withMaxLive(32));
  }

  @Test
  void aStepWithBoundedMovementAllocatesNothing() {
    assertAllocatesNothing(
        TestModels.gru(TOKENS, 128, 5), options().withWeights(WeightFormat.I8).withMaxMoved(9));
  }

  /** Nor do workers: what they allocate is counted with what the stream's thread does. */
  @ParameterizedTest
  @EnumSource(WeightFormat.class)
  void aStepOfSeveralThreadsAllocatesNothing(WeightFormat format) {
    PlanOptions options = options().withWeights(format).withThreads(ALL_SHARED);
    assertAllocatesNothing(TestModels.gru(TOKENS, 200, 5), options);
    assertAllocatesNothing(TestModels.conditional(TOKENS, 96, 16, 10), options);
  }

  private void assertAllocatesNothing(Model model, PlanOptions options) {
    float[] out = new float[model.outputs()];
    float[] x = new float[TOKENS];
    x[3] = 1;
    try (Plan plan = Plan.compile(model, options)) {
      plan.warmUp();
      try (Session session = Session.open(plan)) {
        assertAllocatesNothing(
            Workers.of(plan),
            step -> {
              session.step(step % TOKENS, out);
              session.step(x, out);
            });
      }
    }
  }

  /** Plans of all formats in one JVM: what is compiled for one must not spoil another. */
  @Test
  void formatsThatTakeTurnsAllocateNothing() {
    float[] out = new float[TOKENS];
    List<Plan> plans = new ArrayList<>();
    List<Session> sessions = new ArrayList<>();
    try {
      for (WeightFormat format : WeightFormat.values()) {
        for (Model model :
            List.of(TestModels.conditional(TOKENS, 96, 16, 10), TestModels.gru(TOKENS, 96, 5))) {
          plans.add(Plan.compile(model, options().withWeights(format)));
          plans.getLast().warmUp(Set.of(Plan.Use.STREAM));
          sessions.add(Session.open(plans.getLast()));
        }
      }
      assertAllocatesNothing(step -> {
        for (int i = 0; i < sessions.size(); i++) {
          sessions.get(i).step(step % TOKENS, out);
        }
      });
    } finally {
      sessions.forEach(Session::close);
      plans.forEach(Plan::close);
    }
  }

  /** Vectors only, and no warm-up: the kernels are compiled in another order than above. */
  @Test
  void aStepOnVectorsAllocatesNothing() {
    float[] x = new float[TOKENS];
    float[] out = new float[9];
    try (Plan plan = Plan.compile(TestModels.vectors(TOKENS, 200, 9, 5), options());
        Session session = Session.open(plan)) {
      assertAllocatesNothing(step -> {
        x[step % TOKENS] = 1 - x[step % TOKENS];
        session.step(x, out);
      });
    }
  }

  /** Of a graph that has every kind of layer made for graphs, a state, and two outputs. */
  @Test
  void aStepOfAGraphAllocatesNothing() {
    Graph graph = TestModels.graph(TOKENS, 40, 11);
    float[] x = new float[TOKENS];
    float[] out = new float[40];
    float[] y = new float[TOKENS];
    try (Plan plan = Plan.compile(new Model(graph), options())) {
      plan.warmUp();
      try (Session session = Session.open(plan)) {
        assertAllocatesNothing(step -> {
          x[step % TOKENS] = 1 - x[step % TOKENS];
          session.set("x", x);
          session.set("more", out);
          session.step();
          session.get("h", out);
          session.get("y", y);
        });
      }
    }
  }

  /** Operations in other orders, with groups and initial states, and values of any width. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void aStepOfAGraphOfOperationsAllocatesNothing(long seed) {
    Graph graph = RandomGraphs.of(seed);
    List<String> inputs = graph.inputs().stream().map(Graph.Value::name).toList();
    List<float[]> given = graph.inputs().stream().map(input -> new float[input.width()]).toList();
    String output = graph.outputs().getFirst();
    float[] out = new float[graph.width(output)];
    try (Plan plan = Plan.compile(new Model(graph), options())) {
      plan.warmUp();
      try (Session session = Session.open(plan)) {
        assertAllocatesNothing(step -> {
          for (int i = 0; i < inputs.size(); i++) {
            given.get(i)[0] = step % 7;
            session.set(inputs.get(i), given.get(i));
          }
          session.step();
          session.get(output, out);
        });
      }
    }
  }

  @Test
  void aBatchStepAllocatesNothing() {
    float[] out = new float[TOKENS];
    try (Plan plan = Plan.compile(TestModels.block(TOKENS, 4, 16, 10), options());
        BatchSession batch = BatchSession.open(plan, 9)) {
      BatchSession.Stream[] streams = new BatchSession.Stream[9];
      for (int i = 0; i < 9; i++) {
        streams[i] = batch.join();
      }
      assertAllocatesNothing(step -> {
        for (int i = 0; i < 9; i++) {
          streams[i].feed((step + i) % TOKENS);
        }
        batch.step();
        streams[step % 9].read(out);
      });
    }
  }

  /** Compilation may still be under way in the first rounds; what a step allocates, all have. */
  private void assertAllocatesNothing(IntConsumer step) {
    assertAllocatesNothing(List.of(), step);
  }

  private void assertAllocatesNothing(List<Thread> workers, IntConsumer step) {
    int steps = backend.name().equals("reference") ? 500 : 2_000;
    long least = Long.MAX_VALUE;
    for (int round = 0; round < ROUNDS && least > 0; round++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      long idle = threads.getCurrentThreadAllocatedBytes() - before;
      long helped = Workers.allocatedBytes(workers);
      before = threads.getCurrentThreadAllocatedBytes();
      run(step, steps);
      long own = threads.getCurrentThreadAllocatedBytes() - before - idle;
      least = Math.min(least, own + Workers.allocatedBytes(workers) - helped);
    }
    if (least > 0) {
      fail(
          "%d bytes in %d steps on %s, %s:%n%s",
          least,
          steps,
          backend.name(),
          backend.availability(),
          AllocationTrace.of(() -> run(step, steps)));
    }
  }

  private static void run(IntConsumer step, int steps) {
    for (int i = 0; i < steps; i++) {
      step.accept(i);
    }
  }
}
