package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Proof;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a dense layer behind an estimate promises, whatever backend is below it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class ConditionalDenseContract {
  static final int INPUTS = 37;
  static final int UNITS = 75;
  private static final int RANK = 5;

  private final Backend backend;

  /** The contract of {@code backend}. */
  protected ConditionalDenseContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  static ConditionalDense layer(long seed) {
    return (ConditionalDense)
        TestModels.estimatedReluNet(INPUTS, UNITS, RANK, 3, seed).layers().get(0);
  }

  /** The same layer with {@code e} raised by a number. */
  private static ConditionalDense raised(ConditionalDense layer, float by) {
    float[] e = layer.estimate().e().toArray();
    for (int i = 0; i < e.length; i++) {
      e[i] += by;
    }
    return withShift(layer, e);
  }

  static ConditionalDense withShift(ConditionalDense layer, float[] e) {
    ConditionalDense.Estimate estimate = layer.estimate();
    return new ConditionalDense(
        layer.name(),
        new ConditionalDense.Estimate(estimate.v(), estimate.u(), Matrix.vector("e", e)),
        layer.w(),
        layer.b());
  }

  private static Dense dense(ConditionalDense layer) {
    return new Dense(layer.name(), layer.w(), layer.b(), Activation.RELU);
  }

  private static Model alone(Layer layer) {
    return new Model(List.of(layer));
  }

  static float[] input(int width, Random random) {
    float[] x = new float[width];
    for (int i = 0; i < width; i++) {
      x[i] = random.nextFloat(-1, 1);
    }
    return x;
  }

  /** Values and bits of another program. */
  @Test
  void itComputesWhatNumpyDoes() {
    try (Plan plan = Plan.compile(ConditionalDenseVectors.network(), options())) {
      Proof.replay(plan, ConditionalDenseVectors.vectors(), 1e-5);
    }
  }

  /**
   * Live units have the bits of the dense layer, the others are +0, whatever their sums were in the
   * step before; and which are live, float64 says too, but where a score is as good as 0.
   */
  @Test
  void aUnitIsTheDenseOneWhereItsScoreIsAboveZero() {
    ConditionalDense layer = layer(61);
    Random random = new Random(62);
    float[] masked = new float[UNITS];
    float[] full = new float[UNITS];
    int[] live = new int[UNITS];
    int overlooked = 0;
    try (Plan plan = Plan.compile(alone(layer), options());
        Plan densePlan = Plan.compile(alone(dense(layer)), options());
        Session session = Session.open(plan);
        Session dense = Session.open(densePlan)) {
      for (int step = 0; step < 200; step++) {
        float[] x = input(INPUTS, random);
        session.step(x, masked);
        dense.step(x, full);
        double[] scores = Float64Model.scores(layer, wide(x));
        int open = 0;
        for (int i = 0; i < UNITS; i++) {
          boolean isLive = scores[i] > 0;
          if (Math.abs(scores[i]) < 1e-5) {
            isLive = masked[i] > 0;
          }
          assertThat(Float.floatToRawIntBits(masked[i]))
              .as("step %d, unit %d, score %s", step, i, scores[i])
              .isEqualTo(isLive ? Float.floatToRawIntBits(full[i]) : 0);
          open += scores[i] > 0 ? 1 : 0;
          live[i] += isLive ? 1 : 0;
          overlooked += !isLive && full[i] > 0 ? 1 : 0;
        }
        assertThat(session.stats().liveUnits(0)).isBetween(open - 1, open + 1);
      }
    }
    assertThat(overlooked).isGreaterThan(500);
    assertThat(Arrays.stream(live).filter(n -> n > 0 && n < 200).count())
        .as("units that are live in some steps and not in others")
        .isGreaterThan(UNITS / 2);
  }

  private static double[] wide(float[] x) {
    double[] wide = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      wide[i] = x[i];
    }
    return wide;
  }

  /** A score of exactly 0, which eq. 3.4 does not define, is off. */
  @Test
  void aScoreOfZeroIsOff() {
    ConditionalDense layer =
        new ConditionalDense(
            "a",
            new ConditionalDense.Estimate(
                Matrix.of("V", 1, 1, 1),
                Matrix.of("U", 4, 1, 1, -1, 1, 0),
                Matrix.vector("e", 0, 0, Float.MIN_VALUE, -0f)),
            Matrix.of("W", 4, 1, 1, 1, 1, 1),
            Matrix.vector("b", 1, 1, 1, 1));
    float[] out = new float[4];
    try (Plan plan = Plan.compile(alone(layer), options());
        Session session = Session.open(plan)) {
      session.step(new float[] {0}, out);
      assertThat(Steps.bits(out)).isEqualTo(Steps.bits(new float[] {0, 0, 1, 0}));
      session.step(new float[] {1}, out);
      assertThat(Steps.bits(out)).isEqualTo(Steps.bits(new float[] {2, 0, 2, 0}));
      session.step(new float[] {-1}, out);
      assertThat(Steps.bits(out)).isEqualTo(Steps.bits(new float[] {0, 0, 0, 0}));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {63, 64, 65})
  void skippingHasTheBitsOfComputingAllAndMasking(long seed) {
    Model model = TestModels.estimatedReluNet(INPUTS, UNITS, RANK, 3, seed);
    Random random = new Random(seed);
    float[] a = new float[3];
    float[] b = new float[3];
    try (Plan skipping = Plan.compile(model, options());
        Plan masking = Plan.compile(model, options().withSkipping(Skipping.NOTHING));
        Plan reference = Plan.compile(model, options().withBackend("reference"));
        Session first = Session.open(skipping);
        Session second = Session.open(masking);
        Session third = Session.open(reference)) {
      for (int step = 0; step < 200; step++) {
        float[] x = input(INPUTS, random);
        first.step(x, a);
        second.step(x, b);
        assertThat(Steps.bits(a)).as("step %d", step).isEqualTo(Steps.bits(b));
        third.step(x, b);
        assertThat(Steps.bits(a)).as("reference, step %d", step).isEqualTo(Steps.bits(b));
        assertThat(first.stats().liveUnits(1)).isEqualTo(second.stats().liveUnits(1));
        assertThat(second.stats().bytesRead()).isEqualTo(masking.denseBytesPerStep());
        assertThat(first.stats().bytesRead()).isLessThan(skipping.denseBytesPerStep());
      }
      assertThat(first.stats().liveFraction(0)).isStrictlyBetween(0.2, 0.8);
      assertThat(first.stats().units(0)).isEqualTo(UNITS);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void allLiveItHasTheBitsOfADenseLayer(boolean skipping) {
    ConditionalDense layer = raised(layer(66), 1e30f);
    PlanOptions options = skipping ? options() : options().withSkipping(Skipping.NOTHING);
    Random random = new Random(67);
    float[] a = new float[UNITS];
    float[] b = new float[UNITS];
    try (Plan open = Plan.compile(alone(layer), options);
        Plan plan = Plan.compile(alone(dense(layer)), options);
        Session first = Session.open(open);
        Session second = Session.open(plan)) {
      for (int step = 0; step < 50; step++) {
        float[] x = input(INPUTS, random);
        first.step(x, a);
        second.step(x, b);
        assertThat(Steps.bits(a)).as("step %d", step).isEqualTo(Steps.bits(b));
      }
      assertThat(first.stats().liveFraction(0)).isEqualTo(1);
    }
  }

  /** What a step reads: V and U whole, and the rows of live units; rows of V and W are padded. */
  @Test
  void bytesCountTheEstimateAndTheRowsOfLiveUnits() {
    ConditionalDense layer = layer(68);
    long row = 4L * Lanes.padded(INPUTS);
    long estimate = RANK * row + 4L * RANK * UNITS;
    Random random = new Random(69);
    float[] out = new float[UNITS];
    try (Plan plan = Plan.compile(alone(layer), options());
        Plan shut = Plan.compile(alone(raised(layer, -1e30f)), options());
        Session session = Session.open(plan);
        Session none = Session.open(shut)) {
      assertThat(plan.denseBytesPerStep()).isEqualTo(estimate + UNITS * row);
      assertThat(plan.stateNames()).isEmpty();
      for (int step = 0; step < 50; step++) {
        float[] x = input(INPUTS, random);
        session.step(x, out);
        assertThat(session.stats().bytesRead())
            .isEqualTo(estimate + session.stats().liveUnits(0) * row);
        none.step(x, out);
        assertThat(Steps.bits(out)).containsOnly(0);
        assertThat(none.stats().bytesRead()).isEqualTo(estimate);
      }
      assertThat(none.stats().liveFraction(0)).isZero();
    }
  }

  /** From a live fraction on all rows are read, with the same bits. */
  @Test
  void theCrossoverIsObeyed() {
    ConditionalDense layer = layer(70);
    Random random = new Random(71);
    float[] a = new float[UNITS];
    float[] b = new float[UNITS];
    int all = 0;
    int some = 0;
    try (Plan half = Plan.compile(alone(layer), options().withCrossover(0.5));
        Plan never = Plan.compile(alone(layer), options().withCrossover(2));
        Session crossing = Session.open(half);
        Session skipping = Session.open(never)) {
      assertThat(half.crossover(0)).isEqualTo(0.5);
      for (int step = 0; step < 200; step++) {
        float[] x = input(INPUTS, random);
        crossing.step(x, a);
        skipping.step(x, b);
        assertThat(Steps.bits(a)).as("step %d", step).isEqualTo(Steps.bits(b));
        if (crossing.stats().liveUnits(0) >= 0.5 * UNITS) {
          assertThat(crossing.stats().bytesRead()).isEqualTo(half.denseBytesPerStep());
          all++;
        } else {
          assertThat(crossing.stats().bytesRead()).isEqualTo(skipping.stats().bytesRead());
          some++;
        }
      }
    }
    assertThat(all).isGreaterThan(20);
    assertThat(some).isGreaterThan(20);
  }

  @Test
  void warmUpMeasuresTheCrossover() {
    try (Plan plan = Plan.compile(TestModels.estimatedReluNet(96, 120, 8, 3, 72), options())) {
      assertThat(plan.crossover(0)).isGreaterThan(1);
      plan.warmUp();
      assertThat(plan.crossover(0)).isStrictlyBetween(0.0, 3.0);
      assertThat(plan.crossover(2)).isZero();
    }
  }

  /** Streams of a batch, each with units of its own, and steps of a sequence. */
  @Test
  void batchesAndSequencesHaveTheBitsOfASession() {
    Model model = TestModels.estimatedReluNet(INPUTS, UNITS, RANK, 3, 73);
    int streams = 9;
    int steps = 75;
    Random random = new Random(74);
    float[][][] inputs = new float[streams][steps][];
    for (float[][] stream : inputs) {
      for (int t = 0; t < steps; t++) {
        stream[t] = input(INPUTS, random);
      }
    }
    float[] expected = new float[3];
    float[] found = new float[3];
    try (Plan plan = Plan.compile(model, options());
        Session session = Session.open(plan);
        BatchSession batch = BatchSession.open(plan, streams);
        Sequence sequence = Sequence.open(plan)) {
      List<BatchSession.Stream> joined = new ArrayList<>();
      for (int i = 0; i < streams; i++) {
        joined.add(batch.join());
      }
      for (int t = 0; t < steps; t++) {
        for (int i = 0; i < streams; i++) {
          joined.get(i).feed(inputs[i][t]);
        }
        batch.step();
        for (int i = 0; i < streams; i++) {
          session.step(inputs[i][t], expected);
          joined.get(i).read(found);
          assertThat(Steps.bits(found)).as("stream %d", i).isEqualTo(Steps.bits(expected));
          assertThat(joined.get(i).stats().liveUnits(1)).isEqualTo(session.stats().liveUnits(1));
        }
      }
      float[][] outputs = sequence.run(inputs[0]);
      for (int t = 0; t < steps; t++) {
        session.step(inputs[0][t], expected);
        assertThat(Steps.bits(outputs[t])).as("step %d", t).isEqualTo(Steps.bits(expected));
      }
    }
  }

  /** A stream without a state has a snapshot all the same, and it can be restored. */
  @Test
  void aSnapshotHoldsNoStateOfIt() {
    float[] a = new float[3];
    float[] b = new float[3];
    Random random = new Random(75);
    try (Plan plan =
            Plan.compile(TestModels.estimatedReluNet(INPUTS, UNITS, RANK, 3, 76), options());
        Session first = Session.open(plan);
        Session fresh = Session.open(plan)) {
      for (int step = 0; step < 20; step++) {
        first.step(input(INPUTS, random), a);
      }
      byte[] snapshot = first.snapshot();
      assertThat(snapshot).isEqualTo(fresh.snapshot());
      fresh.restore(snapshot);
      float[] x = input(INPUTS, random);
      first.step(x, a);
      fresh.step(x, b);
      assertThat(Steps.bits(a)).isEqualTo(Steps.bits(b));
    }
  }

  @Test
  void whatCouldOverflowIsRefused() {
    ConditionalDense layer = layer(82);
    float[] huge = new float[UNITS];
    huge[3] = 3e38f;
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Plan.compile(alone(withShift(layer, huge)), options()).close())
        .withMessageContaining("e is a vector of 75")
        .withMessageContaining("overflow");
    ConditionalDense wide =
        new ConditionalDense("a", layer.estimate(), layer.w(), Matrix.vector("b", huge));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Plan.compile(alone(wide), options()).close())
        .withMessageContaining("b is a vector of 75");
  }
}
