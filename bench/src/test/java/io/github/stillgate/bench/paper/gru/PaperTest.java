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
    assertThat(Experiment.recipes(600))
        .extracting(e -> e.recipe().schedule().population())
        .contains(0, 300);
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

  private static Experiment tiny(String name, Recipe.Cell cell) {
    return new Experiment(
        name,
        name,
        new Recipe(
            new Recipe.Network(cell, 256, 2, 16),
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
