package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.weights.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a plan whose matrices are bfloat16 promises, whatever backend is below it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class FormatContract {
  private final Backend backend;

  @TempDir private Path folder;

  /** The contract of {@code backend}. */
  protected FormatContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions bf16() {
    return PlanOptions.defaults().withBackend(backend.name()).withWeights(WeightFormat.BF16);
  }

  static Stream<Model> models() {
    return Stream.of(
        TestModels.conditional(11, 40, 4, 201),
        TestModels.block(11, 4, 16, 202),
        TestModels.hybrid(11, 6, 11, 203),
        TestModels.gru(11, 100, 204),
        TestModels.resetBefore(11, 37, 205),
        TestModels.lstm(11, 40, 9, 206),
        TestModels.coupled(11, 30, 207),
        TestModels.sru(11, 37, 208),
        TestModels.conditionalDense(11, 37, 4, 213));
  }

  /** Weights of a bf16 file are what bf16 packs hold: nothing is rounded, so nothing changes. */
  @ParameterizedTest
  @MethodSource("models")
  void aBf16FileHasTheSameBitsInEitherFormat(Model model) throws IOException {
    Path file = folder.resolve("half.safetensors");
    model.save(file, DType.BF16);
    Model rounded = Model.load(file);
    compare(rounded, bf16(), bf16().withWeights(WeightFormat.F32));
  }

  @ParameterizedTest
  @MethodSource("models")
  void everyStepHasTheBitsOfTheReference(Model model) {
    compare(model, bf16(), bf16().withBackend("reference"));
    compare(model, bf16(), bf16().withSkipping(Skipping.NOTHING));
  }

  private static void compare(Model model, PlanOptions one, PlanOptions other) {
    Random random = new Random(209);
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    float[] x = new float[model.inputs()];
    try (Plan first = Plan.compile(model, one);
        Plan second = Plan.compile(model, other);
        Session left = Session.open(first);
        Session right = Session.open(second)) {
      for (int step = 0; step < 120; step++) {
        if (random.nextInt(3) == 0) {
          for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextDouble(-1, 1);
          }
          left.step(x, a);
          right.step(x, b);
        } else {
          int token = random.nextInt(model.inputs());
          left.step(token, a);
          right.step(token, b);
        }
        assertThat(bits(a)).as("step %d", step).isEqualTo(bits(b));
      }
      assertThat(left.snapshot()).isEqualTo(right.snapshot());
    }
  }

  /** The column of a token is rounded as the rows are. */
  @ParameterizedTest
  @MethodSource("models")
  void aTokenIsAOneHotVector(Model model) {
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    try (Plan plan = Plan.compile(model, bf16());
        Session tokens = Session.open(plan);
        Session vectors = Session.open(plan)) {
      for (int step = 0; step < 40; step++) {
        float[] oneHot = new float[model.inputs()];
        oneHot[step % model.inputs()] = 1;
        tokens.step(step % model.inputs(), a);
        vectors.step(oneHot, b);
        assertThat(bits(a)).as("step %d", step).isEqualTo(bits(b));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void batchesAndSequencesHaveTheBitsOfASession(Model model) {
    int steps = 40;
    Random random = new Random(210);
    int[] tokens = random.ints(steps, 0, model.inputs()).toArray();
    float[] expected = new float[model.outputs()];
    float[] found = new float[model.outputs()];
    try (Plan plan = Plan.compile(model, bf16());
        Session session = Session.open(plan);
        Sequence sequence = Sequence.open(plan);
        BatchSession batch = BatchSession.open(plan, 5)) {
      float[][] whole = sequence.run(tokens);
      BatchSession.Stream stream = batch.join();
      BatchSession.Stream[] mates = {batch.join(), batch.join(), batch.join()};
      for (int t = 0; t < steps; t++) {
        session.step(tokens[t], expected);
        stream.feed(tokens[t]);
        for (BatchSession.Stream mate : mates) {
          mate.feed(random.nextInt(model.inputs()));
        }
        batch.step();
        stream.read(found);
        assertThat(bits(found)).as("batch, step %d", t).isEqualTo(bits(expected));
        assertThat(bits(whole[t])).as("sequence, step %d", t).isEqualTo(bits(expected));
      }
    }
  }

  /** Matrices take half the bytes; biases are not counted. */
  @Test
  void aStepReadsHalfTheBytes() {
    Model model = TestModels.gru(11, 96, 211);
    try (Plan half = Plan.compile(model, bf16());
        Plan whole = Plan.compile(model, bf16().withWeights(WeightFormat.F32))) {
      assertThat(2 * half.denseBytesPerStep()).isEqualTo(whole.denseBytesPerStep());
    }
  }

  /** Rounding moves outputs, by a little. */
  @Test
  void otherFilesAreRounded() {
    Model model = TestModels.gru(11, 96, 212);
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    try (Plan half = Plan.compile(model, bf16());
        Plan whole = Plan.compile(model, bf16().withWeights(WeightFormat.F32));
        Session left = Session.open(half);
        Session right = Session.open(whole)) {
      left.step(3, a);
      right.step(3, b);
    }
    assertThat(a).isNotEqualTo(b);
    for (int i = 0; i < a.length; i++) {
      assertThat(Math.abs(a[i] - b[i])).isLessThan(0.02f);
    }
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}
