package io.github.stillgate.cli;

import static io.github.stillgate.cli.Outcome.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.weights.WeightsWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code tune} on dense layers with relu. */
class TuneReluTest {
  private static final int INPUTS = 30;

  @TempDir private Path folder;

  private final Random random = new Random(9);

  /** Of low rank and a little noise. */
  private Matrix matrix(String name, int rows, int columns) {
    float[] values = new float[rows * columns];
    for (int k = 1; k < 6; k++) {
      double[] left = random.doubles(rows, -1, 1).toArray();
      double[] right = random.doubles(columns, -1, 1).toArray();
      for (int i = 0; i < values.length; i++) {
        values[i] += (float) (left[i / columns] * right[i % columns] / k);
      }
    }
    for (int i = 0; i < values.length; i++) {
      values[i] += (float) (0.02 * random.nextGaussian());
    }
    return Matrix.of(name, rows, columns, values);
  }

  private Dense dense(String name, int inputs, int units, Activation activation) {
    float[] b = new float[units];
    for (int i = 0; i < units; i++) {
      b[i] = (float) (0.3 * random.nextGaussian());
    }
    return new Dense(name, matrix("W", units, inputs), Matrix.vector("b", b), activation);
  }

  private String network(Layer... first) throws Exception {
    List<Layer> layers = new ArrayList<>(List.of(first));
    layers.add(dense("one", INPUTS, 50, Activation.RELU));
    layers.add(dense("two", 50, 40, Activation.RELU));
    layers.add(dense("out", 40, 4, Activation.LINEAR));
    Path file = folder.resolve("mlp.safetensors");
    new Model(layers).save(file);
    return file.toString();
  }

