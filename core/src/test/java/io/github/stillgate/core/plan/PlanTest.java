package io.github.stillgate.core.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.session.Session;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlanTest {
  private static final PlanOptions REFERENCE = PlanOptions.defaults().withBackend("reference");

  /** Large enough that 2^20 times it overflows float32, and once it does not. */
  private static final float LARGE = 1e34f;

  static Stream<Arguments> layersWithOneLargeMatrix() {
    return Stream.of(
        argumentSet("bottleneck", "Wu", conditional("Wu")),
        argumentSet("gate", "Wz", conditional("Wz")),
        argumentSet("reset of a conditional layer", "Wr", conditional("Wr")),
        argumentSet("candidate of a conditional layer", "Wc", conditional("Wc")),
        argumentSet("update of a GRU", "Wz", gru("Wz")),
        argumentSet("reset of a GRU", "Wr", gru("Wr")),
        argumentSet("candidate of a GRU", "Wc", gru("Wc")),
        argumentSet("dense layer", "W", dense("W")));
  }

  @ParameterizedTest
  @MethodSource("layersWithOneLargeMatrix")
  void weightsThatCouldOverflowAreRefusedUnlessInputsAreSmaller(String matrix, Layer layer) {
    Model model = new Model(List.of(layer));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Plan.compile(model, REFERENCE))
        .withMessageStartingWith(matrix + " is ")
        .withMessageContaining("inputs up to")
        .withMessageContaining("PlanOptions.withInputBound");
    try (Plan plan = Plan.compile(model, REFERENCE.withInputBound(1))) {
      assertThat(plan.inputBound()).isEqualTo(1);
      assertFinite(plan);
    }
  }

  static Stream<Arguments> layersThatCouldRunAway() {
    Matrix one = Matrix.of("w", 1, 1, 1);
    Matrix zero = Matrix.vector("b", 0);
    Activation.Elementwise narrow = Activation.LINEAR.then(Activation.Function.CLAMP, 0.5f, 0.9f);
    Activation.Elementwise negative =
        narrow.then(Activation.SOFTSIGN).then(Activation.Function.AFFINE, 2, -1);
    Activation.Elementwise huge =
        Activation.LINEAR.then(Activation.Function.AFFINE, 1e38f, 0).then(Activation.SOFTSIGN);
    Activation.Elementwise shrinking = Activation.LINEAR.then(Activation.Function.AFFINE, 0.5f, 0);
    Sums sums = new Sums(one, one, zero);
    return Stream.of(
        argumentSet("a gate below 0", gru(negative, Activation.TANH), "z lies within"),
        argumentSet("a step that overflows", gru(Activation.SIGMOID, huge), "AFFINE"),
        argumentSet("a candidate without bound", gru(Activation.SIGMOID, shrinking), "no bound"),
        argumentSet(
            "a candidate of a conditional layer without bound",
            conditional(Activation.RELU, Activation.SIGMOID, Activation.RELU),
            "no bound"),
        argumentSet(
            "a reset of a conditional layer that overflows",
            conditional(
                Activation.RELU,
                Activation.LINEAR.then(Activation.Function.AFFINE, 1e38f, 0),
                Activation.TANH),
            "AFFINE"),
        argumentSet(
            "a bottleneck that overflows",
            conditional(
                Activation.LINEAR.then(Activation.Function.AFFINE, 1e38f, 0),
                Activation.SIGMOID,
                Activation.TANH),
            "AFFINE"),
        argumentSet(
            "a recurrence without bound",
            new SimpleRnn("rnn", one, one, zero, Activation.RELU),
            "no bound"),
        argumentSet(
            "a gate that overflows, of the sums of its candidate",
            Lstm.named("lstm")
                .input(sums)
                .forget(sums)
                .output(sums)
                .cell(sums)
                .activations(
                    new Lstm.Activations(
                        Activation.LINEAR
                            .then(Activation.Function.AFFINE, 1e38f, 0)
                            .then(Activation.SIGMOID),
                        Activation.TANH,
                        Activation.TANH))
                .build(),
            "AFFINE"),
        argumentSet(
            "a projection that overflows",
            Lstm.named("lstm")
                .input(sums)
                .forget(sums)
                .output(sums)
                .cell(sums)
                .projection(Matrix.of("Wp", 1, 1, 3e38f))
                .build(),
            "its outputs could reach"),
        argumentSet(
            "an activation that overflows",
            new Dense("d", one, zero, Activation.LINEAR.then(Activation.Function.AFFINE, 1e38f, 0)),
            "AFFINE"));
  }

  private static ConditionalGru conditional(
      Activation.Elementwise bottleneck,
      Activation.Elementwise reset,
      Activation.Elementwise candidate) {
    Matrix one = Matrix.of("w", 1, 1, 1);
    Matrix zero = Matrix.vector("b", 0);
    Sums sums = new Sums(one, one, zero);
    return ConditionalGru.named("gated")
        .gating(new Gating.Unit(sums, one, zero, bottleneck))
        .reset(sums)
        .candidate(sums)
        .activations(new ConditionalGru.Activations(reset, candidate))
        .build();
  }

  private static Gru gru(Activation.Elementwise update, Activation.Elementwise candidate) {
    Matrix one = Matrix.of("w", 1, 1, 1);
    Matrix zero = Matrix.vector("b", 0);
    return Gru.named("gru")
        .update(new Sums(one, one, zero))
        .reset(new Sums(one, one, zero))
        .candidate(new Sums(one, one, zero))
        .resetPosition(Reset.AFTER)
        .activations(new Gru.Activations(update, Activation.SIGMOID, candidate))
        .build();
  }

  @ParameterizedTest
  @MethodSource("layersThatCouldRunAway")
  void activationsUnderWhichAValueCouldRunAwayAreRefused(Layer layer, String reason) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Plan.compile(new Model(List.of(layer)), REFERENCE))
        .withMessageContaining("layer " + layer.name())
        .withMessageContaining(reason);
  }

  static Stream<Arguments> layersWithOneHugeTensorBesideTheInputMatrix() {
    return Stream.of(
        argumentSet("Uu", conditional("Uu", Float.MAX_VALUE)),
        argumentSet("bu", conditional("bu", Float.MAX_VALUE)),
        argumentSet("bz", conditional("bz", Float.MAX_VALUE)),
        argumentSet("Ur", conditional("Ur", Float.MAX_VALUE)),
        argumentSet("br", conditional("br", Float.MAX_VALUE)),
        argumentSet("Uc", conditional("Uc", Float.MAX_VALUE)),
        argumentSet("bc", conditional("bc", Float.MAX_VALUE)),
        argumentSet("Uz of a GRU", gru("Uz", Float.MAX_VALUE)),
        argumentSet("Ur of a GRU", gru("Ur", Float.MAX_VALUE)),
        argumentSet("Uc of a GRU", gru("Uc", Float.MAX_VALUE)),
        argumentSet("bz of a GRU", gru("bz", Float.MAX_VALUE)),
        argumentSet("br of a GRU", gru("br", Float.MAX_VALUE)),
        argumentSet("bc of a GRU", gru("bc", Float.MAX_VALUE)),
        argumentSet("bias of a dense layer", dense("b", Float.MAX_VALUE)));
  }

  @ParameterizedTest
  @MethodSource("layersWithOneHugeTensorBesideTheInputMatrix")
  void stateMatricesAndBiasesCountTowardsTheBound(Layer layer) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Plan.compile(new Model(List.of(layer)), REFERENCE.withInputBound(1e-30f)))
        .withMessageContaining("overflow float32");
  }

  @Test
  void theBoundOfALayerIsTheInputBoundOfTheNext() {
    Dense first =
        new Dense("1", Matrix.of("first", 1, 1, 1e18f), Matrix.vector("b", 0), Activation.LINEAR);
    Dense softmax =
        new Dense("1", Matrix.of("first", 1, 1, 1e18f), Matrix.vector("b", 0), Activation.SOFTMAX);
    Dense second =
        new Dense("2", Matrix.of("second", 1, 1, 1e18f), Matrix.vector("b", 0), Activation.LINEAR);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Plan.compile(new Model(List.of(first, second)), REFERENCE))
        .withMessageStartingWith("second is ");
    try (Plan plan = Plan.compile(new Model(List.of(softmax, second)), REFERENCE)) {
      assertFinite(plan);
    }
  }

  /** Of a dense layer at positions too: its rows, its bias, and what it gives to the next. */
  @Test
  void positionsHaveABound() {
    for (float huge : new float[] {1e33f, Float.MAX_VALUE}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Plan.compile(new Model(List.of(positions("1", huge, 0))), REFERENCE))
          .withMessageContaining("overflow float32");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            Plan.compile(
                new Model(List.of(positions("1", 1e37f, Float.MAX_VALUE))),
                REFERENCE.withInputBound(1)))
        .withMessageContaining("overflow float32");
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            Plan.compile(
                new Model(List.of(positions("1", 1e18f, 0), positions("2", 1e22f, 0))), REFERENCE))
        .withMessageStartingWith("2.W is ");
    for (Layer first : List.of(positions("1", 1e30f, 0), positions("1", 1, 0))) {
      Layer second = positions("2", first.tensors().get("W").magnitude() > 1 ? 1 : 1e22f, 0);
      try (Plan plan = Plan.compile(new Model(List.of(first, second)), REFERENCE)) {
        assertFinite(plan);
      }
    }
  }

  /** Two positions of two groups of one value each. */
  private static Layer positions(String name, float weight, float bias) {
    return new Positions(
        name,
        2,
        2,
        Matrix.of(name + ".W", 2, 1, 1e-30f, weight),
        Matrix.vector("b", 0, bias),
        Activation.LINEAR);
  }

  @Test
  void rowsAddUpInTheBoundAndSignsDoNotCancel() {
    float quarter = Float.MAX_VALUE / 4;
    Layer below = layerOfOneRow(quarter * 0.3f, -quarter * 0.3f, quarter * 0.3f);
    Layer above = layerOfOneRow(quarter * 0.4f, -quarter * 0.4f, quarter * 0.4f);
    PlanOptions options = REFERENCE.withInputBound(1);
    Plan.compile(new Model(List.of(below)), options).close();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Plan.compile(new Model(List.of(above)), options));
  }

  private static Layer layerOfOneRow(float... weights) {
    return new Dense(
        "d", Matrix.of("W", 1, weights.length, weights), Matrix.vector("b", 0), Activation.LINEAR);
  }

  private static void assertFinite(Plan plan) {
    float[] x = new float[plan.model().inputs()];
    float[] out = new float[plan.model().outputs()];
    try (Session session = Session.open(plan)) {
      for (int step = 0; step < 4; step++) {
        Arrays.fill(x, step % 2 == 0 ? plan.inputBound() : -plan.inputBound());
        session.step(x, out);
        for (float value : out) {
          assertThat(value).isFinite();
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {0, -0f, -1, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void aBadInputBoundIsRefused(float bound) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PlanOptions.defaults().withInputBound(bound))
        .withMessageContaining(Float.toString(bound));
  }

  @Test
  void optionsChangeOneThingAtATime() {
    PlanOptions options =
        PlanOptions.defaults()
            .withBackend("reference")
            .withSkipping(Skipping.NOTHING)
            .withInputBound(3);
    assertThat(options.backend()).contains("reference");
    assertThat(options.skipping()).isEqualTo(Skipping.NOTHING);
    assertThat(options.inputBound()).isEqualTo(3);
    assertThat(options.withInputBound(4).withInputBound(3)).isEqualTo(options);
  }

  @Test
  void aPlanForTokensTakesVectorsUpToOneWhateverTheBound() {
    Model model = TestModels.gru(3, 4, 1);
    try (Plan plan = Plan.compile(model, REFERENCE);
        Plan lower = Plan.compile(model, REFERENCE.withInputBound(0.5f))) {
      assertThat(plan.inputBound()).isEqualTo(1);
      assertThat(lower.inputBound()).isEqualTo(1);
    }
  }

  @Test
  void anUnknownBackendIsRefusedWithThoseFound() {
    assertThatExceptionOfType(BackendUnavailableException.class)
        .isThrownBy(() -> Plan.compile(small(), PlanOptions.defaults().withBackend("abacus")))
        .withMessageContaining("\"abacus\"")
        .withMessageContaining("reference")
        .satisfies(e ->
            assertThat(e.getMessage())
                .contains(Backends.report().stream().map(Backends.Entry::name).toList()));
  }

  @Test
  void theBackendPropertyIsStrict() {
    withProperty(
        "reference",
        () -> {
          try (Plan plan = Plan.compile(small())) {
            assertThat(plan.backend()).isEqualTo("reference");
            assertThat(plan.tier()).isEqualTo("scalar");
          }
        });
    withProperty(
        "abacus",
        () ->
            assertThatExceptionOfType(BackendUnavailableException.class)
                .isThrownBy(() -> Plan.compile(small()))
                .withMessageContaining("\"abacus\""));
    withProperty(
        "Reference",
        () ->
            assertThatExceptionOfType(BackendUnavailableException.class)
                .isThrownBy(() -> Plan.compile(small()))
                .withMessageContaining("\"Reference\""));
  }

  @Test
  void aBackendNamedByTheOptionsGoesBeforeTheProperty() {
    withProperty(
        "abacus",
        () -> {
          try (Plan plan = Plan.compile(small(), REFERENCE)) {
            assertThat(plan.backend()).isEqualTo("reference");
          }
        });
  }

  @Test
  void withoutThePropertyTheBestUsableBackendIsTaken() {
    String best = Backends.usable().get(0);
    for (String demanded : new String[] {null, "", " "}) {
      withProperty(
          demanded,
          () -> {
            try (Plan plan = Plan.compile(small())) {
              assertThat(plan.backend()).isEqualTo(best);
            }
          });
    }
  }

  private static void withProperty(String value, Runnable test) {
    String before = System.getProperty(Backends.PROPERTY);
    try {
      set(value);
      test.run();
    } finally {
      set(before);
    }
  }

  private static void set(String value) {
    if (value == null) {
      System.clearProperty(Backends.PROPERTY);
    } else {
      System.setProperty(Backends.PROPERTY, value);
    }
  }

  @Test
  void bytesOfAConditionalLayerAreThoseOfItsPaddedRows() {
    Layer gated = conditional("none");
    // d = 3, n = 2, g = 1: every row is padded to 32 floats, 128 bytes; the two of a float each
    // behind
    // the bottleneck are a panel, whose padding rows do not count.
    long bottleneckRow = 128 + 128;
    long gatePanel = 2 * 4;
    long unitRows = 2 * (2 * 128 + 2 * 128);
    assertDenseBytes(new Model(List.of(gated)), bottleneckRow + gatePanel + unitRows);
    // A token reads one float of a row over the input.
    long byToken = (128 + 4) + gatePanel + 2 * (2 * 128 + 2 * 4);
    assertDenseBytes(new Model(List.of(gated), new Vocabulary("abc")), byToken);
  }

  @Test
  void bytesOfAGruAreThoseOfItsRowsAndOfADenseLayerThoseOfPaddedRows() {
    // The GRU lies in panels, whose columns are not padded; the output layer reads 33 values, 256
    // bytes with their padding.
    Model vectors = new Model(List.of(gruOf(40, 33), denseOf(33, 2)));
    assertDenseBytes(vectors, 33 * 3 * 4 * (40 + 33) + 2 * 256);
    Model tokens =
        new Model(vectors.layers(), new Vocabulary("abcdefghijklmnopqrstuvwxyz0123456789ABCD"));
    assertDenseBytes(tokens, 33 * 3 * 4 * (1 + 33) + 2 * 256);
  }

  @Test
  void bytesOfWidthsOfTheLaneCountHaveNoPadding() {
    assertDenseBytes(new Model(List.of(gruOf(32, 32))), 6 * 32 * 32 * 4);
    assertDenseBytes(new Model(List.of(denseOf(33, 1))), 64 * 4);
  }

  /** The figure, and that a step which computes every unit reads just that. */
  private static void assertDenseBytes(Model model, long expected) {
    float[] out = new float[model.outputs()];
    try (Plan plan = Plan.compile(model, REFERENCE.withSkipping(Skipping.NOTHING));
        Plan skipping = Plan.compile(model, REFERENCE);
        Session session = Session.open(plan)) {
      assertThat(plan.denseBytesPerStep()).isEqualTo(expected);
      assertThat(skipping.denseBytesPerStep()).isEqualTo(expected);
      if (model.vocabulary().isPresent()) {
        session.step(1, out);
      } else {
        session.step(new float[model.inputs()], out);
      }
      assertThat(session.stats().bytesRead()).isEqualTo(expected);
    }
  }

  private static Model small() {
    return TestModels.gru(3, 4, 1);
  }

  private static Layer conditional(String large) {
    return conditional(large, LARGE);
  }

  private static Layer conditional(String large, float weight) {
    Function<String, Float> of = name -> name.equals(large) ? weight : 0.5f;
    return ConditionalGru.named("gated")
        .gating(
            new Gating.Unit(
                new Sums(filled("Wu", 1, 3, of), filled("Uu", 1, 2, of), filled("bu", 1, of)),
                filled("Wz", 2, 1, of),
                filled("bz", 2, of)))
        .reset(new Sums(filled("Wr", 2, 3, of), filled("Ur", 2, 2, of), filled("br", 2, of)))
        .candidate(new Sums(filled("Wc", 2, 3, of), filled("Uc", 2, 2, of), filled("bc", 2, of)))
        .build();
  }

  private static Layer gru(String large) {
    return gru(large, LARGE);
  }

  private static Layer gru(String large, float weight) {
    return gru(3, 2, name -> name.equals(large) ? weight : 0.5f);
  }

  private static Layer gruOf(int inputs, int units) {
    return gru(inputs, units, tensor -> 0.01f);
  }

  private static Layer gru(int inputs, int units, Function<String, Float> of) {
    return Gru.named("rnn")
        .update(
            new Sums(
                filled("Wz", units, inputs, of),
                filled("Uz", units, units, of),
                filled("bz", units, of)))
        .reset(
            new Sums(
                filled("Wr", units, inputs, of),
                filled("Ur", units, units, of),
                filled("br", units, of)))
        .candidate(
            new Sums(
                filled("Wc", units, inputs, of),
                filled("Uc", units, units, of),
                filled("bc", units, of)))
        .build();
  }

  private static Layer dense(String large) {
    return dense(large, LARGE);
  }

  private static Layer dense(String large, float weight) {
    Function<String, Float> of = name -> name.equals(large) ? weight : 0.5f;
    return new Dense("out", filled("W", 2, 3, of), filled("b", 2, of), Activation.LINEAR);
  }

  private static Layer denseOf(int inputs, int outputs) {
    Function<String, Float> of = tensor -> 0.01f;
    return new Dense(
        "out", filled("W", outputs, inputs, of), filled("b", outputs, of), Activation.LINEAR);
  }

  private static Matrix filled(String name, int rows, int columns, Function<String, Float> of) {
    float[] values = new float[rows * columns];
    Arrays.fill(values, of.apply(name));
    return Matrix.of(name, rows, columns, values);
  }

  private static Matrix filled(String name, int rows, Function<String, Float> of) {
    float[] values = new float[rows];
    Arrays.fill(values, of.apply(name));
    return Matrix.vector(name, values);
  }
}
