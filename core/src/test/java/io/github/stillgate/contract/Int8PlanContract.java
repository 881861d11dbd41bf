package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What int8 plans promise, whatever backend is below them: the bits of the reference through
 * tokens, vectors, resets, snapshots, batches and sequences, whether all that moved is sent or some
 * of it waits.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class Int8PlanContract {
  private final Backend backend;

  /** The contract of {@code backend}. */
  protected Int8PlanContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  /** A model under some options. */
  private record Case(Model model, String name, UnaryOperator<PlanOptions> change) {
    PlanOptions options(String backend) {
      return change.apply(PlanOptions.defaults().withBackend(backend).withWeights(WeightFormat.I8));
    }

    @Override
    public String toString() {
      return model.layers() + ", " + name;
    }
  }

  static Stream<Case> cases() {
    return Stream.of(
            TestModels.conditional(11, 40, 4, 401),
            TestModels.gru(11, 100, 404),
            TestModels.gru(27, 128, 414),
            TestModels.resetBefore(11, 37, 405),
            TestModels.resetBias(11, 70, 415),
            TestModels.lstm(11, 40, 9, 406),
            TestModels.coupled(11, 30, 407),
            TestModels.projectedFirst(11, 21, 7, 417),
            TestModels.sru(11, 37, 408),
            TestModels.sruOfTokens(11, 418),
            TestModels.conditionalDense(11, 37, 4, 413),
            TestModels.starting(TestModels.gru(11, 100, 419), 0.9, 420),
            TestModels.starting(TestModels.lstm(11, 40, 9, 421), 2, 422))
        .flatMap(model ->
            Stream.of(
                new Case(model, "all", options -> options),
                new Case(model, "above 9", options -> options.withMovementThreshold(9)),
                new Case(model, "at most 5", options -> options.withMaxMoved(5)),
                new Case(
                    model,
                    "at most 3 above 20 in the first layer",
                    options ->
                        options
                            .withMovementThreshold(model.layers().getFirst().name(), 20)
                            .withMaxMoved(3))));
  }

  /** Through tokens, vectors, resets and snapshots. */
  @ParameterizedTest
  @MethodSource("cases")
  void everyStepHasTheBitsOfTheReference(Case given) {
    Model model = given.model;
    Random random = new Random(409);
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    float[] x = new float[model.inputs()];
    try (Plan first = Plan.compile(model, given.options(backend.name()));
        Plan second = Plan.compile(model, given.options("reference"));
        Session left = Session.open(first);
        Session right = Session.open(second)) {
      byte[] snapshot = left.snapshot();
      for (int step = 0; step < 120; step++) {
        switch (random.nextInt(8)) {
          case 0 -> {
            left.reset();
            right.reset();
          }
          case 1 -> snapshot = right.snapshot();
          case 2 -> {
            left.restore(snapshot);
            right.restore(snapshot);
          }
          case 3, 4 -> {
            int token = random.nextInt(model.inputs());
            left.step(token, a);
            right.step(token, b);
          }
          default -> {
            for (int i = 0; i < x.length; i++) {
              if (random.nextInt(4) == 0) {
                x[i] = (float) random.nextDouble(-1, 1);
              }
            }
            left.step(x, a);
            right.step(x, b);
          }
        }
        assertThat(Steps.bits(a)).as("step %d", step).isEqualTo(Steps.bits(b));
      }
      assertThat(left.snapshot()).isEqualTo(right.snapshot());
    }
  }

  /** A session that was restored has sent nothing yet, and gives the bits of one that has. */
  @ParameterizedTest
  @MethodSource("cases")
  void theBitsDoNotDependOnWhatWasSentBefore(Case given) {
    Model model = given.model;
    Random random = new Random(410);
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    float[] x = new float[model.inputs()];
    try (Plan plan = Plan.compile(model, given.options(backend.name()));
        Session running = Session.open(plan)) {
      for (int step = 0; step < 30; step++) {
        x[random.nextInt(x.length)] = (float) random.nextDouble(-1, 1);
        try (Session fresh = Session.open(plan)) {
          fresh.restore(running.snapshot());
          fresh.step(x, b);
        }
        running.step(x, a);
        assertThat(Steps.bits(a)).as("step %d", step).isEqualTo(Steps.bits(b));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aTokenIsAOneHotVector(Case given) {
    Model model = given.model;
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    try (Plan plan = Plan.compile(model, given.options(backend.name()));
        Session tokens = Session.open(plan);
        Session vectors = Session.open(plan)) {
      for (int step = 0; step < 40; step++) {
        float[] oneHot = new float[model.inputs()];
        oneHot[step * 3 % model.inputs()] = 1;
        tokens.step(step * 3 % model.inputs(), a);
        vectors.step(oneHot, b);
        assertThat(Steps.bits(a)).as("step %d", step).isEqualTo(Steps.bits(b));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void batchesAndSequencesHaveTheBitsOfASession(Case given) {
    Model model = given.model;
    int steps = 40;
    Random random = new Random(411);
    float[][] x = new float[steps][model.inputs()];
    for (float[] vector : x) {
      for (int i = 0; i < vector.length; i++) {
        vector[i] = random.nextInt(3) == 0 ? (float) random.nextDouble(-1, 1) : 0;
      }
    }
    float[] expected = new float[model.outputs()];
    float[] found = new float[model.outputs()];
    try (Plan plan = Plan.compile(model, given.options(backend.name()));
        Session session = Session.open(plan);
        Sequence sequence = Sequence.open(plan);
        BatchSession batch = BatchSession.open(plan, 4)) {
      float[][] whole = sequence.run(x);
      BatchSession.Stream stream = batch.join();
      BatchSession.Stream[] mates = {batch.join(), batch.join()};
      for (int t = 0; t < steps; t++) {
        session.step(x[t], expected);
        stream.feed(x[t]);
        for (BatchSession.Stream mate : mates) {
          mate.feed(random.nextInt(model.inputs()));
        }
        batch.step();
        stream.read(found);
        assertThat(Steps.bits(found)).as("batch, step %d", t).isEqualTo(Steps.bits(expected));
        assertThat(Steps.bits(whole[t])).as("sequence, step %d", t).isEqualTo(Steps.bits(expected));
      }
    }
  }

  private PlanOptions int8() {
    return PlanOptions.defaults().withBackend(backend.name()).withWeights(WeightFormat.I8);
  }

  /** The bits that numpy and plain integers give, and no code of this library. */
  @Test
  void bitsAreThoseOfPlainIntegers() {
    assertBits("all", int8());
    assertBits("all", int8().withSkipping(Skipping.NOTHING));
    assertBits("above_9", int8().withMovementThreshold(9));
    assertBits("at_most_5", int8().withMaxMoved(5));
  }

  private static void assertBits(String expected, PlanOptions options) {
    float[][] inputs = Int8Vectors.vectors("input");
    float[][] outputs = Int8Vectors.vectors(expected);
    float[] found = new float[outputs[0].length];
    try (Plan plan = Plan.compile(Int8Vectors.network(), options);
        Session session = Session.open(plan)) {
      for (int step = 0; step < inputs.length; step++) {
        session.step(inputs[step], found);
        assertThat(Steps.bits(found))
            .as("%s, step %d", options, step)
            .isEqualTo(Steps.bits(outputs[step]));
      }
    }
  }

  /** What is left out changes nothing: neither columns nor rows. */
  @ParameterizedTest
  @MethodSource("cases")
  void nothingSkippedHasTheSameBits(Case given) {
    Model model = given.model;
    Random random = new Random(423);
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    float[] x = new float[model.inputs()];
    PlanOptions options = given.options(backend.name());
    try (Plan skipping = Plan.compile(model, options);
        Plan whole = Plan.compile(model, options.withSkipping(Skipping.NOTHING));
        Session left = Session.open(skipping);
        Session right = Session.open(whole)) {
      for (int step = 0; step < 30; step++) {
        x[random.nextInt(x.length)] = (float) random.nextDouble(-1, 1);
        left.step(x, a);
        right.step(x, b);
        assertThat(Steps.bits(a)).as("step %d", step).isEqualTo(Steps.bits(b));
      }
      for (int layer = 0; given.name.equals("all") && layer < left.stats().layers(); layer++) {
        assertThat(right.stats().movedFraction(layer)).as("layer %d", layer).isEqualTo(1);
        if (left.stats().movedFraction(layer) < 1) {
          long least = left.stats().totalBytesRead();
          assertThat(right.stats().totalBytesRead()).isGreaterThan(least);
        }
      }
    }
  }

  /** A bound that is never reached changes nothing. */
  @Test
  void whatIsNeverCutIsWhole() {
    Model model = TestModels.gru(11, 70, 419);
    Random random = new Random(420);
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    float[] x = new float[model.inputs()];
    try (Plan whole = Plan.compile(model, int8());
        Plan bounded = Plan.compile(model, int8().withMaxMoved(70));
        Session left = Session.open(whole);
        Session right = Session.open(bounded)) {
      for (int step = 0; step < 50; step++) {
        x[random.nextInt(x.length)] = (float) random.nextDouble(-1, 1);
        left.step(x, a);
        right.step(x, b);
        assertThat(Steps.bits(a)).as("step %d", step).isEqualTo(Steps.bits(b));
      }
      assertThat(right.stats().valuesHeldBack(0)).isZero();
    }
  }

  /** The states of a step that nobody bounds cannot move further from one that does. */
  @Test
  void lessIsReadAndOutputsStayClose() {
    Model model = TestModels.gru(11, 70, 419);
    Random random = new Random(421);
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    float[] x = new float[model.inputs()];
    try (Plan whole = Plan.compile(model, int8());
        Plan lagging = Plan.compile(model, int8().withMovementThreshold(4));
        Plan bounded = Plan.compile(model, int8().withMaxMoved(8));
        Session exact = Session.open(whole);
        Session close = Session.open(lagging);
        Session cut = Session.open(bounded)) {
      double apart = 0;
      for (int step = 0; step < 300; step++) {
        x[random.nextInt(x.length)] = (float) random.nextDouble(-1, 1);
        exact.step(x, a);
        close.step(x, b);
        for (int i = 0; i < a.length; i++) {
          apart = Math.max(apart, Math.abs(a[i] - b[i]));
        }
        cut.step(x, b);
        // Inputs have no fixed scale here: their 11 columns are read whole, of states at most 8.
        assertThat(cut.stats().bytesRead()).isLessThanOrEqualTo(cutBytes(whole, model, 8));
      }
      assertThat(apart).isStrictlyBetween(0.0, 0.2);
      assertThat(close.stats().totalBytesRead()).isLessThan(exact.stats().totalBytesRead());
      assertThat(close.stats().movedFraction(0)).isLessThan(exact.stats().movedFraction(0));
      assertThat(cut.stats().valuesHeldBack(0)).isPositive();
      assertThat(close.stats().valuesHeldBack(0)).isZero();
    }
  }

  private static long cutBytes(Plan whole, Model model, int most) {
    int units = model.layers().getFirst().outputs();
    return whole.denseBytesPerStep() - 3L * units * (units - most);
  }

  /** What is proved to lie within less than 1 is rounded to no more, so that bounds hold. */
  @Test
  void aRoundedValueStaysWithinItsBound() {
    Matrix one = Matrix.of("one", 1, 1, 1);
    Matrix zero = Matrix.of("zero", 1, 1, 0);
    Matrix none = Matrix.vector("none", 0);
    Model model =
        new Model(
            List.of(
                new SimpleRnn("r0", one, zero, none, Activation.clip(0.5f)),
                new Dense("d1", one, none, Activation.LINEAR)));
    float[] y = new float[1];
    try (Plan plan = Plan.compile(model, int8());
        Session session = Session.open(plan)) {
      session.step(new float[] {3}, y);
      assertThat(y[0]).isCloseTo(0.5f, within(1e-3f));
      session.state("r0.h", session.state("r0.h"));
      session.restore(session.snapshot());
    }
    try (Plan plan = Plan.compile(model, int8().withInputBound(0.0039f));
        Session session = Session.open(plan)) {
      session.step(new float[] {0.0039f}, y);
      assertThat(y[0]).isCloseTo(0.0039f, within(1e-3f));
    }
  }

  /** A state from elsewhere begins as in a new stream, whatever was sent before. */
  @Test
  void aReplacedStateForgetsWhatWasSent() {
    Model model = TestModels.gru(11, 70, 419);
    String h = model.layers().getFirst().name() + ".h";
    PlanOptions lagging = int8().withMovementThreshold(12);
    Random random = new Random(422);
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    float[] x = new float[model.inputs()];
    try (Plan floats = Plan.compile(model, int8().withWeights(WeightFormat.F32));
        Plan plan = Plan.compile(model, lagging);
        Session before = Session.open(floats);
        Session used = Session.open(plan);
        Session restored = Session.open(plan);
        Session written = Session.open(plan)) {
      for (int step = 0; step < 20; step++) {
        x[random.nextInt(x.length)] = (float) random.nextDouble(-1, 1);
        before.step(x, a);
        used.step(x, a);
      }
      used.state(h, before.state(h));
      restored.restore(before.snapshot());
      written.state(h, before.state(h));
      for (int step = 0; step < 20; step++) {
        x[random.nextInt(x.length)] = (float) random.nextDouble(-1, 1);
        written.step(x, a);
        used.step(x, b);
        assertThat(Steps.bits(b)).as("step %d", step).isEqualTo(Steps.bits(a));
        restored.step(x, b);
        assertThat(Steps.bits(b)).as("step %d", step).isEqualTo(Steps.bits(a));
      }
      // And a snapshot of it can be read where nothing lags.
      before.restore(used.snapshot());
      assertThat(before.state(h)).isEqualTo(used.state(h));
    }
  }

  /** A layer that is multiplied whole keeps a quarter of the bytes, and stays close to float32. */
  @Test
  void aStepReadsAQuarterOfTheBytes() {
    Model model = TestModels.gru(11, 96, 412);
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    try (Plan small = Plan.compile(model, int8());
        Plan whole = Plan.compile(model, int8().withWeights(WeightFormat.F32));
        Session left = Session.open(small);
        Session right = Session.open(whole)) {
      assertThat(small.denseBytesPerStep()).isLessThan(whole.denseBytesPerStep() * 3 / 10);
      float apart = 0;
      for (int step = 0; step < 20; step++) {
        left.step(step % 11, a);
        right.step(step % 11, b);
        for (int i = 0; i < a.length; i++) {
          apart = Math.max(apart, Math.abs(a[i] - b[i]));
        }
      }
      assertThat(apart).isStrictlyBetween(0f, 0.1f);
    }
  }
}
