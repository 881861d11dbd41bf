package io.github.stillgate.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.InitialState;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.OperandRole;
import io.github.stillgate.core.model.OperandScales;
import io.github.stillgate.core.model.SimpleRnn;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Values of these networks are computed by hand. */
class Int8CalibrationTest {
  /** Twice the first value and minus three times the second. */
  private static final Dense FIRST =
      new Dense(
          "first", Matrix.of("W", 2, 2, 2, 0, 0, -3), Matrix.vector("b", 0, 0), Activation.LINEAR);

  private static final Dense SECOND =
      new Dense("second", Matrix.of("W", 1, 2, 1, 1), Matrix.vector("b", 0), Activation.LINEAR);

  private static final TuningData DATA =
      vectors(new float[][] {{1, 0.5f}, {-2, 1}}, new float[][] {{0, 0}, {0.5f, 0}});

  private static TuningData vectors(float[][]... sequences) {
    return new TuningData(
        Arrays.stream(sequences)
            .map(TuningData.Vectors::new)
            .map(TuningData.Sequence.class::cast)
            .toList(),
        false);
  }

  private static OperandScales calibrate(Model model, TuningData data) {
    return Int8Calibration.of(model, Int8Calibration.layers(model), data, _ -> {});
  }

  /** Adds 1 and what it read to its state in each step, up to 3. */
  private static SimpleRnn counter(String name, float bias) {
    return new SimpleRnn(
        name,
        Matrix.of("W", 1, 1, 1),
        Matrix.of("U", 1, 1, 1),
        Matrix.vector("b", bias),
        Activation.clip(3));
  }

  @Test
  void aScaleIsTheLargestValueOver127() {
    OperandScales scales = calibrate(new Model(List.of(FIRST, SECOND)), DATA);
    // Of the input 2; of what the first layer gives 2 x 2 = 4.
    assertThat(scales.scale("first", OperandRole.INPUT)).hasValue(2f / 127);
    assertThat(scales.scale("second", OperandRole.INPUT)).hasValue(4f / 127);
    assertThat(scales.byLayer()).containsOnlyKeys("first", "second");
  }

  @Test
  void layersThatStayFloat32HaveNone() {
    Model model = new Model(List.of(FIRST, SECOND));
    OperandScales scales = Int8Calibration.of(model, List.of("second"), DATA, _ -> {});
    assertThat(scales.byLayer()).containsOnlyKeys("second");
  }

  @Test
  void whatIsProvedHasNone() {
    Dense tanh = new Dense("first", FIRST.w(), FIRST.b(), Activation.TANH);
    OperandScales scales = calibrate(new Model(List.of(tanh, SECOND)), DATA);
    assertThat(scales.byLayer()).containsOnlyKeys("first");
  }

  @Test
  void whatIsAlwaysZeroHasNone() {
    OperandScales scales =
        calibrate(new Model(List.of(FIRST, SECOND)), vectors(new float[][] {{0, 0}, {0, 0}}));
    assertThat(scales.isEmpty()).isTrue();
  }

  /** The state after the second step is 2 + 0.5; the sequence after it begins at 0 again. */
  @Test
  void statesAreFound() {
    OperandScales scales =
        calibrate(
            new Model(List.of(counter("rnn", 1))),
            vectors(new float[][] {{0.25f}, {0.25f}}, new float[][] {{0.25f}}));
    assertThat(scales.scale("rnn", OperandRole.INPUT)).hasValue(0.25f / 127);
    assertThat(scales.scale("rnn", OperandRole.STATE)).hasValue(2.5f / 127);
  }

  /** It begins further out than any step leads. */
  @Test
  void whereAStateBeginsCounts() {
    Layer begins =
        counter("rnn", 1).withInitialState(InitialState.ofHidden(Matrix.vector("h", -5)));
    OperandScales scales =
        calibrate(new Model(List.of(begins)), vectors(new float[][] {{0.25f}, {0.25f}}));
    assertThat(scales.scale("rnn", OperandRole.STATE)).hasValue(5f / 127);
  }

  @Test
  void directionsHaveScalesOfTheirOwn() {
    Layer pair = new Bidirectional("pair", counter("there", 1), counter("back", 0));
    OperandScales scales =
        calibrate(new Model(List.of(pair)), vectors(new float[][] {{0.25f}, {0.25f}}));
    assertThat(scales.scale("pair.there", OperandRole.STATE)).hasValue(2.5f / 127);
    assertThat(scales.scale("pair.back", OperandRole.STATE)).hasValue(0.5f / 127);
  }

  @Test
  void dataOfAnotherWidthAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> calibrate(new Model(List.of(FIRST, SECOND)), vectors(new float[][] {{1, 2, 3}})));
  }

  /** A weight that is 0.5 larger: off by 0.5 x 1, 0.5 x 2, 0 and 0.5 x 0.5 in one of two values. */
  @Test
  void errorsAreThoseOfEachLayer() {
    Dense off =
        new Dense("first", Matrix.of("W", 2, 2, 2.5f, 0, 0, -3), FIRST.b(), Activation.LINEAR);
    List<LayerError> errors =
        LayerError.between(
            new Model(List.of(FIRST, SECOND)),
            new Model(List.of(off, SECOND)),
            List.of(),
            DATA,
            _ -> {});
    assertThat(errors).extracting(LayerError::layer).containsExactly("first", "second");
    assertThat(errors.get(0).largest()).isEqualTo(1);
    assertThat(errors.get(0).rms()).isCloseTo(Math.sqrt((0.25 + 1 + 0.0625) / 8), within(1e-9));
    assertThat(errors.get(1).largest()).isEqualTo(1);
    assertThat(errors.get(1).steps()).isEqualTo(4);
    assertThat(errors.get(1).clamped()).isZero();
  }

  /** Calibrated on values up to 2, the value 4 is clamped; its column of weights is 2. */
  @Test
  void whatIsClampedIsCounted() {
    Model model = new Model(List.of(FIRST, SECOND));
    Model scaled = model.withOperandScales(calibrate(model, DATA));
    List<LayerError> errors =
        LayerError.between(
            model,
            scaled,
            List.of("first"),
            vectors(new float[][] {{4, 0}, {4, 0}, {1, 1}}),
            _ -> {});
    assertThat(errors.get(0).clamped()).isEqualTo(2);
    assertThat(errors.get(0).largest()).isCloseTo(4, within(1e-5));
  }
}
