package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.OperandScales;
import io.github.stillgate.core.plan.OperandScale;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What int8 plans promise of scales that were found on data and of weights that a file holds as
 * int8: the same bits whoever runs them and however, and a count of what was clamped.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class Int8ScalesContract {
  /** So small that some values of every operand are beyond it. */
  private static final float LARGEST = 0.4f;

  private final Backend backend;

  /** The contract of {@code backend}. */
  protected Int8ScalesContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions int8() {
    return PlanOptions.defaults().withBackend(backend.name()).withWeights(WeightFormat.I8);
  }

  /** Networks with operands that are not proved to lie within [-1, 1]. */
  private static Stream<Model> unproved() {
    return Stream.of(
        TestModels.projectedFirst(11, 21, 7, 417),
        TestModels.lstm(11, 40, 9, 406),
        TestModels.sru(11, 37, 408),
        TestModels.coupled(11, 30, 407),
        ofVectors(TestModels.gru(13, 70, 419)),
        ofVectors(TestModels.resetBefore(13, 37, 420)),
        ofVectors(TestModels.coupled(11, 30, 425)));
  }

  /** The same layers without a vocabulary: inputs are then of any magnitude. */
  private static Model ofVectors(Model model) {
    return new Model(model.layers());
  }

  private static Model calibrated(Model model) {
    OperandScales scales = OperandScales.NONE;
    try (Plan plan =
        Plan.compile(
            model, PlanOptions.defaults().withBackend("reference").withWeights(WeightFormat.I8))) {
      for (OperandScale scale : plan.operandScales()) {
        if (scale.origin() == OperandScale.Origin.EACH_STEP) {
          scales = scales.with(scale.layer(), scale.operand(), OperandScales.reaching(LARGEST));
        }
      }
    }
    return model.withOperandScales(scales);
  }

  static Stream<Model> models() {
    return unproved().map(Int8ScalesContract::calibrated);
  }

  private static float[][] vectors(Model model, int steps, long seed) {
    Random random = new Random(seed);
    float[][] x = new float[steps][];
    float[] now = new float[model.inputs()];
    for (int t = 0; t < steps; t++) {
      for (int i = 0; i < now.length; i++) {
        now[i] = random.nextInt(3) == 0 ? (float) random.nextDouble(-1, 1) : now[i];
      }
      x[t] = now.clone();
    }
    return x;
  }

  private static long clamped(Session session) {
    long clamped = 0;
    for (int layer = 0; layer < session.stats().layers(); layer++) {
      clamped += session.stats().clamped(layer);
    }
    return clamped;
  }

  @ParameterizedTest
  @MethodSource("models")
  void noOperandIsTakenInEachStep(Model model) {
    try (Plan plan = Plan.compile(model, int8())) {
      assertThat(plan.operandScales())
          .isNotEmpty()
          .extracting(OperandScale::origin)
          .doesNotContain(OperandScale.Origin.EACH_STEP)
          .contains(OperandScale.Origin.CALIBRATED);
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void bitsAndCountsAreThoseOfTheReference(Model model) {
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    try (Plan first = Plan.compile(model, int8());
        Plan second = Plan.compile(model, int8().withBackend("reference"));
        Session left = Session.open(first);
        Session right = Session.open(second)) {
      for (float[] x : vectors(model, 60, 31)) {
        left.step(x, a);
        right.step(x, b);
        assertThat(Steps.bits(a)).isEqualTo(Steps.bits(b));
      }
      for (int layer = 0; layer < model.layers().size(); layer++) {
        assertThat(left.stats().clamped(layer)).isEqualTo(right.stats().clamped(layer));
      }
      assertThat(clamped(left)).isPositive();
      assertThat(left.snapshot()).isEqualTo(right.snapshot());
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void batchesAndSequencesHaveTheBitsAndTheCountsOfASession(Model model) {
    float[][] x = vectors(model, 70, 32);
    float[] expected = new float[model.outputs()];
    float[] found = new float[model.outputs()];
    try (Plan plan = Plan.compile(model, int8());
        Session session = Session.open(plan);
        Sequence sequence = Sequence.open(plan);
        BatchSession batch = BatchSession.open(plan, 3)) {
      float[][] whole = sequence.run(x);
      BatchSession.Stream stream = batch.join();
      BatchSession.Stream mate = batch.join();
      for (int t = 0; t < x.length; t++) {
        session.step(x[t], expected);
        stream.feed(x[t]);
        mate.feed(x[x.length - 1 - t]);
        batch.step();
        stream.read(found);
        assertThat(Steps.bits(found)).as("batch, step %d", t).isEqualTo(Steps.bits(expected));
        assertThat(Steps.bits(whole[t])).as("sequence, step %d", t).isEqualTo(Steps.bits(expected));
      }
      for (int layer = 0; layer < model.layers().size(); layer++) {
        long clamped = session.stats().clamped(layer);
        assertThat(stream.stats().clamped(layer)).as("batch, layer %d", layer).isEqualTo(clamped);
        assertThat(sequence.clamped(layer)).as("sequence, layer %d", layer).isEqualTo(clamped);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void aTokenIsAOneHotVector(Model model) {
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    if (!model.readsTokens()) {
      return;
    }
    try (Plan plan = Plan.compile(model, int8());
        Session tokens = Session.open(plan);
        Session vectors = Session.open(plan)) {
      for (int step = 0; step < 40; step++) {
        float[] oneHot = new float[model.inputs()];
        oneHot[step * 3 % model.inputs()] = 1;
        tokens.step(step * 3 % model.inputs(), a);
        vectors.step(oneHot, b);
        assertThat(Steps.bits(a)).as("step %d", step).isEqualTo(Steps.bits(b));
      }
      assertThat(clamped(tokens)).isEqualTo(clamped(vectors));
    }
  }

  /** With a scale that none of them reaches, values are not clamped and columns are still kept. */
  @ParameterizedTest
  @MethodSource("unproved")
  void whatLiesWithinTheScaleIsNotClamped(Model model) {
    OperandScales scales = OperandScales.NONE;
    float[] out = new float[model.outputs()];
    try (Plan plan = Plan.compile(model, int8())) {
      for (OperandScale scale : plan.operandScales()) {
        scales = scales.with(scale.layer(), scale.operand(), 1e3f);
      }
    }
    try (Plan plan = Plan.compile(model.withOperandScales(scales), int8());
        Session session = Session.open(plan)) {
      for (float[] x : vectors(model, 20, 33)) {
        session.step(x, out);
      }
      assertThat(clamped(session)).isZero();
      assertThat(session.stats().movedFraction(0)).isLessThan(1);
    }
  }

  /** The same model as a file of float32 and as one of int8, with and without scales. */
  @ParameterizedTest
  @MethodSource("files")
  void aFileOfInt8HasTheBitsOfTheFloatFile(Model model, @TempDir Path directory)
      throws IOException {
    model.save(directory.resolve("f32"), DType.F32);
    model.save(directory.resolve("i8"), DType.I8);
    Model whole = Model.load(directory.resolve("f32"));
    Model small = Model.load(directory.resolve("i8"));
    assertThat(small.operandScales()).isEqualTo(whole.operandScales());
    float[][] x = vectors(model, 40, 34);
    try (Plan first = Plan.compile(whole, int8());
        Plan second = Plan.compile(small, int8());
        Sequence left = Sequence.open(first);
        Sequence right = Sequence.open(second)) {
      assertThat(second.operandScales()).isEqualTo(first.operandScales());
      float[][] a = left.run(x);
      float[][] b = right.run(x);
      for (int t = 0; t < x.length; t++) {
        assertThat(Steps.bits(b[t])).as("step %d", t).isEqualTo(Steps.bits(a[t]));
      }
    }
  }

  static Stream<Model> files() {
    return Stream.concat(
        models(),
        Stream.of(
            TestModels.gru(27, 128, 414),
            TestModels.resetBefore(11, 37, 405),
            TestModels.coupled(11, 30, 407),
            new Model(TestModels.bidirectional(11, 37, 421).layers().subList(0, 1)),
            calibrated(TestModels.sruDirections(11, 37, 422)),
            ZeroedRows.of(TestModels.lstm(11, 40, 9, 423), ZeroedRows.random(424, 0.4))));
  }

  /**
   * Integers that do not reach 127, and a scale that 127 times it over 127 is not: the sums are
   * those of the file's own numbers.
   */
  @Test
  void rowsKeepTheScalesOfTheirFile(@TempDir Path directory) throws IOException {
    float[] integers = {5, -3, 0, 2, 0, 0, 0, 0, -127, 126, 1, 90};
    float[] scales = {0.37f, 1e30f, 1.5f + 0x1p-17f};
    new WeightsWriter()
        .tensor("a.W", DType.I8, integers, 3, 4)
        .tensor("a.W.scale", scales, 3)
        .tensor("a.b", new float[3], 3)
        .metadata(
            "stillgate",
            "{\"version\":1,\"layers\":[{\"type\":\"dense\",\"name\":\"a\",\"inputs\":4,\"units\":3,"
                + "\"activation\":\"linear\"}]}")
        .write(directory.resolve("x"));
    float[] x = {1, -1, 0.5f, -0.25f};
    // 0.5 and 0.25 times 127 are 63.5 and 31.75: 64, the even one, and 32.
    int[] rounded = {127, -127, 64, -32};
    float[] y = new float[3];
    try (Plan plan = Plan.compile(Model.load(directory.resolve("x")), int8().withInputBound(1));
        Session session = Session.open(plan)) {
      session.step(x, y);
    }
    for (int i = 0; i < 3; i++) {
      int sum = 0;
      for (int k = 0; k < 4; k++) {
        sum += (int) integers[4 * i + k] * rounded[k];
      }
      assertThat(y[i]).as("row %d", i).isEqualTo(sum == 0 ? 0 : sum * (scales[i] * (1f / 127)));
    }
  }

  @Test
  void layersAreKeptInFormatsOfTheirOwn() {
    Model model = TestModels.gru(11, 96, 412);
    List<String> layers = model.layers().stream().map(layer -> layer.name()).toList();
    PlanOptions floats = int8().withWeights(WeightFormat.F32);
    try (Plan all = Plan.compile(model, int8());
        Plan none = Plan.compile(model, floats);
        Plan mixed = Plan.compile(model, floats.withWeights(layers.getFirst(), WeightFormat.I8))) {
      assertThat(none.operandScales()).isEmpty();
      assertThat(mixed.operandScales())
          .isNotEmpty()
          .allMatch(scale -> scale.layer().equals(layers.getFirst()));
      assertThat(mixed.denseBytesPerStep())
          .isStrictlyBetween(all.denseBytesPerStep(), none.denseBytesPerStep());
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Plan.compile(model, floats.withWeights("nobody", WeightFormat.I8)))
        .withMessageContainingAll("nobody", layers.getFirst());
  }
}
