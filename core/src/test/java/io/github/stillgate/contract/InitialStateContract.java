package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.model.InitialState;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.OperandRole;
import io.github.stillgate.core.model.OperandScales;
import io.github.stillgate.core.plan.OperandScale;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Where streams begin and what a reset returns to, whatever backend is below it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class InitialStateContract {
  private static final int STEPS = 20;

  private final Backend backend;

  /** The contract of {@code backend}. */
  protected InitialStateContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  /** Within what the equations reach, and beyond it. */
  static Stream<Model> models() {
    return Stream.of(0.75, 2.5)
        .flatMap(most ->
            Stream.of(
                    TestModels.conditional(7, 19, 3, 501),
                    TestModels.block(7, 3, 16, 502),
                    TestModels.gru(7, 21, 503),
                    TestModels.resetBefore(7, 18, 504),
                    TestModels.lstm(7, 20, 6, 505),
                    TestModels.sru(7, 22, 506),
                    TestModels.coupled(7, 17, 507))
                .map(model -> TestModels.starting(model, most, 508)));
  }

  @ParameterizedTest
  @MethodSource("models")
  void aStreamBeginsThereAndReturns(Model model) {
    compare(model, options());
  }

  /** Sums that are kept from step to step follow the state back. */
  @ParameterizedTest
  @MethodSource("models")
  void soItDoesInInt8(Model model) {
    compare(model, options().withWeights(WeightFormat.I8));
  }

  /** Whose units carry a mass besides, which begins with zeros. */
  @Test
  void soItDoesBelowEpsilon() {
    compare(
        TestModels.starting(TestModels.estimated(7, 19, 3, 0.25f, 509), 1.5, 510),
        options().withSkipping(Skipping.below(0.3f)));
  }

  /**
   * Opening, resetting, joining and running all have the bits of a stream that was set to the state
   * by hand, in a plan whose bound on the state allows it.
   */
  private void compare(Model model, PlanOptions options) {
    float[][] input = input(model);
    try (Plan plan = Plan.compile(model, options);
        Session byHand = Session.open(plan);
        Session session = Session.open(plan);
        BatchSession batch = BatchSession.open(plan, 2);
        Sequence sequence = Sequence.open(plan)) {
      byte[] opened = session.snapshot();
      for (Layer layer : model.layers()) {
        set(byHand, layer.name() + ".h", layer.initialState().h());
        set(byHand, layer.name() + ".c", layer.initialState().c());
      }
      assertThat(opened).isEqualTo(byHand.snapshot());
      float[][] expected = run(byHand, input);
      assertSame(run(session, input), expected);
      session.reset();
      assertThat(session.snapshot()).isEqualTo(opened);
      assertSame(run(session, input), expected);
      session.restore(opened);
      assertSame(run(session, input), expected);
      assertSame(sequence.run(input), expected);
      sequence.reset();
      assertSame(sequence.run(input), expected);
      BatchSession.Stream first = batch.join();
      assertSame(run(batch, first, input), expected);
      first.reset();
      assertThat(first.snapshot()).isEqualTo(opened);
      first.leave();
      assertSame(run(batch, batch.join(), input), expected);
    }
  }

  private static void set(Session session, String state, Optional<Matrix> values) {
    values.ifPresent(vector -> {
      float[] expected = vector.toArray();
      for (int i = 0; i < expected.length; i++) {
        expected[i] = Elementary.flush(expected[i]);
      }
      assertThat(session.state(state)).as(state).isEqualTo(expected);
      session.state(state, new float[expected.length]);
      session.state(state, vector.toArray());
    });
  }

  private static float[][] input(Model model) {
    Random random = new Random(511);
    float[][] input = new float[STEPS][model.inputs()];
    for (float[] step : input) {
      step[random.nextInt(step.length)] = 1;
    }
    return input;
  }

  private static float[][] run(Session session, float[][] input) {
    float[][] output = new float[STEPS][session.plan().model().outputs()];
    for (int t = 0; t < STEPS; t++) {
      session.step(input[t], output[t]);
    }
    return output;
  }

  private static float[][] run(BatchSession batch, BatchSession.Stream stream, float[][] input) {
    float[][] output = new float[STEPS][batch.plan().model().outputs()];
    for (int t = 0; t < STEPS; t++) {
      stream.feed(input[t]);
      batch.step();
      stream.read(output[t]);
    }
    return output;
  }

  private static void assertSame(float[][] output, float[][] expected) {
    for (int t = 0; t < STEPS; t++) {
      assertThat(Steps.bits(output[t])).as("step %d", t).isEqualTo(Steps.bits(expected[t]));
    }
  }

  /** A direction that reads from the end begins there. */
  @Test
  void eachDirectionBeginsInItsOwn() {
    Model model = TestModels.starting(TestModels.bidirectional(5, 9, 512), 2, 513);
    Random random = new Random(514);
    float[][] input = new float[STEPS][5];
    double[][] same = new double[STEPS][5];
    for (int t = 0; t < STEPS; t++) {
      for (int i = 0; i < 5; i++) {
        same[t][i] = input[t][i] = random.nextFloat() - 0.5f;
      }
    }
    double[][] expected = Float64Model.sequence(model, same);
    try (Plan plan = Plan.compile(model, options());
        Sequence sequence = Sequence.open(plan)) {
      float[][] output = sequence.run(input);
      for (int t = 0; t < STEPS; t++) {
        for (int i = 0; i < model.outputs(); i++) {
          assertThat((double) output[t][i]).isCloseTo(expected[t][i], within(1e-5));
        }
      }
    }
  }

  /** 1/127 is for states that are proved to lie within [-1, 1]; where they began, too. */
  @Test
  void anInt8PlanProvesNoScaleOfAStateThatBeginsBeyondOne() {
    assertThat(stateScales(0.9, OperandScales.NONE))
        .containsOnly(new Scale(OperandScale.Origin.PROVED, 1f / 127));
    assertThat(stateScales(1.5, OperandScales.NONE))
        .containsOnly(new Scale(OperandScale.Origin.EACH_STEP, 0));
    assertThat(stateScales(1.5, OperandScales.NONE.with("rnn0", OperandRole.STATE, 1.25f / 127)))
        .containsExactly(new Scale(OperandScale.Origin.CALIBRATED, 1.25f / 127));
  }

  private record Scale(OperandScale.Origin origin, float scale) {}

  private List<Scale> stateScales(double most, OperandScales found) {
    Model model = TestModels.starting(TestModels.gru(7, 21, 515), most, 516);
    try (Plan plan =
        Plan.compile(model.withOperandScales(found), options().withWeights(WeightFormat.I8))) {
      return plan.operandScales().stream()
          .filter(scale -> scale.operand() == OperandRole.STATE)
          .map(scale -> new Scale(scale.origin(), scale.scale()))
          .toList();
    }
  }

  /** Neither the bound on the state nor that on the sums forgets where it begins. */
  @Test
  void whatBeginsFarOutIsBoundedThere() {
    Model model = TestModels.starting(TestModels.gru(7, 21, 517), 40, 518);
    try (Plan plan = Plan.compile(model, options());
        Session session = Session.open(plan)) {
      String state = plan.stateNames().getFirst();
      session.state(state, filled(21, 40));
      assertThatThrownBy(() -> session.state(state, filled(21, 40.001f)))
          .hasMessageContaining("within plus and minus 40.0");
    }
    Model beyond = TestModels.starting(TestModels.gru(7, 21, 519), 1e38, 520);
    assertThatThrownBy(() -> Plan.compile(beyond, options()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("overflow float32");
  }

  /** A state that was recorded elsewhere: the values of a plan do not depend on what it may be. */
  @Test
  void aWiderStateBoundTakesStatesThatTheLayerDoesNotReach() {
    for (Model model : List.of(TestModels.gru(7, 21, 530), TestModels.lstm(7, 21, 13, 531))) {
      PlanOptions wide = options().withStateBound(3);
      assertThat(wide).isNotEqualTo(options()).isEqualTo(options().withStateBound(3));
      assertThat(wide.toString()).contains("states up to 3.0");
      float[] input = filled(7, 0.5f);
      try (Plan narrow = Plan.compile(model, options());
          Plan plan = Plan.compile(model, wide);
          Session session = Session.open(plan);
          Session other = Session.open(narrow)) {
        String state = plan.stateNames().getFirst();
        assertThatThrownBy(() -> other.state(state, filled(21, 2.5f)))
            .hasMessageContaining("withStateBound");
        assertThatThrownBy(() -> session.state(state, filled(21, 3.5f)))
            .hasMessageContaining("within plus and minus 3.0");
        float[] a = new float[model.outputs()];
        float[] b = new float[model.outputs()];
        session.step(input, a);
        other.step(input, b);
        assertThat(a).isEqualTo(b);
        session.state(state, filled(21, 2.5f));
        byte[] kept = session.snapshot();
        session.step(input, a);
        assertThat(a).isNotEqualTo(b);
        session.restore(kept);
        session.step(input, b);
        assertThat(a).isEqualTo(b);
        assertThatThrownBy(() -> other.restore(kept)).hasMessageContaining("withStateBound");
      }
    }
    assertThatThrownBy(() -> options().withStateBound(Float.NaN)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> options().withStateBound(-1)).hasMessageContaining("-1");
  }

  private static float[] filled(int width, float value) {
    float[] values = new float[width];
    Arrays.fill(values, value);
    return values;
  }

  @Test
  void nothingIsKeptWhereThereIsNoState() {
    Layer dense = TestModels.gru(7, 21, 521).layers().getLast();
    assertThatThrownBy(
            () -> dense.withInitialState(InitialState.ofHidden(Matrix.vector("h", new float[7]))))
        .hasMessageContaining("layer out keeps no state of its own");
  }
}