  private String data() throws Exception {
    Path data = folder.resolve("data.safetensors");
    float[] values = new float[200 * INPUTS];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat(-1, 1);
    }
    new WeightsWriter()
        .tensor("a.input", values, 200, INPUTS)
        .tensor("a.output", new float[800], 200, 4)
        .write(data);
    return data.toString();
  }

  private String[] with(String... more) throws Exception {
    List<String> args = new ArrayList<>(List.of("tune", network(), data()));
    args.addAll(List.of("--backend", "reference", "--out", folder.resolve("report").toString()));
    args.addAll(List.of(more));
    return args.toArray(String[]::new);
  }

  @Test
  void ranksThatAreTriedUnaskedCanBeSaved() throws Exception {
    Path saved = folder.resolve("unasked.safetensors");
    // An eighth of the ranks at which an estimate costs what it may save.
    int first = Math.max(1, INPUTS * 50 / (INPUTS + 50) / 8);
    int second = 50 * 40 / (50 + 40) / 8;
    Outcome outcome = run(with("--save", first + "-" + second, saved.toString()));
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(Model.load(saved).layers().get(0)).isInstanceOf(ConditionalDense.class);
  }

  @Test
  void ranksAndSharesAreSweptAndANetworkIsSaved() throws Exception {
    Path saved = folder.resolve("estimated.safetensors");
    Outcome outcome =
        run(
            with(
                "--ranks",
                "5-3,9",
                "--share",
                "0,0.95",
                "--agreement",
                "0.9",
                "--save",
                "5-3",
                saved.toString(),
                "--json"));
    assertThat(outcome.code()).as(outcome.err()).isZero();
    Path out = folder.resolve("report");
    assertThat(Files.readString(out.resolve("tune.json"))).isEqualTo(outcome.out());
    JsonNode report = JsonMapper.builder().build().readTree(outcome.out());
    assertThat(report.get("layers").toString()).isEqualTo("[\"one\",\"two\"]");
    assertThat(report.get("steps").intValue()).isEqualTo(200);
    assertThat(report.get("zero_input_bound").doubleValue()).isGreaterThan(1);
    JsonNode exact = report.get("exact");
    assertThat(exact.get("largest_error").doubleValue()).isZero();
    assertThat(exact.get("same_largest_output").doubleValue()).isEqualTo(1);
    assertThat(exact.get("layers")).isEmpty();
    JsonNode points = report.get("points");
    assertThat(points).hasSize(6);
    assertThat(points.get(0).get("ranks").toString()).isEqualTo("[5,3]");
    assertThat(points.get(0).get("share").doubleValue()).isZero();
    assertThat(points.get(3).get("ranks").toString()).isEqualTo("[9,9]");
    assertThat(points.get(3).get("share").doubleValue()).isEqualTo(0.95);
    for (JsonNode point : points) {
      assertThat(point.get("live_fraction").doubleValue()).isStrictlyBetween(0.05, 0.95);
      assertThat(point.get("rms_error").doubleValue())
          .isPositive()
          .isLessThan(point.get("largest_error").doubleValue());
      assertThat(point.get("factor").doubleValue())
          .isCloseTo(
              exact.get("median_step_us").doubleValue() / point.get("median_step_us").doubleValue(),
              within(1e-9));
      JsonNode first = point.get("layers").get(0);
      double k = first.get("rank").doubleValue();
      double dh = INPUTS * 50;
      assertThat(first.get("bound").doubleValue())
          .isCloseTo(
              dh / (k * (INPUTS + 50) + first.get("live_fraction").doubleValue() * dh),
              within(1e-9));
      assertThat(first.get("dense_bytes_per_step").doubleValue()).isEqualTo(4 * 32 * 50);
    }
    // A higher rank misses less.
    assertThat(points.get(2).get("false_negatives").doubleValue())
        .isLessThan(points.get(0).get("false_negatives").doubleValue());
    assertThat(Files.readString(out.resolve("tune.svg"))).startsWith("<?xml").contains("</svg>");

    Model model = Model.load(saved);
    assertThat(((ConditionalDense) model.layers().get(0)).estimate().rank()).isEqualTo(5);
    assertThat(((ConditionalDense) model.layers().get(1)).estimate().rank()).isEqualTo(3);
    try (Plan plan = Plan.compile(model);
        Session session = Session.open(plan)) {
      session.step(new float[INPUTS], new float[4]);
      assertThat(session.stats().liveFraction(0)).isStrictlyBetween(0.0, 1.0);
    }
    assertThat(run("inspect", saved.toString()).out())
        .contains("dense, relu, units estimated at rank 5")
        .contains("dense layers estimated at ranks 5-3, no threshold");
  }

  @Test
  void theTableHasTheBaselineThatIsNotRun() throws Exception {
    Outcome outcome = run(with("--max-error", "1e9"));
    assertThat(outcome.code()).as(outcome.err()).isZero();
    // A sixteenth, an eighth and a quarter of 18 and 22, each found in two ways.
    assertThat(outcome.out())
        .contains("zero inputs left out")
        .contains("packs by columns")
        .contains("1-1 ", "2-2 ", "4-5 ")
        .contains("tau 0")
        .contains("0.99");
    assertThat(outcome.out()).containsPattern("Fastest within 1\\.0E9|No point is both faster");
    assertThat(Files.readString(folder.resolve("report").resolve("tune.md")))
        .contains("| zero inputs left out |", "| 4-5 | tau 0 | one | 4 | 0.000 |");
  }

  @Test
  void aLayerOfRankZeroIsLeftAsItIs() throws Exception {
    Outcome outcome = run(with("--ranks", "0-4", "--share", "0", "--json"));
    assertThat(outcome.code()).as(outcome.err()).isZero();
    JsonNode point = JsonMapper.builder().build().readTree(outcome.out()).get("points").get(0);
    assertThat(point.get("layers")).hasSize(1);
    assertThat(point.get("layers").get(0).get("layer").textValue()).isEqualTo("two");
  }

  /** A network with a GRU to tune needs to be told; ranks of several layers tell. */
  @Test
  void denseLayersBehindAGruAreTunedWhenAsked() throws Exception {
    Sums sums =
        new Sums(
            matrix("W", INPUTS, INPUTS),
            matrix("U", INPUTS, INPUTS),
            Matrix.vector("b", new float[INPUTS]));
    Gru gru = Gru.named("rnn").update(sums).reset(sums).candidate(sums).build();
    String file = network(gru);
    for (String[] asked : new String[][] {{"--relu", "--ranks", "4"}, {"--ranks", "4-4"}}) {
      List<String> args = new ArrayList<>(List.of("tune", file, data(), "--json"));
      args.addAll(List.of("--backend", "reference", "--out", folder.toString(), "--share", "0"));
      args.addAll(List.of(asked));
      Outcome outcome = run(args.toArray(String[]::new));
      assertThat(outcome.code()).as(outcome.err()).isZero();
      JsonNode points = JsonMapper.builder().build().readTree(outcome.out()).get("points");
      assertThat(points).hasSize(1);
      assertThat(points.get(0).get("ranks").toString()).isEqualTo("[4,4]");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2 | --ranks 4-4-4     | 4-4-4 has 3 ranks for 2 dense layers with relu: [one, two]",
        "2 | --ranks 4-x       | '4-x' is not a rank a layer, such as 50-35-25, nor one for all",
        "1 | --ranks 31-4      | rank 31 is not from 1 to 30, the smaller side of W of layer one",
        "2 | --share 1.5       | --share must be above 0 and at most 1, or 0 for no threshold",
        "2 | --agreement 0     | --agreement must be above 0 and at most 1",
        "1 | --agreement 1     | layer one: signs agree in",
        "2 | --max-error 0     | --max-error must be above 0",
        "2 | --ranks 4 --save 5-5 x | --save 5-5: no ranks among those that are tried: [4-4]"
      })
  void whatCannotBeTunedIsRefused(int code, String options, String reason) throws Exception {
    Outcome outcome = run(with(options.split(" ")));
    assertThat(outcome.code()).as(outcome.out()).isEqualTo(code);
    assertThat(outcome.err()).contains(reason).doesNotContain("\tat ");
  }
}
