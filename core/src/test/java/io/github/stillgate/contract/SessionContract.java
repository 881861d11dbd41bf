package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

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
        TestModels.activations(11, 5, 9, 28),
        TestModels.activations(27, 4, 16, 29),
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
        TestModels.sruOfTokens(33, 70),
        TestModels.conditionalDense(11, 37, 4, 77),
        TestModels.conditionalDense(27, 64, 9, 78),
        TestModels.starting(TestModels.conditional(11, 40, 4, 80), 1.5, 81),
        TestModels.starting(TestModels.gru(11, 33, 82), 0.9, 83),
        TestModels.starting(TestModels.resetBefore(11, 37, 84), 3, 85),
        TestModels.starting(TestModels.lstm(11, 40, 9, 86), 2, 87),
        TestModels.starting(TestModels.coupled(11, 30, 88), 1.5, 89),
        TestModels.starting(TestModels.sru(11, 37, 90), 2, 91));
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  @ParameterizedTest
  @MethodSource("tokenModels")
  void everyStepHasTheBitsOfTheReference(Model model) {
    try (Plan ours = Plan.compile(model, options());
        Plan reference = Plan.compile(model, options().withBackend("reference"))) {
      Steps.assertSameBits(ours, reference, 300);
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
        assertThat(Steps.bits(a)).as("step %d", step).isEqualTo(Steps.bits(b));
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
        TestModels.conditionalDense(9, 21, 4, 118),
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
        assertThat(Steps.bits(a)).as("step %d", step).isEqualTo(Steps.bits(b));
        double[] expected = exact.step(wide);
        if (step < 5) {
          assertThat((double) a[0]).isCloseTo(expected[0], within(5e-5));
        }
      }
      assertThat(first.stats().liveFraction(0)).isStrictlyBetween(0.05, 0.95);
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
        assertThat(Steps.bits(a)).isEqualTo(Steps.bits(b));
      }
      first.restore(snapshot);
      assertThat(first.snapshot()).isEqualTo(snapshot);
      first.reset();
      try (Session fresh = Session.open(plan)) {
        assertThat(first.snapshot()).isEqualTo(fresh.snapshot());
      }
    }
  }
}
