package io.github.stillgate.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Weights that a file holds as int8, and scales of operands that stand in its description. */
class Int8FileTest {
  private static final String DENSE =
      "{\"version\":1,\"layers\":[{\"type\":\"dense\",\"name\":\"a\",\"inputs\":2,\"units\":2,"
          + "\"activation\":\"linear\"%s}]}";

  @TempDir private Path directory;

  private Path file() {
    return directory.resolve("x.safetensors");
  }

  private static Model dense(Matrix w) {
    return new Model(
        List.of(new Dense("a", w, Matrix.vector("b", new float[w.rows()]), Activation.LINEAR)));
  }

  /** Rows of all sizes, and of zeros. */
  private static float[] rows(SplittableRandom random, int rows, int columns) {
    float[] values = new float[rows * columns];
    for (int row = 0; row < rows; row++) {
      double size =
          switch (random.nextInt(5)) {
            case 0 -> 0;
            case 1 -> Math.exp(random.nextDouble(-75, -60));
            case 2 -> Math.exp(random.nextDouble(50, 80));
            default -> Math.exp(random.nextDouble(-5, 5));
          };
      for (int column = 0; column < columns; column++) {
        values[row * columns + column] = (float) (size * random.nextDouble(-1, 1));
      }
    }
    return values;
  }

  /** The formula once more, in float64 where that is exact. */
  @Test
  void weightsAreAScaleTimesAnInteger() throws IOException {
    SplittableRandom random = new SplittableRandom(5);
    for (int round = 0; round < 50; round++) {
      int n = 1 + random.nextInt(9);
      int d = 1 + random.nextInt(40);
      float[] w = rows(random, n, d);
      dense(Matrix.of("W", n, d, w)).save(file(), DType.I8);
      Matrix found = Model.load(file()).layers().getFirst().tensors().get("W");
      assertThat(found.dtype()).isEqualTo(DType.I8);
      float[] copy = found.toArray();
      for (int i = 0; i < n; i++) {
        float largest = 0;
        for (int j = 0; j < d; j++) {
          largest = Math.max(largest, Math.abs(w[i * d + j]));
        }
        float scale = largest < 1e-30f ? 1 : largest / 127;
        assertThat(found.rowScale(i)).isEqualTo(scale);
        for (int j = 0; j < d; j++) {
          double q = Math.clamp(Math.rint(w[i * d + j] * (1 / scale)), -127, 127);
          float expected = (float) (q * scale) + 0f;
          assertThat(found.at(i, j)).isEqualTo(expected).isEqualTo(copy[i * d + j]);
          assertThat(Math.abs(found.at(i, j) - w[i * d + j])).isLessThanOrEqualTo(0.51f * scale);
        }
      }
    }
  }

  /** To store once more changes nothing: neither integers nor scales are made again. */
  @Test
  void whatIsInt8IsWrittenAsItIs() throws IOException {
    SplittableRandom random = new SplittableRandom(6);
    dense(Matrix.of("W", 300, 7, rows(random, 300, 7))).save(file(), DType.I8);
    Model first = Model.load(file());
    Path again = directory.resolve("again.safetensors");
    first.save(again, DType.I8);
    assertThat(again).hasSameBinaryContentAs(file());
    assertThat(Model.load(again).fingerprint()).isEqualTo(first.fingerprint());
    // As float32 it is the same network, and its scales are found again.
    first.save(again, DType.F32);
    Model floats = Model.load(again);
    assertThat(floats.fingerprint()).isEqualTo(first.fingerprint());
    floats.save(again, DType.I8);
    assertThat(again).hasSameBinaryContentAs(file());
  }

