package io.github.stillgate.cli;

import static io.github.stillgate.cli.Outcome.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.weights.WeightsWriter;
import io.github.stillgate.tuning.SweepPoint;
import io.github.stillgate.tuning.SweepResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TuneCommandTest {
  private static final String CHARACTERS = " abcdefghijklmnopqrstuvwxyz";
  private static final int UNITS = 48;

  @TempDir Path folder;

  private final Random random = new Random(7);

  private Matrix matrix(String name, int rows, int columns, double scale) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return Matrix.of(name, rows, columns, values);
  }

  private Matrix bias(String name, int rows, float value) {
    float[] values = new float[rows];
    Arrays.fill(values, value);
    return Matrix.vector(name, values);
  }

  private Gru gru(int inputs, Reset reset) {
    return Gru.named("rnn")
        .update(
            new Sums(
                matrix("Wz", UNITS, inputs, 1.5),
                matrix("Uz", UNITS, UNITS, 0.3),
                bias("bz", UNITS, -2)))
        .reset(
            new Sums(
                matrix("Wr", UNITS, inputs, 1),
                matrix("Ur", UNITS, UNITS, 0.2),
                bias("br", UNITS, 0)))
        .candidate(
            new Sums(
                matrix("Wc", UNITS, inputs, 1),
                matrix("Uc", UNITS, UNITS, 0.2),
                bias("bc", UNITS, 0)))
        .resetPosition(reset)
        .activations(Gru.Activations.STANDARD)
        .build();
  }

  private Dense dense(int outputs, Activation activation) {
    return new Dense("out", matrix("W", outputs, UNITS, 0.5), bias("b", outputs, 0), activation);
  }

  private String characterModel(Layer first) throws Exception {
    Path file = folder.resolve("gru.safetensors");
    new Model(
            List.of(first, dense(CHARACTERS.length(), Activation.SOFTMAX)),
            new Vocabulary(CHARACTERS))
        .save(file);
    return file.toString();
  }

  private String text() throws Exception {
    Path file = folder.resolve("text.txt");
    Files.writeString(file, "the quick brown fox jumps over the lazy dog ".repeat(30));
    return file.toString();
  }

  @Test
  void aLargerEpsilonReadsLessAndErrsMore() throws Exception {
    Path out = folder.resolve("report");
    Outcome outcome =
        run(
            "tune",
            characterModel(gru(CHARACTERS.length(), Reset.AFTER)),
            text(),
            "--epsilons",
            "0.3,0.000001,0.03",
            "--backend",
            "reference",
            "--limit",
            "600",
            "--out",
            out.toString(),
            "--json");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    JsonNode report = JsonMapper.builder().build().readTree(outcome.out());
    assertThat(Files.readString(out.resolve("tune.json"))).isEqualTo(outcome.out());
    assertThat(report.get("layers").get(0).textValue()).isEqualTo("rnn");
    assertThat(report.get("steps").intValue()).isEqualTo(600);
    JsonNode exact = report.get("exact");
    assertThat(exact.get("largest_error").doubleValue()).isZero();
    assertThat(exact.get("live_fraction").doubleValue()).isEqualTo(1);
    JsonNode points = report.get("points");
    assertThat(points).hasSize(3);
    // No gate of this network is so shut: nothing is skipped.
    assertThat(points.get(0).get("largest_error").doubleValue()).isLessThan(1e-6);
    assertThat(points.get(0).get("bits_per_char").doubleValue())
        .isCloseTo(exact.get("bits_per_char").doubleValue(), within(1e-6));
    for (int i = 0; i < 2; i++) {
      JsonNode low = points.get(i);
      JsonNode high = points.get(i + 1);
      assertThat(high.get("epsilon").doubleValue()).isGreaterThan(low.get("epsilon").doubleValue());
      assertThat(high.get("live_fraction").doubleValue())
          .isLessThan(low.get("live_fraction").doubleValue());
      assertThat(high.get("bytes_per_step").doubleValue())
          .isLessThan(low.get("bytes_per_step").doubleValue());
      assertThat(high.get("rms_error").doubleValue())
          .isGreaterThan(low.get("rms_error").doubleValue())
          .isLessThan(high.get("largest_error").doubleValue());
      assertThat(high.get("median_step_us").doubleValue()).isPositive();
    }
    assertThat(Files.readString(out.resolve("tune.svg"))).startsWith("<?xml").contains("</svg>");
  }

  @Test
  void vectorsAreReadFromAFileOfCases() throws Exception {
    Path model = folder.resolve("vectors.safetensors");
    new Model(List.of(gru(3, Reset.AFTER), dense(2, Activation.LINEAR))).save(model);
    Path data = folder.resolve("data.safetensors");
    new WeightsWriter()
        .tensor("a.input", matrix("a", 20, 3, 1).toArray(), 20, 3)
        .tensor("a.output", new float[40], 20, 2)
        .tensor("b.input", matrix("b", 30, 3, 1).toArray(), 30, 3)
        .tensor("b.output", new float[60], 30, 2)
        .write(data);
    Path out = folder.resolve("report");
    String[] args = {
      "tune",
      model.toString(),
      data.toString(),
      "--epsilons",
      "0.2",
      "--limit",
      "45",
      "--max-error",
      "1e9",
      "--backend",
      "reference",
      "--out",
      out.toString()
    };
    Outcome outcome = run(args);
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .contains("45 steps")
        .contains("approximate")
        .contains("0.2")
        .doesNotContain("bits per char");
    assertThat(Files.readString(out.resolve("tune.md"))).contains("| exact |  | 100.0 % |");
  }

  @Test
  void ranksAreTriedAndTheModelIsSavedWithItsEstimate() throws Exception {
    String model = characterModel(gru(CHARACTERS.length(), Reset.AFTER));
    Path out = folder.resolve("report");
    Path saved = folder.resolve("estimated.safetensors");
    Outcome outcome =
        run(
            "tune",
            model,
            text(),
            "--epsilons",
            "0.3",
            "--ranks",
            "12,40",
            "--save",
            "12",
            saved.toString(),
            "--max-error",
            "1",
            "--backend",
            "reference",
            "--limit",
            "800",
            "--out",
            out.toString(),
            "--json");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    JsonNode points = JsonMapper.builder().build().readTree(outcome.out()).get("points");
    assertThat(points).hasSize(3);
    assertThat(points.get(0).has("rank")).isFalse();
    assertThat(points.get(1).get("rank").intValue()).isEqualTo(12);
    double plain = points.get(0).get("rms_error").doubleValue();
    for (int i = 1; i < 3; i++) {
      assertThat(points.get(i).get("rms_error").doubleValue()).isLessThan(4 * plain);
      assertThat(points.get(i).get("live_fraction").doubleValue()).isStrictlyBetween(0.0, 1.0);
    }
    Gru layer = (Gru) Model.load(saved).layers().get(0);
    assertThat(layer.estimate().orElseThrow().rank()).isEqualTo(12);
    assertThat(Model.load(saved).fingerprint()).isEqualTo(Model.load(Path.of(model)).fingerprint());
    assertThat(run("inspect", saved.toString()).out())
        .contains("gates estimated at rank 12", "calibrated for epsilon 0.3");
    assertRefused(2, "--save 16", "tune", model, text(), "--save", "16", "x", "--ranks", "12");
    assertRefused(1, "--ranks: 48", "tune", model, text(), "--ranks", "48");
  }

  @Test
  void theAdviceIsTheLineToWrite() {
    SweepPoint exact = point(0, OptionalInt.empty(), 10, 0);
    SweepPoint good = point(0.03f, OptionalInt.empty(), 8, 0.01);
    SweepPoint wild = point(0.3f, OptionalInt.of(16), 4, 0.5);
    SweepPoint slow = point(0.001f, OptionalInt.empty(), 11, 0.0001);
    assertThat(report(exact, 0.02, slow, good, wild).advice())
        .contains("1.25 times")
        .contains("PlanOptions.defaults().withSkipping(Skipping.below(0.03f))");
    assertThat(report(exact, 1, slow, good, wild).advice())
        .contains("2.50 times")
        .contains("--save 16 FILE");
    assertThat(report(exact, 0.001, slow, good, wild).advice())
        .contains("stay exact")
        .contains("--max-error");
  }

  private static SweepPoint point(float epsilon, OptionalInt rank, double micros, double error) {
    return new SweepPoint(epsilon, rank, 1, 3000, micros, error, error, OptionalDouble.empty());
  }

  private static TuneReport report(SweepPoint exact, double maxError, SweepPoint... points) {
    return new TuneReport(
        "m", "d", "b", List.of("rnn"), 5, maxError, new SweepResult(exact, List.of(points)));
  }

  @Test
  void whatCannotBeTunedIsRefusedWithTheReason() throws Exception {
    String shipped =
        Path.of(System.getProperty("stillgate.home"), "models", "text8-256.safetensors").toString();
    assertRefused(1, "no layer to tune", "tune", shipped, text());
    assertRefused(
        1,
        "no layer to tune",
        "tune",
        characterModel(gru(CHARACTERS.length(), Reset.BEFORE)),
        text());
    Path vectors = folder.resolve("vectors.safetensors");
    new Model(List.of(gru(3, Reset.AFTER))).save(vectors);
    assertRefused(1, "has no vocabulary", "tune", vectors.toString(), text());
    Path data = folder.resolve("data.safetensors");
    new WeightsWriter()
        .tensor("input", new float[8], 2, 4)
        .tensor("output", new float[2 * UNITS], 2, UNITS)
        .write(data);
    assertRefused(
        1,
        "vectors of 4 values, but the model reads 3",
        "tune",
        vectors.toString(),
        data.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "1", "-0.1", "NaN", "0.1,2", "many"})
  void badEpsilonsAreWrongUsage(String epsilons) throws Exception {
    assertRefused(2, "--epsilons", "tune", "model", "text", "--epsilons", epsilons);
  }

  private void assertRefused(int code, String reason, String... args) {
    Outcome outcome = run(args);
    assertThat(outcome.code()).as(outcome.out()).isEqualTo(code);
    assertThat(outcome.err()).contains(reason).doesNotContain("\tat ");
  }
}
