package io.github.stillgate.bench.paper.sparse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Runs that are written here by hand, with structures and scores that can be told by eye. */
final class SparseNetworksTest {
  @TempDir Path folder;

  /**
   * Three words, two units. Unit 0 takes the sign of the last word (word 1 up, word 2 down) and is
   * read; unit 1 is not read. Of unit 0 only g moves.
   */
  private static Model model() {
    Matrix wg = Matrix.of("Wg", 2, 1, 4, 1);
    Matrix zero = Matrix.of("W", 2, 1, 0, 0);
    Matrix still = Matrix.of("U", 2, 2, 0, 0, 0, 0);
    Matrix open = Matrix.vector("b", 6, 6);
    Matrix shut = Matrix.vector("b", -6, -6);
    return new Model(
        List.of(
            new Embedding("words", Matrix.of("E", 3, 1, 0, 1, -1)),
            Lstm.named("rnn")
                .input(new Sums(zero, still, open))
                .forget(new Sums(zero, still, shut))
                .output(new Sums(zero, still, open))
                .cell(new Sums(wg, still, Matrix.vector("b", 0, 0)))
                .build(),
            new Dense(
                "out", Matrix.of("W", 1, 2, 5, 0), Matrix.vector("b", 0), Activation.SIGMOID)));
  }

  private void run(String name, String method, String curve, boolean finished, double score)
      throws IOException {
    Path run = Files.createDirectories(folder.resolve(name));
    String result =
        finished
            ? """
            {"valid": {"accuracy": 75}, "test": {"accuracy": 75}, "tests_file": {"accuracy": %s},
             "gradients": {"means": [{"only_o": [0.5, 0.1, 0.01], "only_o_units": 3,
                                      "all_gates": null, "all_gates_units": 0}]}}\
            """
                .formatted(score)
            : "null";
    Files.writeString(
        run.resolve("record.json"),
        """
        {"settings": {"task": "imdb", "method": "%s", "seed": 1, "words": 3, "hidden": [2]},
         "curve": [%s], "result": %s, "seconds": 7200, "machine": "a machine"}\
        """
            .formatted(method, curve, result));
    if (finished) {
      model().save(run.resolve("model.safetensors"));
      // Four texts of one, two, one and two words; the third gets the wrong class.
      new WeightsWriter()
          .tensor("tokens", new float[] {1, 1, 2, 1, 2, 1}, 6)
          .tensor("lengths", new float[] {1, 2, 1, 2}, 4)
          .tensor("targets", new float[] {1, 0, 0, 1}, 4)
          .write(run.resolve("tests.safetensors"));
    }
  }

  private static String point(double accuracy, int gates) {
    return "{\"accuracy\": %s, \"gates\": [{\"i\": %d, \"f\": 0, \"g\": 2, \"o\": 0}]}"
        .formatted(accuracy, gates - 2);
  }

  private int reproduce(String... more) {
    CommandLine command = new CommandLine(new ReproduceSparse());
    List<String> arguments = new java.util.ArrayList<>(List.of("networks"));
    arguments.addAll(
        List.of("--runs", folder.toString(), "--results", folder.resolve("results").toString()));
    arguments.addAll(List.of(more));
    return command.execute(arguments.toArray(new String[0]));
  }

  @Test
  void countsScoresAndDraws() throws IOException {
    run("imdb-bayes-wn", "bayes-wn", point(80, 12) + "," + point(80, 9), false, 0);
    run("imdb-bayes-wgn", "bayes-wgn", point(80, 14) + "," + point(79.5, 7), true, 75);
    assertThat(reproduce()).isZero();
    String report = Files.readString(folder.resolve("results/sparse.md"));
    assertThat(report)
        .contains(
            "| imdb | bayes-wgn | 75.000 % | 83.98 | 5.8 | 19747x | 1 | lost | 1 | 6 | 75.0000 / 75.0000 |")
        .contains("| imdb | bayes-wgn | 1 | 0 | 0 | 1 | 0 | 0 | 0 |")
        .contains("fewer gates at equal quality in 1 epochs, the first of them 2")
        .contains("| imdb-bayes-wn | 2, not finished | 2.0 |");
    for (String figure :
        List.of(
            "sparse-imdb-gates.svg",
            "sparse-imdb-quality.svg",
            "sparse-imdb-bayes-wgn-structure.svg",
            "sparse-imdb-bayes-wgn-lags.svg")) {
      assertThat(folder.resolve("results").resolve(figure)).content().contains("<svg");
    }
    assertThat(folder.resolve("results/sparse.json")).content().contains("\"gates\" : [ 1 ]");
  }

  @Test
  void aScoreThatIsNotTheTrainersFails() throws IOException {
    run("imdb-bayes-wgn", "bayes-wgn", point(80, 14), true, 76);
    assertThat(reproduce()).isEqualTo(1);
    assertThat(folder.resolve("results/sparse.md")).content().contains("**differs**");
  }

  @Test
  void gatesThatAreNeverFewerFail() throws IOException {
    run("imdb-bayes-wn", "bayes-wn", point(80, 12) + "," + point(80, 9), false, 0);
    run("imdb-bayes-wgn", "bayes-wgn", point(80, 14) + "," + point(70, 7), true, 75);
    assertThat(reproduce()).isEqualTo(1);
    assertThat(folder.resolve("results/sparse.md"))
        .content()
        .contains("imdb: W+G+N never has fewer gates at equal quality");
  }

  /** Of one that has only begun nothing can be compared, which is no fault. */
  @Test
  void aTwinThatHasOnlyBegunIsNoCrossing() throws IOException {
    run("imdb-bayes-wn", "bayes-wn", "", false, 0);
    run("imdb-bayes-wgn", "bayes-wgn", point(80, 14), true, 75);
    assertThat(reproduce()).isZero();
    assertThat(folder.resolve("results/sparse.md"))
        .content()
        .contains("No task has an epoch of both Bayesian runs")
        .doesNotContain("0 epochs");
  }

  @Test
  void aDamagedRecordIsNamed() throws IOException {
    run("imdb-original", "original", point(80, 12), true, 75);
    Path record = folder.resolve("imdb-original/record.json");
    String whole = Files.readString(record);
    for (String text : List.of(whole.substring(0, 40), whole.replace("7200", "NaN"), "")) {
      Files.writeString(record, text);
      assertThatThrownBy(() -> SparseRun.in(folder))
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith(record + ": ")
          .hasMessageContaining("train again, or move " + record.getParent() + " away");
    }
  }

  @Test
  void runsOfWhichNoneHasFinishedFail() throws IOException {
    run("imdb-original", "original", point(80, 12), false, 0);
    assertThat(reproduce()).isEqualTo(1);
    run("imdb-bayes-wn", "bayes-wn", point(80, 12), true, 75);
    assertThat(reproduce()).isZero();
  }

  @Test
  void saysHowToTrainWhereNothingIs() {
    assertThatThrownBy(() -> SparseRun.in(folder.resolve("nothing")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("train_sparse.py TASK DATA");
  }

  @Test
  void theOverlapOfAStructureWithItselfIsWhole() throws IOException {
    run("imdb-bayes-wgn", "bayes-wgn", point(80, 14), true, 75);
    SparseNetworks.Row row = SparseNetworks.measure(SparseRun.in(folder).get(0));
    assertThat(SparseNetworks.overlap(row.structures().get(0), row.structures().get(0)))
        .isCloseTo(1, within(1e-12));
  }
}