  @Test
  void matricesThatPlansMultiplyAreStoredSo() throws IOException {
    new Model(List.of(TestModels.estimated(11, 40, 8, 0.25f, 75).layers().get(0)))
        .save(file(), DType.I8);
    try (WeightsFile weights = WeightsFile.open(file())) {
      String name = Model.from(weights).layers().get(0).name();
      assertThat(weights.tensor(name + ".Uc").type()).isEqualTo(DType.I8);
      assertThat(weights.tensor(name + ".Uc.scale").type()).isEqualTo(DType.F32);
      assertThat(weights.tensor(name + ".bc").type()).isEqualTo(DType.F32);
      assertThat(weights.tensor(name + ".estimate.V").type()).isEqualTo(DType.F32);
    }
  }

  @Test
  void layersHaveTypesOfTheirOwn() throws IOException {
    Model model = TestModels.gru(11, 40, 75);
    Layer first = model.layers().getFirst();
    model
        .writer(layer -> layer == first ? DType.I8 : DType.BF16, Map.of("licence", "none"))
        .write(file());
    Model found = Model.load(file());
    assertThat(found.layers().getFirst().tensors().get("Wz").dtype()).isEqualTo(DType.I8);
    assertThat(found.layers().getLast().tensors().get("W").dtype()).isEqualTo(DType.BF16);
  }

  @Test
  void scalesOfOperandsComeBackBitForBit() throws IOException {
    SplittableRandom random = new SplittableRandom(7);
    Model model = TestModels.bidirectional(3, 4, 8);
    for (int round = 0; round < 100; round++) {
      OperandScales scales = OperandScales.NONE;
      for (String layer : List.of("first.forward", "first.backward", "second.forward", "third")) {
        float scale = (float) Math.scalb(random.nextDouble(1, 2), random.nextInt(-107, 121));
        scales = scales.with(layer, OperandRole.INPUT, scale).with(layer, OperandRole.STATE, 0.3f);
      }
      model.withOperandScales(scales).save(file());
      assertThat(Model.load(file()).operandScales()).isEqualTo(scales);
    }
    assertThat(model.withOperandScales(OperandScales.NONE.with("out", OperandRole.INPUT, 2)))
        .extracting(Model::fingerprint)
        .isEqualTo(model.fingerprint());
  }

