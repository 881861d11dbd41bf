package io.github.stillgate.cli;

import static io.github.stillgate.cli.Outcome.run;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.weights.WeightsWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MovedTuneTest {
  private static final String CHARACTERS = " abcdefghijklmnopqrstuvwxyz";
  private static final int UNITS = 40;

  @TempDir Path folder;

  private final Random random = new Random(17);

  private static String[] with(String[] args, String... more) {
    return Stream.concat(Arrays.stream(args), Arrays.stream(more)).toArray(String[]::new);
  }

  private static JsonNode json(String... args) throws Exception {
    Outcome outcome = run(args);
    assertThat(outcome.code()).as(outcome.err()).isZero();
    return JsonMapper.builder().build().readTree(outcome.out());
  }

  private Matrix matrix(String name, int rows, int columns, double scale) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return Matrix.of(name, rows, columns, values);
  }

  private Sums sums(String kind, int inputs) {
    return new Sums(
        matrix("W" + kind, UNITS, inputs, 1),
        matrix("U" + kind, UNITS, UNITS, 0.2),
        Matrix.vector("b" + kind, new float[UNITS]));
  }

  private Gru gru(int inputs) {
    return Gru.named("rnn")
        .update(sums("z", inputs))
        .reset(sums("r", inputs))
        .candidate(sums("c", inputs))
        .resetPosition(Reset.AFTER)
        .activations(Gru.Activations.STANDARD)
        .build();
  }

  private Dense dense(int outputs, Activation activation) {
    return new Dense(
        "out",
        matrix("W", outputs, UNITS, 0.5),
        Matrix.vector("b", new float[outputs]),
        activation);
  }

  private String characterModel() throws Exception {
    Path file = folder.resolve("gru.safetensors");
    int size = CHARACTERS.length();
    new Model(List.of(gru(size), dense(size, Activation.SOFTMAX)), new Vocabulary(CHARACTERS))
        .save(file);
    return file.toString();
  }

  private String text() throws Exception {
    Path file = folder.resolve("text.txt");
    Files.writeString(file, "the quick brown fox jumps over the lazy dog ".repeat(10));
    return file.toString();
  }

  @Test
  void thresholdsOfACharacterModelAreScored() throws Exception {
    Path out = folder.resolve("report");
    String model = characterModel();
    String text = text();
    JsonNode report =
        json(
            "tune",
            model,
            text,
            "--moved",
            "--theta",
            "80,3",
            "--worse",
            "10",
            "--backend",
            "reference",
            "--out",
            out.toString(),
            "--json");
    assertThat(report.get("steps").intValue()).isEqualTo(440);
    JsonNode layer = report.get("layers").get(0);
    assertThat(layer.get("name").textValue()).isEqualTo("rnn");
    // Of tokens a column is taken; nothing multiplies them.
    assertThat(layer.get("columns").intValue()).isEqualTo(UNITS);
    assertThat(layer.get("followed").intValue()).isEqualTo(UNITS);
    assertThat(layer.get("inputs_followed").booleanValue()).isTrue();
    assertThat(report.get("rule").get("max_worse").doubleValue()).isEqualTo(10);
    assertThat(report.get("rule").has("max_changed")).isFalse();
    JsonNode exact = report.get("exact");
    assertThat(exact.get("weights").textValue()).isEqualTo("f32");
    assertThat(exact.get("bits_per_char").doubleValue()).isPositive();
    JsonNode points = report.get("points");
    assertThat(points).extracting(point -> point.get("theta").intValue()).containsExactly(0, 3, 80);
    for (int i = 0; i < 2; i++) {
      JsonNode low = points.get(i);
      JsonNode high = points.get(i + 1);
      assertThat(high.get("bytes_per_step").doubleValue())
          .isLessThan(low.get("bytes_per_step").doubleValue());
      assertThat(high.get("moved_fraction").get("rnn").doubleValue())
          .isLessThan(low.get("moved_fraction").get("rnn").doubleValue());
      assertThat(high.get("rms_error").doubleValue())
          .isGreaterThan(low.get("rms_error").doubleValue());
    }
    assertThat(report.get("proposed_theta").intValue()).isEqualTo(80);
    assertThat(report.get("options").textValue())
        .isEqualTo("PlanOptions.defaults().withWeights(WeightFormat.I8).withMovementThreshold(80)");
    assertThat(report.get("by_layer"))
        .extracting(point -> point.get("layer").textValue() + point.get("theta").intValue())
        .containsExactly("rnn80", "out80");
    assertThat(Files.readString(out.resolve("tune.md")))
        .contains("./stillgate run %s %s --weights i8 --theta 80".formatted(model, text))
        .contains("| int8 | rnn, theta 80 |");
    assertThat(Files.readString(out.resolve("tune.svg"))).startsWith("<?xml").contains("</svg>");
  }

  @Test
  void decisionsChooseWhereThereIsNoScore() throws Exception {
    Path model = folder.resolve("vectors.safetensors");
    new Model(List.of(gru(3), dense(4, Activation.LINEAR))).save(model);
    Path data = folder.resolve("data.safetensors");
    float[] inputs = matrix("a", 60, 3, 1).toArray();
    new WeightsWriter()
        .tensor("a.input", inputs, 60, 3)
        .tensor("a.output", new float[240], 60, 4)
        .write(data);
    String[] tune = {
      "tune", model.toString(), data.toString(), "--moved", "--theta", "0", "--backend", "reference"
    };
    Outcome outcome = run(with(tune, "--changed", "1", "--out", folder.resolve("a").toString()));
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .contains("rnn: 3 of 43 columns, its inputs' among them, cannot be left out")
        .contains("--input-bound 1")
        .contains("Largest threshold with at most 100.00 % of the decisions changed: theta 0")
        .contains("PlanOptions.defaults().withWeights(WeightFormat.I8)")
        .doesNotContain("./stillgate run")
        .doesNotContain("bits per char");
    assertRefused(2, "--worse: this data has no score", with(tune, "--worse", "0.1"));
    // Inputs are refused by the session, which names the bound.
    assertRefused(1, "0.001", with(tune, "--input-bound", "0.001"));
  }

  @ParameterizedTest
  @CsvSource({
    "--theta 4, add --moved",
    "--changed 0.1, add --moved",
    "--moved --theta 127, not from 0 to 126",
    "--moved --theta -1, not from 0 to 126",
    "--moved --theta many, --theta",
    "--moved --changed 2, no share from 0 to 1",
    "--moved --worse NaN, --worse",
    "--moved --input-bound 0, not a number above 0",
    "--moved --ranks 8, tune one after the other",
    "--moved --epsilons 0.1, tune one after the other"
  })
  void wrongOptionsOfTuneNameTheCure(String options, String reason) {
    assertRefused(2, reason, with(new String[] {"tune", "model", "data"}, options.split(" ")));
  }

  @ParameterizedTest
  @CsvSource({
    "--theta 4, --theta follows what moved of int8 values",
    "--max-moved 4, add --weights i8",
    "--weights bf16 --theta 4, the weights are bf16",
    "--weights i8 --theta 127, not from 0 to 126",
    "--weights i8 --theta rnn=x, not a whole number",
    "--weights i8 --theta =4, no layer before the =",
    "--weights i8 --theta 4 --theta 5, given twice for all layers",
    "--weights i8 --max-moved 0, at least 1 value",
    "--weights i4, known: f32"
  })
  void wrongOptionsOfRunNameTheCure(String options, String reason) {
    assertRefused(2, reason, with(new String[] {"run", "model", "text"}, options.split(" ")));
  }

  @Test
  void runFollowsWhatItIsTold() throws Exception {
    String[] run = {
      "run", characterModel(), text(), "--json", "--backend", "reference", "--weights", "i8"
    };
    JsonNode whole = json(run);
    JsonNode lagging = json(with(run, "--theta", "0,out=60"));
    JsonNode cut = json(with(run, "--max-moved", "5"));
    String[] onlyLast = with(run, "--theta", "60");
    onlyLast[onlyLast.length - 3] = "f32,out=i8";
    assertThat(json(onlyLast).get("moved_fraction").get(0).doubleValue()).isEqualTo(1);
    assertThat(json(onlyLast).get("moved_fraction").get(1).doubleValue()).isLessThan(1);
    assertThat(whole.get("values_held_back").doubleValue()).isZero();
    assertThat(lagging.get("moved_fraction").get(0)).isEqualTo(whole.get("moved_fraction").get(0));
    assertThat(lagging.get("moved_fraction").get(1).doubleValue())
        .isLessThan(whole.get("moved_fraction").get(1).doubleValue());
    assertThat(cut.get("values_held_back").doubleValue()).isPositive();
    assertThat(cut.get("moved_fraction").get(0).doubleValue()).isLessThanOrEqualTo(5.0 / UNITS);
    assertRefused(1, "which the model does not have", with(run, "--theta", "none=4"));
  }

  private void assertRefused(int code, String reason, String... args) {
    Outcome outcome = run(args);
    assertThat(outcome.code()).as(outcome.out() + outcome.err()).isEqualTo(code);
    assertThat(outcome.err()).contains(reason).doesNotContain("\tat ");
  }
}
