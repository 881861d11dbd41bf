package io.github.stillgate.bench.paper.estimators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.FailureLine;
import io.github.stillgate.bench.paper.estimators.SpeedFork.Found;
import io.github.stillgate.bench.paper.estimators.SpeedFork.Way;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class EstimatorsTest {
  private static final int PICTURES = 40;

  @TempDir Path folder;
  private Path mnist;
  private Path runs;

  @BeforeEach
  void writeDigits() throws IOException {
    mnist = Files.createDirectory(folder.resolve("mnist"));
    runs = Files.createDirectory(folder.resolve("runs"));
    SplittableRandom random = new SplittableRandom(5);
    byte[] pixels = new byte[PICTURES * 784];
    random.nextBytes(pixels);
    pixels[0] = (byte) 255;
    byte[] classes = new byte[PICTURES];
    for (int i = 0; i < PICTURES; i++) {
      classes[i] = (byte) (i % 10);
    }
    write("t10k-images-idx3-ubyte", header(PICTURES, 28, 28), pixels);
    write("t10k-labels-idx1-ubyte", header(PICTURES), classes);
  }

  private static byte[] header(int... shape) {
    ByteBuffer header = ByteBuffer.allocate(4 + 4 * shape.length).putInt(0x800 + shape.length);
    for (int size : shape) {
      header.putInt(size);
    }
    return header.array();
  }

  private void write(String name, byte[]... parts) throws IOException {
    try (OutputStream out =
        new GZIPOutputStream(Files.newOutputStream(mnist.resolve(name + ".gz")))) {
      for (byte[] part : parts) {
        out.write(part);
      }
    }
  }

  /** A run of a 784-32-10 network: one hidden layer, so that its files are small. */
  private void run(String name, int seed, boolean finished, String trace, String... configurations)
      throws IOException {
    Path run = Files.createDirectory(runs.resolve(name));
    List<String> networks = new ArrayList<>();
    List<String> points = new ArrayList<>();
    for (String configuration : configurations) {
      String full = configuration.replace(":", "-") + "-seed" + seed;
      Model model = network(configuration, seed);
      model.save(run.resolve(full + ".safetensors"));
      Digits digits = Digits.test(mnist);
      byte[] classes = new byte[PICTURES];
      for (int i = 0; i < PICTURES; i++) {
        classes[i] = (byte) plainClass(model, digits.pictures()[i]);
      }
      Files.write(run.resolve(full + ".classes"), classes);
      networks.add(
          "\"%s\": {\"configuration\": \"%s\", \"seed\": %d, \"test\": {\"error\": 90.0, \"agreement\": [0.9], \"live\": [0.5], \"positive\": [0.5], \"missed\": [0.02]}}"
              .formatted(full, configuration, seed));
      points.add(
          "\"%s\": {\"error\": %d, \"minibatches\": [[0.9, 0.8, 0.7]]}".formatted(full, 10 + seed));
    }
    String point = "{\"networks\": {" + String.join(", ", points) + "}}";
    Files.writeString(
        run.resolve("record.json"),
        """
        {"settings": {"set": "mnist", "sizes": [784, 32, 10], "seeds": "%d", "networks": "x",
          "schedule": "quick", "rate": 0.001, "batch": 250, "epochs": 4, "dropout": [0.3, 0.5],
          "train_pictures": null, "trace": %s},
         "curve": [%s, %s, %s, %s], "machine": "a machine",
         "result": %s}
        """
            .formatted(
                seed,
                trace,
                point,
                point,
                point,
                point,
                finished
                    ? "{\"pictures\": \"MNIST\", \"networks\": {"
                        + String.join(", ", networks)
                        + "}}"
                    : "null"));
  }

  private static Model network(String configuration, int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Matrix w = matrix("W", 32, 784, random);
    Matrix b = Matrix.vector("b", matrix("b", 1, 32, random).toArray());
    Layer hidden = new Dense("hidden0", w, b, Activation.RELU);
    if (!configuration.equals("control")) {
      Matrix v = matrix("V", 2, 784, random);
      Matrix u = matrix("U", 32, 2, random);
      hidden = new ConditionalDense("hidden0", new ConditionalDense.Estimate(v, u, b), w, b);
    }
    return new Model(
        List.of(
            hidden,
            new Dense(
                "out",
                matrix("W", 10, 32, random),
                Matrix.vector("b", new float[10]),
                Activation.SOFTMAX)));
  }

  private static Matrix matrix(String name, int rows, int columns, SplittableRandom random) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble(-0.1, 0.1);
    }
    return Matrix.of(name, rows, columns, values);
  }

  /** The formulas in float64, without the library's plans. */
  private static int plainClass(Model model, float[] x) {
    double[] a = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      a[i] = x[i];
    }
    Layer first = model.layers().getFirst();
    Matrix w = first.tensors().get("W");
    double[] y = sums(w, first.tensors().get("b"), a);
    boolean estimated = first instanceof ConditionalDense;
    double[] s =
        estimated
            ? sums(
                first.tensors().get("U"),
                first.tensors().get("e"),
                sums(first.tensors().get("V"), Matrix.vector("0", new float[2]), a))
            : y;
    for (int i = 0; i < y.length; i++) {
      y[i] = s[i] > 0 ? Math.max(y[i], 0) : 0;
    }
    Layer out = model.layers().getLast();
    double[] scores = sums(out.tensors().get("W"), out.tensors().get("b"), y);
    int best = 0;
    for (int i = 1; i < scores.length; i++) {
      best = scores[i] > scores[best] ? i : best;
    }
    return best;
  }

  private static double[] sums(Matrix w, Matrix b, double[] x) {
    double[] sums = new double[w.rows()];
    for (int r = 0; r < sums.length; r++) {
      sums[r] = b.at(0, r);
      for (int c = 0; c < x.length; c++) {
        sums[r] += w.at(r, c) * x[c];
      }
    }
    return sums;
  }

  private int reproduce(StringWriter said) {
    return new CommandLine(new ReproduceEstimators())
        .setOut(new PrintWriter(said, true))
        .setErr(new PrintWriter(said, true))
        .setExecutionExceptionHandler(new FailureLine())
        .execute(
            "--mnist",
            mnist.toString(),
            "--runs",
            runs.toString(),
            "--results",
            folder.resolve("results").toString(),
            "--forks",
            "0");
  }

  @Test
  void pixelsAreReadAsTheNetworksReadThem() throws IOException {
    Digits digits = Digits.test(mnist);
    assertThat(digits.size()).isEqualTo(PICTURES);
    assertThat(digits.pictures()[0]).hasSize(784);
    assertThat(digits.pictures()[0][0]).isEqualTo(255 / 128f - 1);
    assertThat(digits.classes()).startsWith(0, 1, 2);
  }

  @Test
  void damagedAndAbsentDigitsAreNamed() throws IOException {
    write("t10k-labels-idx1-ubyte", header(PICTURES), new byte[PICTURES - 1]);
    assertThatThrownBy(() -> Digits.test(mnist)).hasMessageContaining("does not have the size");
    Path plain = mnist.resolve("t10k-images-idx3-ubyte");
    Files.write(plain, new byte[] {0, 0, 9, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    assertThatThrownBy(() -> Digits.test(mnist)).hasMessageContaining("no idx file");
    assertThatThrownBy(() -> Digits.test(folder)).hasMessageContaining("is not there");
  }

  /** Eq. 3.8 in weights, by hand: 784 x 1000, rank 50, a quarter live. */
  @Test
  void theBoundIsThatOfTheFormula() {
    assertThat(Bound.layer(784, 1000, 50, 0.25))
        .isCloseTo(784_000 / (89_200 + 196_000.0), within(1e-12));
    Model model = network("2", 1);
    double hidden = 784 * 32;
    assertThat(Bound.network(model, new double[] {0.5, 1}))
        .isCloseTo((hidden + 320) / (2 * (784 + 32) + 0.5 * hidden + 320), within(1e-12));
    assertThat(Bound.network(Bound.dense(model), new double[] {0.5, 1})).isEqualTo(1);
  }

  @Test
  void absentRunsAreAnsweredWithTheCommandThatTrains() {
    StringWriter said = new StringWriter();
    assertThat(reproduce(said)).isEqualTo(1);
    assertThat(said.toString())
        .contains("no finished training", "estimated_mlp.py --images " + mnist, "python3-torch");
  }

  @Test
  void runsOfOtherSettingsAreNoTable() throws IOException {
    run("seed-1", 1, true, "0", "control");
    run("seed-2", 2, true, "0", "control");
    Path record = runs.resolve("seed-2/record.json");
    Files.writeString(record, Files.readString(record).replace("\"batch\": 250", "\"batch\": 100"));
    assertThatThrownBy(() -> EstimatedRuns.read(runs, ""))
        .hasMessageContaining("seed-1 and seed-2")
        .hasMessageContaining("batch");
  }

  @Test
  void damagedFilesAreNamed() throws IOException {
    run("seed-1", 1, true, "0", "control");
    Path record = runs.resolve("seed-1/record.json");
    String whole = Files.readString(record);
    for (String text : List.of(whole.substring(0, 60), whole.replace("0.001", "NaN"), "")) {
      Files.writeString(record, text);
      assertThatThrownBy(() -> EstimatedRuns.read(runs, ""))
          .hasMessageStartingWith(record + ": ")
          .hasMessageEndingWith("; train again, or move " + record.getParent() + " away");
    }
    Files.writeString(record, whole);
    Path ranks = runs.resolve("seed-1/rank-error.json");
    String layers = "{\"layers\": {\"hidden0\": {\"ranks\": [1, 2], \"value\": [0.9, %s]";
    for (String text :
        List.of(
            layers,
            layers.formatted("NaN") + ", \"sign\": [0, 0]}}}",
            layers.formatted("0.1") + ", \"sign\": [0]}}}",
            "{}")) {
      Files.writeString(ranks, text);
      assertThatThrownBy(() -> EstimatedRuns.read(runs, ""))
          .hasMessageStartingWith(ranks + ": ")
          .hasMessageEndingWith("; remove it, or make it again with rank_error.py");
    }
  }

  @Test
  void whatTheLibraryFindsIsWhatTheFormulasSay() throws IOException {
    run("seed-1", 1, true, "0", "control", "2");
    EstimatedRuns trained = EstimatedRuns.read(runs, "");
    assertThat(trained.configurations()).containsExactly("control", "2");
    Digits digits = Digits.test(mnist);
    Score score = Score.of(trained.networks().get(1), digits);
    assertThat(score.same()).isEqualTo(1);
    int wrong = 0;
    for (int i = 0; i < PICTURES; i++) {
      wrong += plainClass(network("2", 1), digits.pictures()[i]) == digits.classes()[i] ? 0 : 1;
    }
    assertThat(score.error()).isEqualTo(100.0 * wrong / PICTURES);
    assertThat(score.live()).hasSize(1);
    assertThat(score.live()[0]).isBetween(0.05, 0.95);
    assertThat(Score.of(trained.networks().getFirst(), digits).bound()).isEqualTo(1);
  }

  @Test
  void theTableHasMeansOfTheSeedsAndTheCommandFailsWhereTheErrorsDo() throws IOException {
    run("seed-1", 1, true, "0", "control", "2");
    run("seed-2", 2, true, "0", "control", "2");
    run("seed-3", 3, false, "0", "control", "2");
    run("refresh", 1, true, "4", "2", "2:every2");
    Files.writeString(
        runs.resolve("seed-1/rank-error.json"),
        """
        {"network": "control-seed1.safetensors", "layers":
          {"hidden0": {"ranks": [1, 2], "value": [0.9, 0.3], "sign": [0.5, 0.1]}}}
        """);
    StringWriter said = new StringWriter();
    assertThat(reproduce(said)).as(said.toString()).isEqualTo(1);
    assertThat(said.toString()).contains("missed: control:", "missed: 10-10-5:");
    Path results = folder.resolve("results");
    String text = Files.readString(results.resolve("estimators.md"));
    assertThat(text)
        .contains(
            "| control | 1.124 +- 0.074 |",
            "an input that a relu made 0 adds nothing",
            "seed-3 (epoch 4 of 4)")
        .contains("never worse than the value");
    JsonNode json =
        JsonMapper.builder().build().readTree(results.resolve("estimators.json").toFile());
    assertThat(json.get("rows")).hasSize(2);
    assertThat(json.get("rows").get(0).get("scores")).hasSize(2);
    for (String figure : List.of("refresh", "rank", "errors", "two-ranks")) {
      assertThat(results.resolve("estimators-" + figure + ".svg")).isNotEmptyFile();
    }
  }

  @Test
  void aRowIsTheMeanAndDeviationOfItsSeeds() {
    Row row = new Row("25-25-25", List.of(score(1.0), score(1.4), score(1.2)));
    assertThat(row.mean(Score::error)).isCloseTo(1.2, within(1e-12));
    assertThat(row.deviation(Score::error)).isCloseTo(0.2, within(1e-12));
    assertThat(new Row("x", List.of(score(1.0))).deviation(Score::error)).isNaN();
    assertThat(row.paper()).isEqualTo("1.234 +- 0.050");
  }

  @Test
  void goalsHoldExactlyWhereTheyShould() {
    List<Row> good = rows(1.3, 1.5, 2.05, 2.1);
    assertThat(Goal.of(good, List.of())).allMatch(Goal::met).allMatch(Goal::binding);
    assertThat(missed(rows(1.36, 1.5, 2.05, 2.1))).containsExactly("control");
    assertThat(missed(rows(1.3, 1.56, 2.05, 2.1))).containsExactly("25-25-25");
    assertThat(missed(rows(1.3, 1.5, 2.11, 2.2))).containsExactly("15-10-5");
    assertThat(missed(rows(1.3, 1.5, 2.05, 2.05))).containsExactly("10-10-5");
    assertThat(missed(good.subList(0, 3))).containsExactly("10-10-5");
  }

  private static List<String> missed(List<Row> rows) {
    return Goal.of(rows, List.of()).stream()
        .filter(goal -> !goal.met())
        .map(goal -> goal.text().split(":")[0])
        .toList();
  }

  private static List<Row> rows(double... errors) {
    List<String> names = List.of("control", "25-25-25", "15-10-5", "10-10-5");
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < errors.length; i++) {
      rows.add(new Row(names.get(i), List.of(score(errors[i]))));
    }
    return rows;
  }

  private static Score score(double error) {
    double[] half = {0.5};
    return new Score("x", 1, error, error, 1, half, half, half, half, 2, 2);
  }

  @Test
  void factorsAreMediansOverTheJvms() {
    List<List<Found>> reports = new ArrayList<>();
    for (double dense : new double[] {300, 100, 200}) {
      reports.add(
          List.of(
              new Found("native", Way.ESTIMATED, 100, 150, 10),
              new Found("native", Way.MASKED, 250, 260, 10),
              new Found("native", Way.DENSE, dense, dense, 10),
              new Found("native", Way.ESTIMATED_I8, 40, 40, 10),
              new Found("native", Way.DENSE_I8, dense / 5, dense / 4, 10)));
    }
    Speed speed = Speed.of(score(1), reports).getFirst();
    assertThat(speed.factor()).isEqualTo(2);
    assertThat(speed.least()).isEqualTo(1);
    assertThat(speed.greatest()).isEqualTo(3);
    assertThat(speed.share()).isEqualTo(1);
    assertThat(speed.estimatedI8()).isEqualTo(40);
    assertThat(speed.denseI8()).isEqualTo(40);
  }

  @Test
  void everyWayIsTimedOnEveryBackend() {
    float[][] pictures = new float[30][784];
    for (float[] picture : pictures) {
      picture[3] = 1;
    }
    List<Found> found = SpeedFork.run(network("2", 1), pictures, 0.01);
    assertThat(found).isNotEmpty();
    assertThat(found.size() % Way.values().length).isZero();
    assertThat(found).allMatch(one -> one.p50() > 0 && one.steps() >= 75);
  }
}
