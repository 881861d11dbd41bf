package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a plan that skips promises, exactly or below epsilon, whatever backend is below it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class SkippingContract {
  private final Backend backend;

  protected SkippingContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  static Stream<Model> unitsOneByOne() {
    return Stream.of(TestModels.conditional(11, 40, 4, 8), TestModels.activations(11, 8, 5, 33));
  }

  @ParameterizedTest
  @MethodSource("unitsOneByOne")
  void stillUnitsKeepTheirBitsAndLiveOnesAreCounted(Model model) {
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
      assertThat(session.stats().units(model.layers().size() - 1)).isZero();
      assertThat(session.stats().steps()).isEqualTo(100);
      assertThat(session.stats().bytesRead()).isPositive().isLessThan(plan.denseBytesPerStep());
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
        assertThat(Steps.bits(a)).isEqualTo(Steps.bits(b));
        assertThat(dense.stats().bytesRead()).isEqualTo(low.denseBytesPerStep());
        assertThat(sparse.stats().bytesRead()).isLessThan(low.denseBytesPerStep());
      }
      assertThat(dense.stats().liveFraction(0)).isEqualTo(sparse.stats().liveFraction(0));
      assertThat(low.crossover(0)).isZero();
    }
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

  @ParameterizedTest
  @MethodSource("io.github.stillgate.contract.SessionContract#tokenModels")
  void skippingAndDenseRunsHaveTheSameBits(Model model) {
    try (Plan skipping = Plan.compile(model, options());
        Plan dense = Plan.compile(model, options().withSkipping(Skipping.NOTHING))) {
      Steps.assertSameBits(skipping, dense, 300);
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
      Steps.assertSameBits(ours, reference, 300);
      Steps.assertSameBits(ours, dense, 300);
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
      Steps.assertSameBits(with, without, 100);
      assertThat(with.denseBytesPerStep()).isEqualTo(without.denseBytesPerStep());
    }
  }

  /** With an estimate above any gate all gates are asked for, and the estimate decides nothing. */
  @Test
  void anEstimateThatAsksForEveryGateChangesNoBit() {
    Model eager = TestModels.estimated(11, 45, 4, 1000, 105);
    PlanOptions below = options().withSkipping(Skipping.below(0.3f));
    try (Plan with = Plan.compile(eager, below);
        Plan without = Plan.compile(withoutEstimates(eager), below)) {
      Steps.assertSameBits(with, without, 200);
    }
  }

  /** With an estimate below any gate no gate is read, and nothing ever moves. */
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

  /** The rule, unit by unit: who is asked gathers its gate, who is not gathers the estimate. */
  @Test
  void aGateIsReadOnlyIfTheEstimateCouldFire() {
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
          double estimated = layer.z().b().at(i, 0) + (double) e.correction();
          for (int k = 0; k < e.rank(); k++) {
            estimated += e.up().at(i, k) * narrow[k];
          }
          estimated = sigmoid(estimated);
          double gate =
              sigmoid(
                  layer.z().w().at(i, token) + dot(layer.z().u(), i, h) + layer.z().b().at(i, 0));
          double close = 1e-4;
          if (before[i] + estimated < epsilon - close) {
            unasked++;
            assertThat(after[i]).isCloseTo((float) (before[i] + estimated), within(1e-4f));
            assertThat(moved[i]).isEqualTo(h[i]);
          } else if (before[i] + estimated > epsilon + close) {
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

  /** The state of the first layer that has one. */
  private static float[] state(Session session) {
    return session.state(NetworkAccess.of(session.plan()).stateParts().get(0).name());
  }
}
