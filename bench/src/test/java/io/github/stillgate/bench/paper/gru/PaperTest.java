package io.github.stillgate.bench.paper.gru;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.paper.Trainings;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.training.CharCorpus;
import io.github.stillgate.training.Recipe;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PaperTest {
  @TempDir Path folder;

  @Test
  void everyCellOfTheTablesIsThereOnce() {
    List<Experiment> all = new ArrayList<>(Experiment.table2(200));
    all.addAll(Experiment.table4(200));
    assertThat(all).hasSize(24);
    all.addAll(Experiment.fullGating(200));
    assertThat(all).hasSize(28);
    all.addAll(Experiment.dense(200));
    all.addAll(Experiment.curves(3000));
    all.addAll(Experiment.recipes(3000));
    assertThat(all).extracting(Experiment::name).doesNotHaveDuplicates();
    assertThat(Experiment.table2(200))
        .extracting(e -> e.recipe().network().rank())
        .containsOnly(16, 32, 64);
    assertThat(Experiment.table2(200))
        .extracting(e -> e.recipe().schedule().population())
        .containsOnly(100);
    assertThat(Experiment.fullGating(200))
        .extracting(e -> e.recipe().network().rank())
        .containsOnly(1024);
    assertThat(Experiment.recipes(600))
        .extracting(e -> e.recipe().schedule().population())
        .contains(0, 300);
  }

  /** What is on disk is found by its name: names that change train everything again. */
  @Test
  void namesStayWhatTrainedNetworksAreKeptBy() {
    assertThat(Experiment.table4(240).getFirst().name())
        .isEqualTo("unit-1024-g64-s0.00-population-u240");
    assertThat(Experiment.table2(240).getLast().name())
        .isEqualTo("block-1024-g16-s-0.75-population-u240");
    assertThat(Experiment.dense(240).getFirst().name()).isEqualTo("gru-1024-u240");
    assertThat(Experiment.fullGating(240))
        .extracting(Experiment::name)
        .containsExactly(
            "full-1024-s0.00-population-u240",
            "full-1024-s-0.25-population-u240",
            "full-1024-s-0.50-population-u240",
            "full-1024-s-0.75-population-u240");
    assertThat(Experiment.recipes(600))
        .extracting(Experiment::name)
        .contains(
            "unit-256-g16-s-0.25-u600",
            "block-256-g16-s-0.75-annealed-population-u600",
            "hybrid-256-g16-live0.40-population-u600",
            "unit-256-g16-s-0.25-batchnorm-population-u600");
  }

  /** Corners of the printed tables. */
  @Test
  void thePapersFactorsStandWhereItPrintsThem() {
    assertThat(Tables.paperFactor(Recipe.Cell.BLOCK, 64, 0)).isEqualTo(0.73);
    assertThat(Tables.paperFactor(Recipe.Cell.BLOCK, 16, -0.75f)).isEqualTo(1.95);
    assertThat(Tables.paperFactor(Recipe.Cell.BLOCK, 64, -0.25f)).isEqualTo(1.88);
    assertThat(Tables.paperFactor(Recipe.Cell.UNIT, 16, 0)).isEqualTo(1.55);
    assertThat(Tables.paperFactor(Recipe.Cell.UNIT, 16, -0.75f)).isEqualTo(2.55);
    assertThat(Tables.paperFactor(Recipe.Cell.UNIT, 64, -0.5f)).isEqualTo(1.99);
  }

  /** All dense baselines must run the same network, or they are no baselines. */
  @Test
  void everyDenseImplementationPredictsTheSame() {
    Model gru = gru(27, 64);
    for (int streams : new int[] {1, 5}) {
      List<DenseGru> all = DenseGru.all(gru, streams);
      assertThat(all).isNotEmpty();
      SplittableRandom random = new SplittableRandom(3);
      int[] tokens = new int[streams];
      for (int step = 0; step < 20; step++) {
        for (int s = 0; s < streams; s++) {
          tokens[s] = random.nextInt(27);
        }
        for (DenseGru one : all) {
          one.step(tokens);
        }
        for (int s = 0; s < streams; s++) {
          for (DenseGru one : all) {
            assertThat(one.likeliest(s))
                .as("%s, stream %d of %d, step %d", one.name(), s, streams, step)
                .isEqualTo(all.getFirst().likeliest(s));
          }
        }
      }
      all.forEach(DenseGru::close);
    }
  }

  @Test
  void anInterruptedTrainingGoesOnAndAFinishedOneIsLeftAlone() throws Exception {
    assumeThat(hasPyTorch()).as("PyTorch's natives are here").isTrue();
    SplittableRandom random = new SplittableRandom(1);
    byte[] text = new byte[40_000];
    for (int i = 0; i < text.length; i++) {
      text[i] = (byte) (i % 7 == 0 ? 0 : random.nextInt(3));
    }
    CharCorpus corpus = new CharCorpus(text, text, text);
    Experiment experiment =
        new Experiment(
            "tiny",
            "tiny",
            new Recipe(
                new Recipe.Network(Recipe.Cell.BLOCK, 8, 1, 2),
                Recipe.Shift.constant(0),
                new Recipe.Schedule(4, 5, 12, 0, 0, 1e-2f, 1, 1000, 1)));
    Trainings interrupted = new Trainings(folder, corpus, 6_000);
    int[] asked = {0};
    assertThat(interrupted.run(List.of(experiment), () -> ++asked[0] > 6)).isFalse();
    assertThat(interrupted.curve(experiment).points()).hasSizeBetween(1, 11);
    Trainings trainings = new Trainings(folder, corpus, 6_000);
    assertThat(trainings.run(List.of(experiment), () -> false)).isTrue();
    assertThat(trainings.curve(experiment).points()).hasSize(12);
    assertThat(trainings.curve(experiment).last().update()).isEqualTo(12);
    Path model = trainings.model(experiment);
    assertThat(Model.load(model).outputs()).isEqualTo(27);
    var written = Files.getLastModifiedTime(model);
    assertThat(trainings.run(List.of(experiment), () -> false)).isTrue();
    assertThat(Files.getLastModifiedTime(model)).isEqualTo(written);
  }

  /** The whole way from training to the written page, small. */
  @Test
  void tablesAreMeasuredAndWritten() throws Exception {
    assumeThat(hasPyTorch()).as("PyTorch's natives are here").isTrue();
    SplittableRandom random = new SplittableRandom(1);
    byte[] text = new byte[40_000];
    for (int i = 0; i < text.length; i++) {
      text[i] = (byte) (i % 7 == 0 ? 0 : random.nextInt(3));
    }
    CharCorpus corpus = new CharCorpus(text, text, text);
    Trainings trainings = new Trainings(folder.resolve("networks"), corpus, 6_000);
    Experiment block = tiny("block", Recipe.Cell.BLOCK);
    Experiment unit = tiny("unit", Recipe.Cell.UNIT);
    Experiment twin = tiny("twin", Recipe.Cell.GRU);
    assertThat(trainings.run(List.of(block, unit, twin), () -> false)).isTrue();

    Tables tables =
        new Tables(
            trainings, corpus, 3, 20, 5, 2_000, new PrintStream(new ByteArrayOutputStream()));
    List<TableRow> blocks = tables.measure(List.of(block), twin);
    List<TableRow> units = tables.measure(List.of(unit), twin);
    TableRow row = blocks.getFirst();
    assertThat(row.live()).hasSize(2);
    assertThat(row.bits()).isBetween(1.0, 5.0);
    assertThat(row.single().bound()).isGreaterThan(1);
    assertThat(row.single().sameBound()).isBetween(1.0, row.single().bound());
    assertThat(row.batch()).isNotNull();
    assertThat(row.batch().factor()).isPositive();
    assertThat(units.getFirst().batch()).isNull();

    Path results = folder.resolve("results");
    Report report = new Report(results, "a test");
    report.table("table2", "Blocks", blocks, "A note.");
    report.table("table4", "Units", units, "A note.");
    report.curves("curves", "Curves", List.of(trainings.curve(block), trainings.curve(twin)));
    report.recipes(
        List.of(block, unit, twin),
        List.of(trainings.curve(block), trainings.curve(unit), trainings.curve(twin)));
    report.liveFractions("table2", "Live units", List.of(trainings.curve(block)));
    assertThat(results.resolve("table2-live.svg")).exists();
    report.tradeOff(units, blocks, List.of(new Report.Smaller(256, 3, 1000, 1)));
    assertThat(Files.readString(results.resolve("table2.md")))
        .contains("64 streams", "| 16 | 0.00 | 1.20x |", "of its bound");
    assertThat(results.resolve("trade-off.svg")).exists();
    assertThat(results.resolve("curves-live.svg")).exists();
    JsonNode written =
        JsonMapper.builder().build().readTree(results.resolve("table4.json").toFile());
    assertThat(written.at("/rows/0/single/factor").asDouble()).isPositive();
  }

  /** Its gates alone are a third of the full GRU: no step reads less. */
  @Test
  void fullGatingIsMeasuredBelowItsBound() throws Exception {
    assumeThat(hasPyTorch()).as("PyTorch's natives are here").isTrue();
    SplittableRandom random = new SplittableRandom(2);
    byte[] text = new byte[40_000];
    for (int i = 0; i < text.length; i++) {
      text[i] = (byte) (i % 7 == 0 ? 0 : random.nextInt(3));
    }
    CharCorpus corpus = new CharCorpus(text, text, text);
    Trainings trainings = new Trainings(folder.resolve("networks"), corpus, 6_000);
    Experiment full = tiny("full", Recipe.Cell.FULL, 64);
    Experiment twin = tiny("twin", Recipe.Cell.GRU, 64);
    assertThat(trainings.run(List.of(full, twin), () -> false)).isTrue();
    Tables tables =
        new Tables(
            trainings, corpus, 3, 20, 5, 2_000, new PrintStream(new ByteArrayOutputStream()));
    List<TableRow> rows = tables.measure(List.of(full), twin);
    TableRow row = rows.getFirst();
    assertThat(row.gating()).isEqualTo("full");
    assertThat(row.paper()).isNull();
    // n = 64 behind 27 tokens and 64 values, and 27 rows of output; a row read by token is a float.
    double live = (row.live()[0] * 65 + row.live()[1] * 128) / (65 + 128);
    double layers = 64 * (65 + 128);
    double output = 27 * 64;
    double bound = (3 * layers + output) / (layers + 2 * live * layers + output);
    assertThat(row.single().bound()).isBetween(0.9 * bound, 1.1 * bound).isLessThan(3);
    Report report = new Report(folder.resolve("results"), "a test");
    report.fullGating(rows, List.of(), "A note.");
    assertThat(Files.readString(folder.resolve("results/table4-full.md")))
        .contains("never above 3x", "| full | 0.00 | - |", "No factor is above 3x");
    report.fullGating(rows, List.of("a line"), "A note.");
    assertThat(Files.readString(folder.resolve("results/table4-full.md")))
        .contains("* above 3x: a line")
        .doesNotContain("No factor");
    JsonNode written =
        JsonMapper.builder().build().readTree(folder.resolve("results/table4-full.json").toFile());
    assertThat(written.at("/rows/0/paper_factor").isNull()).isTrue();
  }

  @Test
  void aFactorAboveThreeAndItsNoiseIsReported() {
    assertThat(FullGatingBound.above(List.of(full(1000, 950, 1050, 3_250, 2.9)))).isEmpty();
    assertThat(FullGatingBound.above(List.of(full(1000, 950, 1050, 3_350, 2.9))))
        .singleElement()
        .asString()
        .contains("3.35x", "noise of 10 %", "2.90x");
    // Trials that lie 40 % apart are a noise of 20 %.
    assertThat(FullGatingBound.above(List.of(full(1000, 800, 1200, 3_550, 2.9)))).isEmpty();
    assertThat(FullGatingBound.above(List.of(full(1000, 950, 1050, 2_000, 3.01))))
        .singleElement()
        .asString()
        .contains("1/3.010", "counted wrongly");
  }

  private static TableRow full(double nanos, double low, double high, double gru, double bound) {
    return new TableRow(
        "full",
        "full",
        1024,
        0,
        null,
        240,
        new double[] {0.5, 0.5},
        3,
        3,
        new TableRow.Speed(nanos, low, high, "a GRU", gru, gru / nanos, bound, nanos, 1, 1),
        null);
  }

  private static Experiment tiny(String name, Recipe.Cell cell) {
    return tiny(name, cell, 256);
  }

  private static Experiment tiny(String name, Recipe.Cell cell, int units) {
    return new Experiment(
        name,
        name,
        new Recipe(
            new Recipe.Network(cell, units, 2, 16),
            Recipe.Shift.constant(0),
            new Recipe.Schedule(4, 5, 6, 0, 0, 1e-2f, 1, 1000, 1)));
  }

  private static boolean hasPyTorch() {
    try {
      Engine.getEngine("PyTorch");
      return true;
    } catch (EngineException | IllegalArgumentException absent) {
      return false;
    }
  }

  private static Model gru(int tokens, int units) {
    SplittableRandom random = new SplittableRandom(11);
    return new Model(
        List.of(
            layer("a", tokens, units, random),
            layer("b", units, units, random),
            new Dense(
                "out",
                matrix(tokens, units, random),
                Matrix.vector("b", new float[tokens]),
                Activation.SOFTMAX)),
        new Vocabulary(CharCorpus.VOCABULARY));
  }

  private static Gru layer(String name, int inputs, int units, SplittableRandom random) {
    return Gru.named(name)
        .update(sums(inputs, units, random))
        .reset(sums(inputs, units, random))
        .candidate(sums(inputs, units, random))
        .build();
  }

  private static Sums sums(int inputs, int units, SplittableRandom random) {
    return new Sums(
        matrix(units, inputs, random),
        matrix(units, units, random),
        Matrix.vector("b", matrix(units, 1, random).toArray()));
  }

  private static Matrix matrix(int rows, int columns, SplittableRandom random) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() / Math.sqrt(columns));
    }
    return Matrix.of("m", rows, columns, values);
  }
}