  @Test
  void scalesThatAreNoneOfTheNetworkAreRefused() {
    Model model = TestModels.gru(11, 40, 75);
    String name = model.layers().getFirst().name();
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> model.withOperandScales(OperandScales.NONE.with("nobody", OperandRole.INPUT, 1)))
        .withMessageContaining("nobody");
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            model.withOperandScales(OperandScales.NONE.with(name, OperandRole.CELL_OUTPUT, 1)))
        .withMessageContainingAll(name, "cell_output", "[input, state]");
    OperandScales both =
        OperandScales.NONE.with(name, OperandRole.STATE, 1).with("x", OperandRole.INPUT, 1);
    assertThat(both.of(model.layers()).byLayer()).containsOnlyKeys(name);
    assertThat(both.scale(name, OperandRole.STATE)).isEqualTo(OptionalDouble.of(1));
    assertThat(both.scale(name, OperandRole.INPUT)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(floats = {0, -1, Float.NaN, Float.POSITIVE_INFINITY, Float.MIN_VALUE, 3e38f, -0f})
  void aScaleThatIsNoneIsRefused(float scale) throws IOException {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OperandScales.NONE.with("a", OperandRole.INPUT, scale))
        .withMessageContainingAll("layer a", "input", Float.toString(scale));
    int8(new float[] {1, 2, 3, 4}, new float[] {1, scale}, "").write(file());
    refused("a.W", "row 1", Float.toString(scale));
  }

  /** {@code operand_scales} of a dense layer, and what the refusal has to name. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"input\":0} | input",
        "{\"input\":-1.5} | -1.5",
        "{\"input\":1e999} | Infinity",
        "{\"input\":1e-40} | input",
        "{\"input\":\"1\"} | expected a number",
        "{\"input\":null} | expected a number",
        "{\"input\":[1]} | expected a number",
        "{\"state\":1} | state",
        "{\"bottom\":1} | bottom",
        "{\"input\":1,\"input\":2} | input",
        "[1] | not an object",
        "1 | not an object"
      })
  void damagedScalesOfOperandsAreRefused(String scales, String mentions) throws IOException {
    int8(new float[] {1, 2, 3, 4}, new float[] {1, 1}, ",\"operand_scales\":" + scales)
        .write(file());
    refused(mentions);
  }

  @Test
  void scalesOfOperandsMayStandBesideInt8() throws IOException {
    int8(new float[] {1, -127, 3, 4}, new float[] {0.5f, 1}, ",\"operand_scales\":{\"input\":0.25}")
        .write(file());
    Model model = Model.load(file());
    assertThat(model.operandScales().scale("a", OperandRole.INPUT)).hasValue(0.25);
    assertThat(model.layers().getFirst().tensors().get("W").toArray())
        .containsExactly(0.5f, -63.5f, 3, 4);
  }

  @Test
  void damagedInt8IsRefused() throws IOException {
    String description = DENSE.formatted("");
    float[] w = {1, 2, 3, 4};
    new WeightsWriter()
        .tensor("a.W", DType.I8, w, 2, 2)
        .tensor("a.b", new float[2], 2)
        .metadata("stillgate", description)
        .write(file());
    refused("a.W.scale");
    new WeightsWriter()
        .tensor("a.W", DType.I8, w, 2, 2)
        .tensor("a.W.scale", new float[] {1, 1, 1}, 3)
        .tensor("a.b", new float[2], 2)
        .metadata("stillgate", description)
        .write(file());
    refused("a.W.scale", "[3]", "2 rows");
    new WeightsWriter()
        .tensor("a.W", w, 2, 2)
        .tensor("a.W.scale", new float[] {1, 1}, 2)
        .tensor("a.b", new float[2], 2)
        .metadata("stillgate", description)
        .write(file());
    refused("no layer uses", "a.W.scale");
    new WeightsWriter()
        .tensor("a.W", w, 2, 2)
        .tensor("a.b", DType.I8, new float[2], 2)
        .tensor("a.b.scale", new float[] {1, 1}, 2)
        .metadata("stillgate", description)
        .write(file());
    refused("a.b", "expected a matrix");
  }

  @Test
  void theIntegerMinus128IsRefused() throws IOException {
    int8(new float[] {1, 2, 3, 127}, new float[] {1, 1}, "").write(file());
    byte[] bytes = Files.readAllBytes(file());
    int at = bytes.length;
    while (bytes[--at] != 127) {}
    bytes[at] = -128;
    Files.write(file(), bytes);
    refused("a.W", "row 1, column 1", "-128");
  }

  @ParameterizedTest
  @ValueSource(floats = {128, -128, 0.5f, Float.NaN, Float.POSITIVE_INFINITY})
  void onlyWholeNumbersAreWrittenAsInt8(float value) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new WeightsWriter().tensor("t", DType.I8, new float[] {1, value}, 2))
        .withMessageContainingAll("t", Float.toString(value));
  }

  /** A zero row may have any scale, and no sum over it becomes NaN. */
  @Test
  void theScaleOfAZeroRowDoesNotCount() throws IOException {
    int8(new float[] {0, 0, 3, 4}, new float[] {1e36f, 1}, "").write(file());
    Matrix w = Model.load(file()).layers().getFirst().tensors().get("W");
    assertThat(w.rowScale(0)).isEqualTo(1);
    assertThat(w.rowScale(1)).isEqualTo(1);
  }

  private static WeightsWriter int8(float[] integers, float[] scales, String more) {
    return new WeightsWriter()
        .tensor("a.W", DType.I8, integers, 2, 2)
        .tensor("a.W.scale", scales, 2)
        .tensor("a.b", new float[2], 2)
        .metadata("stillgate", DENSE.formatted(more));
  }

  private void refused(String... mentions) {
    assertThatThrownBy(() -> Model.load(file()))
        .isInstanceOf(WeightsFormatException.class)
        .hasMessageContainingAll(mentions);
  }
}
