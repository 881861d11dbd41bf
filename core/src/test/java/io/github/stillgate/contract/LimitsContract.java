package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.session.StepStats;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What bounds on a step promise, whatever backend is below them: the strongest gates are open, the
 * bits are those of computing everything behind the same gates, and no step reads more than the
 * plan says.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class LimitsContract {
  private static final int TOKENS = 11;

  private final Backend backend;

  /** The contract of {@code backend}. */
  protected LimitsContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  private record Case(Model model, int maxLive, Skipping skipping, WeightFormat weights) {
    Case(Model model, int maxLive) {
      this(model, maxLive, Skipping.STILL_UNITS, WeightFormat.F32);
    }

    Case(Model model, int maxLive, Skipping skipping) {
      this(model, maxLive, skipping, WeightFormat.F32);
    }

    /** The same with int8 rows of gated layers. */
    Case int8() {
      return new Case(model, maxLive, skipping, WeightFormat.I8);
    }

    PlanOptions of(PlanOptions options) {
      return options.withSkipping(skipping).withWeights(weights).withMaxLive(maxLive);
    }

    @Override
    public String toString() {
      return model.layers() + ", at most " + maxLive + ", " + skipping + ", " + weights;
    }
  }

  static Stream<Case> exactCases() {
    return floatCases().flatMap(given -> Stream.of(given, given.int8()));
  }

  private static Stream<Case> floatCases() {
    return Stream.of(
        new Case(TestModels.conditional(TOKENS, 40, 4, 501), 7),
        new Case(TestModels.conditional(TOKENS, 40, 4, 501), 1),
        new Case(TestModels.full(TOKENS, 45, 502), 9),
        new Case(TestModels.block(TOKENS, 6, 8, 503), 21),
        new Case(TestModels.hybrid(TOKENS, 7, 5, 504), 10),
        new Case(TestModels.activations(TOKENS, 4, 10, 505), 10),
        new Case(TestModels.conditionalDense(TOKENS, 37, 4, 506), 6));
  }

  static Stream<Case> cases() {
    return Stream.concat(
        exactCases(),
        Stream.of(
            new Case(TestModels.gru(TOKENS, 40, 507), 6, Skipping.below(0.3f)),
            new Case(TestModels.estimated(TOKENS, 40, 8, 0.25f, 508), 6, Skipping.below(0.2f))));
  }

  /** Law 1 under a limit, with a crossover that would have every step compute everything. */
  @ParameterizedTest
  @MethodSource("exactCases")
  void skippingHasTheBitsOfMasking(Case given) {
    PlanOptions limited = given.of(options()).withCrossover(0);
    try (Plan skipping = Plan.compile(given.model, limited);
        Plan masking = Plan.compile(given.model, limited.withSkipping(Skipping.NOTHING))) {
      Steps.assertSameBits(skipping, masking, 60);
      assertThat(skipping.mostBytesPerStep()).isLessThan(skipping.denseBytesPerStep());
      assertThat(skipping.mostBytesPerStep()).isLessThan(masking.mostBytesPerStep());
      assertThat(masking.mostBytesPerStep()).isLessThanOrEqualTo(masking.denseBytesPerStep());
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everyBackendHasTheBitsOfTheReference(Case given) {
    try (Plan mine = Plan.compile(given.model, given.of(options()));
        Plan reference = Plan.compile(given.model, given.of(options().withBackend("reference")))) {
      Steps.assertSameBits(mine, reference, 60);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void batchesAndSequencesHaveTheBitsOfASession(Case given) {
    Model model = given.model;
    int[] tokens = new Random(509).ints(50, 0, TOKENS).toArray();
    float[] expected = new float[model.outputs()];
    float[] found = new float[model.outputs()];
    try (Plan plan = Plan.compile(model, given.of(options()));
        Session session = Session.open(plan);
        Sequence sequence = Sequence.open(plan);
        BatchSession batch = BatchSession.open(plan, 2)) {
      float[][] whole = sequence.run(tokens);
      BatchSession.Stream stream = batch.join();
      BatchSession.Stream mate = batch.join();
      for (int t = 0; t < tokens.length; t++) {
        session.step(tokens[t], expected);
        stream.feed(tokens[t]);
        mate.feed(t % TOKENS);
        batch.step();
        stream.read(found);
        assertThat(Steps.bits(found)).as("batch, step %d", t).isEqualTo(Steps.bits(expected));
        assertThat(Steps.bits(whole[t])).as("sequence, step %d", t).isEqualTo(Steps.bits(expected));
      }
    }
  }

  /** The bound holds for every step, and one in which all layers use all of it reaches it. */
  @ParameterizedTest
  @MethodSource("cases")
  void noStepReadsMoreThanThePlanSays(Case given) {
    Random random = new Random(510);
    float[] out = new float[given.model.outputs()];
    try (Plan plan = Plan.compile(given.model, given.of(options()).withCrossover(0.2));
        Session session = Session.open(plan)) {
      StepStats stats = session.stats();
      for (int step = 0; step < 200; step++) {
        if (random.nextInt(20) == 0) {
          session.reset();
        }
        session.step(random.nextInt(TOKENS), out);
        assertThat(stats.bytesRead()).isLessThanOrEqualTo(plan.mostBytesPerStep());
        boolean all = true;
        for (int layer = 0; layer < stats.layers(); layer++) {
          OptionalInt allowed = plan.limits().layers().get(layer).maxLive();
          if (allowed.isPresent()) {
            assertThat(allowed.getAsInt()).isLessThanOrEqualTo(given.maxLive);
            assertThat(stats.liveUnits(layer)).isLessThanOrEqualTo(allowed.getAsInt());
            all &= stats.liveUnits(layer) == allowed.getAsInt();
          }
        }
        // Of estimated gates a step reads those that are asked for, of kept sums what moved.
        if (all && given.skipping.isExact() && given.weights == WeightFormat.F32) {
          assertThat(stats.bytesRead()).isEqualTo(plan.mostBytesPerStep());
        }
      }
      assertThat(IntStream.range(0, stats.layers()).mapToLong(stats::unitsHeldBack).sum())
          .isPositive();
    }
  }

  /** Over random models, streams and bounds, live units and moved values together. */
  @Test
  void noStepOfAnyModelReadsMoreThanThePlanSays() {
    Random random = new Random(511);
    for (int run = 0; run < 60; run++) {
      int units = 8 + random.nextInt(90);
      long seed = random.nextLong();
      boolean moving = run % 2 == 0;
      Model model =
          moving
              ? switch (run / 2 % 3) {
                case 0 -> TestModels.gru(TOKENS, units, seed);
                case 1 -> TestModels.lstm(TOKENS, units, 7, seed);
                default -> TestModels.sru(TOKENS, units, seed);
              }
              : TestModels.conditional(TOKENS, units, 3, seed);
      PlanOptions bounded =
          moving
              ? options().withWeights(WeightFormat.I8).withMaxMoved(1 + random.nextInt(units))
              : options()
                  .withWeights(run % 4 == 1 ? WeightFormat.I8 : WeightFormat.F32)
                  .withMaxLive(1 + random.nextInt(units))
                  .withCrossover(random.nextDouble());
      assertKeepsTo(model, bounded, random);
    }
  }

  private static void assertKeepsTo(Model model, PlanOptions bounded, Random random) {
    float[] out = new float[model.outputs()];
    float[] x = new float[model.inputs()];
    try (Plan plan = Plan.compile(model, bounded);
        Session session = Session.open(plan)) {
      assertThat(plan.mostBytesPerStep()).isLessThanOrEqualTo(plan.denseBytesPerStep());
      for (int step = 0; step < 60; step++) {
        if (model.readsTokens()) {
          session.step(random.nextInt(model.inputs()), out);
        } else {
          x[random.nextInt(x.length)] = (float) random.nextDouble(-1, 1);
          session.step(x, out);
        }
        assertThat(session.stats().bytesRead())
            .as("%s, %s, step %d", model.layers(), bounded, step)
            .isLessThanOrEqualTo(plan.mostBytesPerStep());
      }
    }
  }

  /** Gates that nothing but their biases decides, so that who is live is known beforehand. */
  @Test
  void theStrongestGatesMoveOfEqualOnesTheFirst() {
    float[] gates = {0.3f, 0.9f, -1, 0.9f, 0.5f, 0.9f, 2, 0, 0.4f};
    Model model = new Model(List.of(constantGates(gates)));
    assertThat(moved(model, 1)).containsExactly(6);
    assertThat(moved(model, 3)).containsExactly(1, 3, 6);
    assertThat(moved(model, 4)).containsExactly(1, 3, 5, 6);
    assertThat(moved(model, 7)).containsExactly(0, 1, 3, 4, 5, 6, 8);
    assertThat(moved(model, 9)).containsExactly(0, 1, 3, 4, 5, 6, 8);
  }

  private List<Integer> moved(Model model, int maxLive) {
    int units = model.outputs();
    float[] out = new float[units];
    try (Plan plan = Plan.compile(model, options().withMaxLive(maxLive));
        Session session = Session.open(plan)) {
      session.step(new float[] {0.5f, -0.5f}, out);
      assertThat(session.stats().unitsHeldBack(0)).isEqualTo(Math.max(0, 7 - maxLive));
      List<Integer> moved = new ArrayList<>();
      for (int i = 0; i < units; i++) {
        if (out[i] != 0) {
          moved.add(i);
        }
      }
      return moved;
    }
  }

  private static ConditionalGru constantGates(float[] gates) {
    int n = gates.length;
    return ConditionalGru.named("rnn0")
        .gating(
            new Gating.Unit(
                sums("u", 2, 2, n, 0), constant("Wz", n, 2, 0), Matrix.vector("bz", gates)))
        .reset(sums("r", n, 2, n, 0.25f))
        .candidate(sums("c", n, 2, n, 0.25f))
        .build();
  }

  private static Sums sums(String name, int rows, int inputs, int units, float value) {
    float[] bias = new float[rows];
    Arrays.fill(bias, 2 * value);
    return new Sums(
        constant("W" + name, rows, inputs, value),
        constant("U" + name, rows, units, value),
        Matrix.vector("b" + name, bias));
  }

  private static Matrix constant(String name, int rows, int columns, float value) {
    float[] values = new float[rows * columns];
    Arrays.fill(values, value);
    return Matrix.of(name, rows, columns, values);
  }

  @Test
  void aBoundThatIsNeverReachedChangesNothing() {
    Model model = TestModels.conditional(TOKENS, 40, 4, 512);
    try (Plan whole = Plan.compile(model, options());
        Plan bounded = Plan.compile(model, options().withMaxLive(43))) {
      Steps.assertSameBits(whole, bounded, 60);
      assertThat(bounded.limits().layers()).allMatch(layer -> layer.maxLive().isEmpty());
    }
  }
}
