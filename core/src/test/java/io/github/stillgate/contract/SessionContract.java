package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.GateEstimate;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.stage.NetworkAccess;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a session promises, whatever backend is below it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class SessionContract {
  private final Backend backend;

  protected SessionContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  static Stream<Model> tokenModels() {
    return Stream.of(
        TestModels.conditional(5, 7, 3, 1),
        TestModels.conditional(27, 64, 16, 2),
        TestModels.conditional(11, 100, 9, 3),
        TestModels.full(7, 45, 21),
        TestModels.block(11, 4, 16, 22),
        TestModels.block(9, 7, 5, 23),
        TestModels.block(27, 2, 64, 24),
        TestModels.block(5, 6, 1, 25),
        TestModels.hybrid(11, 6, 11, 26),
        TestModels.hybrid(27, 3, 32, 27),
        TestModels.gru(9, 33, 4),
        TestModels.gru(27, 128, 5),
        TestModels.resetBefore(11, 37, 61),
        TestModels.resetBefore(6, 64, 62),
        TestModels.resetBias(9, 45, 63),
        TestModels.lstm(11, 40, 9, 64),
        TestModels.lstm(7, 33, 33, 65),
        TestModels.coupled(13, 50, 66),
        TestModels.projectedFirst(9, 21, 7, 67),
        TestModels.sru(11, 37, 68),
        TestModels.sru(27, 64, 69),
        TestModels.sruOfTokens(33, 70));
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  @ParameterizedTest
  @MethodSource("tokenModels")
  void everyStepHasTheBitsOfTheReference(Model model) {
    try (Plan ours = Plan.compile(model, options());
        Plan reference = Plan.compile(model, options().withBackend("reference"))) {
      assertSameBits(ours, reference, 300);
    }
  }

  @ParameterizedTest
  @MethodSource("tokenModels")
  void skippingAndDenseRunsHaveTheSameBits(Model model) {
    try (Plan skipping = Plan.compile(model, options());
        Plan dense = Plan.compile(model, options().withSkipping(Skipping.NOTHING))) {
      assertSameBits(skipping, dense, 300);
    }
  }

  private static void assertSameBits(Plan one, Plan other, int steps) {
    int tokens = one.model().inputs();
    float[] a = new float[one.model().outputs()];
    float[] b = new float[one.model().outputs()];
    Random random = new Random(11);
    try (Session first = Session.open(one);
        Session second = Session.open(other)) {
      for (int step = 0; step < steps; step++) {
        int token = random.nextInt(tokens);
        first.step(token, a);
        second.step(token, b);
        assertThat(bits(a)).as("step %d", step).isEqualTo(bits(b));
      }
      assertThat(first.snapshot()).isEqualTo(second.snapshot());
    }
  }

  @ParameterizedTest
  @MethodSource("tokenModels")
  void aTokenIsAOneHotVector(Model model) {
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    float[] oneHot = new float[model.inputs()];
    Random random = new Random(12);
    try (Plan plan = Plan.compile(model, options());
        Session byToken = Session.open(plan);
        Session byVector = Session.open(plan)) {
      for (int step = 0; step < 200; step++) {
        int token = random.nextInt(model.inputs());
        Arrays.fill(oneHot, 0);
        oneHot[token] = 1;
        byToken.step(token, a);
        byVector.step(oneHot, b);
        assertThat(bits(a)).as("step %d", step).isEqualTo(bits(b));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("tokenModels")
  void agreesWithFloat64Arithmetic(Model model) {
    // Few steps: a chaotic random network doubles any rounding every few steps.
    assertAgreesWithFloat64(model, 6, 5e-5);
  }

  static Stream<Model> ordinaryLayers() {
    return Stream.of(
        TestModels.lstm(11, 24, 9, 111),
        TestModels.lstm(7, 33, 33, 112),
        TestModels.coupled(9, 20, 113),
        TestModels.sru(9, 21, 116),
        TestModels.sruOfTokens(19, 117),
        TestModels.resetBefore(11, 21, 114),
        TestModels.resetBias(9, 18, 115));
  }

  /** What imports are promised; projections have no other golden value than this arithmetic. */
  @ParameterizedTest
  @MethodSource("ordinaryLayers")
  void ordinaryLayersAgreeWithFloat64Closely(Model model) {
    assertAgreesWithFloat64(model, 12, 2e-6);
  }

  private void assertAgreesWithFloat64(Model model, int steps, double tolerance) {
    Float64Model exact = new Float64Model(model);
    float[] out = new float[model.outputs()];
    Random random = new Random(13);
    try (Plan plan = Plan.compile(model, options());
        Session session = Session.open(plan)) {
      for (int step = 0; step < steps; step++) {
        int token = random.nextInt(model.inputs());
        double[] oneHot = new double[model.inputs()];
        oneHot[token] = 1;
        session.step(token, out);
        double[] expected = exact.step(oneHot);
        for (int i = 0; i < out.length; i++) {
          assertThat((double) out[i])
              .as("step %d, output %d", step, i)
              .isCloseTo(expected[i], within(tolerance * Math.max(1, Math.abs(expected[i]))));
        }
      }
    }
  }

  /** The counts of what is live are of whole blocks, and only live blocks are read and written. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void stillBlocksKeepTheirBits(boolean hybrid) {
    Model model = hybrid ? TestModels.hybrid(11, 8, 6, 31) : TestModels.block(11, 8, 6, 32);
    float[] out = new float[11];
    try (Plan plan = Plan.compile(model, options());
        Session session = Session.open(plan)) {
      float[] before = state(session);
      int live = 0;
      for (int step = 0; step < 100; step++) {
        session.step(step % 11, out);
        float[] after = state(session);
        int movedBlocks = 0;
        for (int block = 0; block < 8; block++) {
          boolean moved = false;
          for (int i = 6 * block; i < 6 * block + 6; i++) {
            moved |= Float.floatToRawIntBits(before[i]) != Float.floatToRawIntBits(after[i]);
          }
          movedBlocks += moved ? 1 : 0;
        }
        assertThat(movedBlocks).isEqualTo(session.stats().liveUnits(0) / 6);
        live += session.stats().liveUnits(0);
        before = after;
      }
      assertThat(live % 6).isZero();
      assertThat(session.stats().liveFraction(0)).isStrictlyBetween(0.05, 0.95);
      assertThat(session.stats().bytesRead()).isPositive().isLessThan(plan.denseBytesPerStep());
    }
  }

  @Test
  void aboveTheCrossoverAStepReadsEverything() {
    Model model = TestModels.conditional(11, 40, 4, 8);
    float[] a = new float[11];
    float[] b = new float[11];
    try (Plan low = Plan.compile(model, options().withCrossover(0));
        Plan high = Plan.compile(model, options().withCrossover(2));
        Session dense = Session.open(low);
        Session sparse = Session.open(high)) {
      for (int step = 0; step < 50; step++) {
        dense.step(step % 11, a);
        sparse.step(step % 11, b);
        assertThat(bits(a)).isEqualTo(bits(b));
        assertThat(dense.stats().bytesRead()).isEqualTo(low.denseBytesPerStep());
        assertThat(sparse.stats().bytesRead()).isLessThan(low.denseBytesPerStep());
      }
      assertThat(dense.stats().liveFraction(0)).isEqualTo(sparse.stats().liveFraction(0));
      assertThat(low.crossover(0)).isZero();
    }
  }

  static Stream<Model> ordinaryGrus() {
    return Stream.of(
        TestModels.gru(11, 60, 101),
        TestModels.resetBias(11, 45, 102),
        TestModels.estimated(11, 45, 4, 0.25f, 105));
  }

  @ParameterizedTest
  @MethodSource("ordinaryGrus")
  void gatesBelowEpsilonHaveTheSameBitsOnEveryBackend(Model model) {
    Skipping skipping = Skipping.below(0.3f);
    try (Plan ours = Plan.compile(model, options().withSkipping(skipping));
        Plan reference =
            Plan.compile(model, options().withBackend("reference").withSkipping(skipping));
        Plan dense = Plan.compile(model, options().withSkipping(skipping).withCrossover(0))) {
      assertSameBits(ours, reference, 300);
      assertSameBits(ours, dense, 300);
    }
  }

  /** The rule, unit by unit: mass is carried, and a unit that fires moves by all of it. */
  @Test
  void aUnitFiresWhenItsCarriedGateExceedsEpsilon() {
    float epsilon = 0.6f;
    Model model = TestModels.gru(11, 33, 103);
    float[] out = new float[11];
    int still = 0;
    try (Plan plan = Plan.compile(model, options().withSkipping(Skipping.below(epsilon)));
        Plan exactPlan = Plan.compile(model, options());
        Session session = Session.open(plan);
        Session exact = Session.open(exactPlan)) {
      for (int step = 0; step < 200; step++) {
        float[] before = session.state("rnn0.h");
        float[] massBefore = session.state("rnn0.m");
        exact.state("rnn0.h", before);
        exact.step(step % 11, out);
        float[] exactAfter = exact.state("rnn0.h");
        session.step(step % 11, out);
        float[] after = session.state("rnn0.h");
        float[] mass = session.state("rnn0.m");
        for (int i = 0; i < before.length; i++) {
          if (mass[i] == 0) {
            // It moved at least as far as the exact step goes, in the same direction.
            double exactMove = exactAfter[i] - before[i];
            assertThat((after[i] - before[i]) * Math.signum(exactMove))
                .isGreaterThanOrEqualTo((float) Math.abs(exactMove) - 1e-6f);
          } else {
            still++;
            assertThat(mass[i]).isGreaterThan(massBefore[i]).isLessThanOrEqualTo(epsilon);
            assertThat(Float.floatToRawIntBits(after[i]))
                .isEqualTo(Float.floatToRawIntBits(before[i]));
          }
        }
      }
      assertThat(still).isBetween(500, 33 * 200 - 500);
      assertThat(session.stats().liveFraction(0)).isStrictlyBetween(0.05, 0.95);
      assertThat(session.stats().totalBytesRead()).isLessThan(200 * plan.denseBytesPerStep());
    }
  }

  @Test
  void anEstimateDoesNotTouchExactSteps() {
    Model estimated = TestModels.estimated(11, 45, 4, 0.25f, 105);
    try (Plan with = Plan.compile(estimated, options());
        Plan without = Plan.compile(withoutEstimates(estimated), options())) {
      assertSameBits(with, without, 100);
      assertThat(with.denseBytesPerStep()).isEqualTo(without.denseBytesPerStep());
    }
  }

  /** With a guess above any gate all gates are asked for, and the guess decides nothing. */
  @Test
  void anEstimateThatAsksForEveryGateChangesNoBit() {
    Model eager = TestModels.estimated(11, 45, 4, 1000, 105);
    PlanOptions below = options().withSkipping(Skipping.below(0.3f));
    try (Plan with = Plan.compile(eager, below);
        Plan without = Plan.compile(withoutEstimates(eager), below)) {
      assertSameBits(with, without, 200);
    }
  }

  /** With a guess below any gate no gate is read, and nothing ever moves. */
  @Test
  void anEstimateThatAsksForNoGateReadsNone() {
    Model shy = TestModels.estimated(11, 45, 4, -1000, 105);
    float[] out = new float[11];
    try (Plan plan = Plan.compile(shy, options().withSkipping(Skipping.below(0.3f)));
        Plan without =
            Plan.compile(withoutEstimates(shy), options().withSkipping(Skipping.below(0.3f)));
        Session session = Session.open(plan);
        Session all = Session.open(without)) {
      for (int step = 0; step < 50; step++) {
        session.step(step % 11, out);
        assertThat(session.state("rnn0.h")).containsOnly(0);
        all.step(step % 11, out);
        assertThat(session.stats().bytesRead()).isLessThan(all.stats().bytesRead() / 2);
      }
      assertThat(session.stats().liveFraction(0)).isZero();
    }
  }

  /** The rule, unit by unit: who is asked gathers its gate, who is not gathers the guess. */
  @Test
  void aGateIsReadOnlyIfTheGuessCouldFire() {
    float epsilon = 0.5f;
    Model model = TestModels.estimated(11, 45, 4, 0.25f, 105);
    Gru layer = (Gru) model.layers().get(0);
    GateEstimate e = layer.estimate().orElseThrow();
    float[] out = new float[11];
    int unasked = 0;
    int askedInVain = 0;
    int fired = 0;
    try (Plan plan = Plan.compile(model, options().withSkipping(Skipping.below(epsilon)));
        Session session = Session.open(plan)) {
      for (int step = 0; step < 200; step++) {
        int token = step * 7 % 11;
        float[] h = session.state("rnn0.h");
        float[] before = session.state("rnn0.m");
        session.step(token, out);
        float[] after = session.state("rnn0.m");
        float[] moved = session.state("rnn0.h");
        double[] narrow = new double[e.rank()];
        for (int k = 0; k < e.rank(); k++) {
          narrow[k] = e.wDown().at(k, token) + dot(e.uDown(), k, h);
        }
        for (int i = 0; i < h.length; i++) {
          double guess = layer.z().b().at(i, 0) + (double) e.correction();
          for (int k = 0; k < e.rank(); k++) {
            guess += e.up().at(i, k) * narrow[k];
          }
          guess = sigmoid(guess);
          double gate =
              sigmoid(
                  layer.z().w().at(i, token) + dot(layer.z().u(), i, h) + layer.z().b().at(i, 0));
          double close = 1e-4;
          if (before[i] + guess < epsilon - close) {
            unasked++;
            assertThat(after[i]).isCloseTo((float) (before[i] + guess), within(1e-4f));
            assertThat(moved[i]).isEqualTo(h[i]);
          } else if (before[i] + guess > epsilon + close) {
            if (before[i] + gate < epsilon - close) {
              askedInVain++;
              assertThat(after[i]).isCloseTo((float) (before[i] + gate), within(1e-4f));
              assertThat(moved[i]).isEqualTo(h[i]);
            } else if (before[i] + gate > epsilon + close) {
              fired++;
              assertThat(after[i]).isZero();
            }
          }
        }
      }
    }
    assertThat(unasked).isGreaterThan(200);
    assertThat(askedInVain).isGreaterThan(200);
    assertThat(fired).isGreaterThan(200);
  }

  private static double dot(Matrix matrix, int row, float[] vector) {
    double sum = 0;
    for (int i = 0; i < vector.length; i++) {
      sum += (double) matrix.at(row, i) * vector[i];
    }
    return sum;
  }

  private static double sigmoid(double v) {
    return 1 / (1 + Math.exp(-v));
  }

  private static Model withoutEstimates(Model model) {
    List<Layer> layers =
        model.layers().stream()
            .map(layer -> layer instanceof Gru g ? g.toBuilder().withoutEstimate().build() : layer)
            .toList();
    return new Model(layers, model.vocabulary().orElseThrow());
  }

  /** The smaller epsilon, the closer to the exact network. */
  @Test
  void aSmallEpsilonIsNearlyExact() {
    Model model = TestModels.gru(11, 60, 104);
    double[] errors = new double[2];
    float[] a = new float[11];
    float[] b = new float[11];
    float[] epsilons = {0.5f, 1e-4f};
    for (int k = 0; k < 2; k++) {
      try (Plan plan = Plan.compile(model, options().withSkipping(Skipping.below(epsilons[k])));
          Plan exactPlan = Plan.compile(model, options());
          Session session = Session.open(plan);
          Session exact = Session.open(exactPlan)) {
        for (int step = 0; step < 40; step++) {
          session.step(step % 11, a);
          exact.step(step % 11, b);
          for (int i = 0; i < a.length; i++) {
            errors[k] = Math.max(errors[k], Math.abs(a[i] - b[i]));
          }
        }
      }
    }
    assertThat(errors[1]).isLessThan(1e-3).isLessThan(errors[0] / 10);
  }

  @Test
  void warmUpMeasuresTheCrossover() {
    try (Plan plan = Plan.compile(TestModels.conditional(27, 96, 16, 2), options())) {
      assertThat(plan.crossover(0)).isGreaterThan(1);
      plan.warmUp();
      assertThat(plan.crossover(0)).isGreaterThanOrEqualTo(0.5);
      assertThat(plan.crossover(2)).isZero();
    }
  }

  @Test
  void vectorsRunThroughMixedLayers() {
    Model model = TestModels.vectors(19, 50, 3, 6);
    Float64Model exact = new Float64Model(model);
    Random random = new Random(14);
    float[] a = new float[3];
    float[] b = new float[3];
    float[] x = new float[19];
    try (Plan ours = Plan.compile(model, options());
        Plan reference = Plan.compile(model, options().withBackend("reference"));
        Session first = Session.open(ours);
        Session second = Session.open(reference)) {
      for (int step = 0; step < 100; step++) {
        double[] wide = new double[19];
        for (int i = 0; i < x.length; i++) {
          x[i] = (float) random.nextGaussian();
          wide[i] = x[i];
        }
        first.step(x, a);
        second.step(x, b);
        assertThat(bits(a)).as("step %d", step).isEqualTo(bits(b));
        double[] expected = exact.step(wide);
        if (step < 5) {
          assertThat((double) a[0]).isCloseTo(expected[0], within(5e-5));
        }
      }
      assertThat(first.stats().liveFraction(0)).isStrictlyBetween(0.05, 0.95);
    }
  }

  @Test
  void stillUnitsKeepTheirBitsAndLiveOnesAreCounted() {
    Model model = TestModels.conditional(11, 40, 4, 8);
    float[] out = new float[11];
    try (Plan plan = Plan.compile(model, options());
        Session session = Session.open(plan)) {
      float[] before = state(session);
      int moved = 0;
      int live = 0;
      for (int step = 0; step < 100; step++) {
        session.step(step % 11, out);
        float[] after = state(session);
        for (int i = 0; i < before.length; i++) {
          if (Float.floatToRawIntBits(before[i]) != Float.floatToRawIntBits(after[i])) {
            moved++;
          }
        }
        live += session.stats().liveUnits(0);
        before = after;
      }
      assertThat(moved).isLessThanOrEqualTo(live).isGreaterThan(live * 9 / 10);
      assertThat(live).isLessThan(100 * 40);
      assertThat(session.stats().liveFraction(0)).isEqualTo(live / 4000.0);
      assertThat(session.stats().units(0)).isEqualTo(40);
      assertThat(session.stats().units(2)).isZero();
      assertThat(session.stats().steps()).isEqualTo(100);
      assertThat(session.stats().bytesRead()).isPositive().isLessThan(plan.denseBytesPerStep());
    }
  }

  @Test
  void aSnapshotContinuesWhereItWasTaken() {
    Model model = TestModels.conditional(11, 40, 4, 9);
    float[] a = new float[11];
    float[] b = new float[11];
    try (Plan plan = Plan.compile(model, options());
        Session first = Session.open(plan);
        Session second = Session.open(plan)) {
      for (int step = 0; step < 50; step++) {
        first.step(step % 11, a);
      }
      byte[] snapshot = first.snapshot();
      second.restore(snapshot);
      for (int step = 0; step < 50; step++) {
        first.step(step % 7, a);
        second.step(step % 7, b);
        assertThat(bits(a)).isEqualTo(bits(b));
      }
      first.restore(snapshot);
      assertThat(first.snapshot()).isEqualTo(snapshot);
      first.reset();
      try (Session fresh = Session.open(plan)) {
        assertThat(first.snapshot()).isEqualTo(fresh.snapshot());
      }
    }
  }

  @Test
  void aStepAllocatesNothing() {
    Model model = TestModels.conditional(27, 96, 16, 10);
    assertAllocatesNothing(model, options());
    assertAllocatesNothing(model, options().withSkipping(Skipping.NOTHING));
  }

  static Stream<Model> composedModels() {
    return Stream.of(
        TestModels.resetBefore(27, 96, 71),
        TestModels.resetBias(27, 96, 72),
        TestModels.lstm(27, 96, 40, 73),
        TestModels.coupled(27, 96, 74),
        TestModels.sru(27, 96, 75),
        TestModels.sruOfTokens(27, 76));
  }

  @ParameterizedTest
  @MethodSource("composedModels")
  void aStepOfComposedCellsAllocatesNothing(Model model) {
    assertAllocatesNothing(model, options());
  }

  @Test
  void aStepThatCarriesGatesAllocatesNothing() {
    assertAllocatesNothing(
        TestModels.gru(27, 96, 75), options().withSkipping(Skipping.below(0.2f)));
  }

  @Test
  void aStepBelowEpsilonAllocatesNothing() {
    assertAllocatesNothing(
        TestModels.estimated(27, 96, 8, 0.25f, 75), options().withSkipping(Skipping.below(0.3f)));
  }

  /** The reference is slow, and has fewer loops to compile. */
  private void assertAllocatesNothing(Model model, PlanOptions options) {
    int steps = backend.name().equals("reference") ? 3_000 : 10_000;
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    float[] out = new float[27];
    float[] x = new float[27];
    x[3] = 1;
    try (Plan plan = Plan.compile(model, options)) {
      plan.warmUp();
      try (Session session = Session.open(plan)) {
        run(session, out, x, 2 * steps);
        long before = threads.getCurrentThreadAllocatedBytes();
        long after = threads.getCurrentThreadAllocatedBytes();
        long idle = after - before;
        before = threads.getCurrentThreadAllocatedBytes();
        run(session, out, x, steps);
        after = threads.getCurrentThreadAllocatedBytes();
        assertThat(after - before - idle).as("bytes in %d steps", steps).isZero();
      }
    }
  }

  /** Vectors only, and no warm-up: the kernels are compiled in another order than above. */
  @Test
  void aStepOnVectorsAllocatesNothingEither() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    float[] x = new float[27];
    float[] out = new float[9];
    try (Plan plan = Plan.compile(TestModels.vectors(27, 200, 9, 5), options());
        Session session = Session.open(plan)) {
      long allocated = Long.MAX_VALUE;
      // Compilation may still be under way in the first rounds.
      for (int round = 0; round < 20 && allocated > 1000; round++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int step = 0; step < 2_000; step++) {
          x[step % 27] = 1 - x[step % 27];
          session.step(x, out);
        }
        allocated = threads.getCurrentThreadAllocatedBytes() - before;
      }
      assertThat(allocated).as("bytes in 2000 steps").isLessThanOrEqualTo(1000);
    }
  }

  private static void run(Session session, float[] out, float[] x, int steps) {
    for (int step = 0; step < steps; step++) {
      session.step(step % 27, out);
      session.step(x, out);
    }
  }

  @Test
  void aSecondThreadInsideASessionIsRefused() throws InterruptedException {
    Model model = TestModels.conditional(27, 200, 16, 10);
    AtomicLong refused = new AtomicLong();
    AtomicLong wrong = new AtomicLong();
    AtomicBoolean stop = new AtomicBoolean();
    CountDownLatch ready = new CountDownLatch(2);
    try (Plan plan = Plan.compile(model, options());
        Session session = Session.open(plan)) {
      Runnable stepping =
          () -> {
            float[] out = new float[27];
            ready.countDown();
            while (!stop.get()) {
              try {
                session.step(1, out);
              } catch (IllegalStateException e) {
                if (e.getMessage().contains("another thread")) {
                  refused.incrementAndGet();
                } else {
                  wrong.incrementAndGet();
                }
              }
            }
          };
      Thread one = Thread.ofPlatform().start(stepping);
      Thread two = Thread.ofPlatform().start(stepping);
      ready.await();
      long deadline = System.nanoTime() + 20_000_000_000L;
      while (refused.get() == 0 && System.nanoTime() < deadline) {
        Thread.sleep(5);
      }
      stop.set(true);
      one.join();
      two.join();
      assertThat(refused.get()).isPositive();
      assertThat(wrong.get()).isZero();
      // Handing the session on between steps is allowed: this thread has never used it.
      session.step(1, new float[27]);
    }
  }

  @Test
  void closingAPlanUnderARunningSessionIsSafe() throws InterruptedException {
    for (int round = 0; round < 20; round++) {
      Plan plan = Plan.compile(TestModels.conditional(27, 100, 16, 10), options());
      Session session = Session.open(plan);
      CountDownLatch started = new CountDownLatch(1);
      StringBuilder message = new StringBuilder();
      Thread thread =
          Thread.ofPlatform()
              .start(() -> {
                float[] out = new float[27];
                try {
                  while (true) {
                    session.step(2, out);
                    started.countDown();
                  }
                } catch (IllegalStateException e) {
                  message.append(e.getMessage());
                }
              });
      started.await();
      plan.close();
      thread.join();
      assertThat(message.toString()).contains("plan of this session is closed");
    }
  }

  @Test
  void closedSessionsAndPlansSaySo() {
    Plan plan = Plan.compile(TestModels.gru(9, 33, 4), options());
    Session session = Session.open(plan);
    float[] out = new float[9];
    session.step(1, out);
    session.close();
    session.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> session.step(1, out))
        .withMessageContaining("session is closed");
    assertThatIllegalStateException().isThrownBy(session::snapshot);
    assertThatIllegalStateException().isThrownBy(session::reset);
    plan.close();
    plan.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> Session.open(plan))
        .withMessageContaining("plan is closed");
    assertThatIllegalStateException().isThrownBy(plan::warmUp);
  }

  @Test
  void warmUpReportsTheFirstStepBehindIt() {
    try (Plan plan = Plan.compile(TestModels.conditional(27, 64, 16, 2), options())) {
      Plan.WarmUp report = plan.warmUp();
      assertThat(report.steps()).isPositive();
      assertThat(report.firstStep()).isPositive().isLessThan(report.took());
    }
  }

  /** The state of the first layer that has one. */
  private static float[] state(Session session) {
    return session.state(NetworkAccess.of(session.plan()).stateParts().get(0).name());
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}
