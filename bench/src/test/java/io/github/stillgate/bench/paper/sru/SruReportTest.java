package io.github.stillgate.bench.paper.sru;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sums;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SruReportTest {
  private static final SruResults.Origin ORIGIN =
      new SruResults.Origin("a machine", "2026-01-01", "./stillgate reproduce sru");

  @TempDir private Path folder;

  @Test
  void foldsAreReadAndComparedInPairs() throws Exception {
    record("CR", "sru-2", 0, 3, "80");
    record("CR", "sru-2", 1, 3, "82");
    record("CR", "sru-2", 2, 3, "84");
    record("CR", "lstm", 0, 3, "78");
    record("CR", "lstm", 1, 3, "80.5");
    record("CR", "sru-2-no-cells", 0, 3, "89");
    record("CR", "sru-2-no-cells", 1, 3, "90");
    record("CR", "sru-4", 1, 3, "70");
    record("CR", "sru-4", 2, 3, null);
    network(folder.resolve("CR/sru-2/fold-0"), 0);
    network(folder.resolve("CR/lstm/fold-0"), 0);
    network(folder.resolve("CR/sru-2-no-cells/fold-0"), 0);

    SruResults.Sentences read = SentenceRuns.read(folder, ORIGIN);
    SentenceCell sru =
        read.cells().stream().filter(c -> c.model().equals("sru-2")).findFirst().orElseThrow();
    assertThat(sru.mean()).isEqualTo(82);
    assertThat(sru.deviation()).isCloseTo(2, within(1e-12));
    assertThat(sru.check()).isNotNull();
    assertThat(sru.check().sentences()).isEqualTo(2);
    assertThat(sru.check().test()).isEqualTo(50);
    assertThat(sru.check().farthest()).isLessThan(1e-6);
    assertThat(sru.check().otherClass()).isZero();

    List<Claim> claims = new SentenceSection(read).claims("CR");
    // Folds 0 and 1: 2 and 1.5 points, so 1.75 with a standard error of 0.25.
    assertThat(claims.get(0).difference()).isCloseTo(1.75, within(1e-12));
    assertThat(claims.get(0).error()).isCloseTo(0.25, within(1e-12));
    assertThat(claims.get(0).answer()).isEqualTo(Claim.Answer.YES);
    assertThat(claims.get(1).folds()).isEqualTo(1);
    assertThat(claims.get(1).answer()).isEqualTo(Claim.Answer.NOT_DECIDED);
    // -9 and -8 points, and one standard deviation of 2 is allowed.
    assertThat(claims.get(2).answer()).isEqualTo(Claim.Answer.NO);
    assertThat(claims).hasSize(3);
  }

  @Test
  void aClaimThatIsCloserThanItsErrorIsNotDecided() {
    assertThat(new Claim("", 0.2, 0.3, 0, 3).answer()).isEqualTo(Claim.Answer.NOT_DECIDED);
    assertThat(new Claim("", 0.4, 0.3, 0, 3).answer()).isEqualTo(Claim.Answer.YES);
    assertThat(new Claim("", -0.4, 0.3, 0, 3).answer()).isEqualTo(Claim.Answer.NO);
    assertThat(new Claim("", -0.4, 0.3, 1, 3).answer()).isEqualTo(Claim.Answer.YES);
    assertThat(new Claim("", 4, 0, 0, 1).answer()).isEqualTo(Claim.Answer.NOT_DECIDED);
  }

  @Test
  void mixedSettingsAndOtherAnswersAreRefused() throws Exception {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SentenceRuns.read(folder, ORIGIN))
        .withMessageContaining("no finished training")
        .withMessageContaining("--sent-conv");
    record("MR", "lstm", 0, 2, "80");
    network(folder.resolve("MR/lstm/fold-0"), 0.01);
    assertThatIllegalStateException()
        .isThrownBy(() -> SentenceRuns.read(folder, ORIGIN))
        .withMessageContaining("from the trainer's");
    network(folder.resolve("MR/lstm/fold-0"), 0);
    record("MR", "sru-2", 1, 3, "80");
    record("MR", "lstm", 1, 2, "80");
    record("MR", "sru-2", 0, 3, null);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SentenceRuns.read(folder, ORIGIN))
        .withMessageContaining("one table needs one setting");
  }

  @Test
  void damagedFilesAreNamed() throws Exception {
    record("CR", "sru-2", 0, 1, "80");
    Path fold = folder.resolve("CR/sru-2/fold-0");
    network(fold, 0);
    Path record = fold.resolve("record.json");
    Path check = fold.resolve("check.json");
    for (Path file : List.of(record, check)) {
      String whole = Files.readString(file);
      for (String text :
          List.of(
              whole.substring(0, whole.length() / 2),
              whole.replaceFirst("[0-9][.][0-9]+", "NaN"),
              "{}",
              "")) {
        Files.writeString(file, text);
        assertThatIOException()
            .isThrownBy(() -> SentenceRuns.read(folder, ORIGIN))
            .withMessageStartingWith(file + ": ")
            .withMessageEndingWith("; train again, or move " + fold + " away");
      }
      Files.writeString(file, whole);
    }
    String whole = Files.readString(check);
    for (String text :
        List.of(
            whole.replaceFirst("\"labels\": \\[[^]]*]", "\"labels\": []"),
            whole.replaceFirst("\"tokens\": \\[\\[[0-9]+", "\"tokens\": [[99"),
            whole.replaceFirst("\"probabilities\": \\[\\[", "\"probabilities\": [[0.5, "))) {
      assertThat(text).isNotEqualTo(whole);
      Files.writeString(check, text);
      assertThatIOException()
          .isThrownBy(() -> SentenceRuns.read(folder, ORIGIN))
          .withMessageStartingWith(check + ": ");
    }
  }

  @Test
  void everyPartFindsItsPlaceAndTheOthersStay() throws Exception {
    record("TREC", "lstm", 0, 1, "90");
    record("TREC", "sru-2", 0, 1, "91");
    network(folder.resolve("TREC/lstm/fold-0"), 0);
    network(folder.resolve("TREC/sru-2/fold-0"), 0);
    Path file = folder.resolve("sru.json");
    SruResults.read(file).with(SentenceRuns.read(folder, ORIGIN)).write(file);
    new SruReport(SruResults.read(file)).write(folder);
    assertThat(Files.readString(folder.resolve("sru.md")))
        .contains("| LSTM, 2 layers | 90.0 +- 0.0 | 1.5 | 77 |")
        .contains("| *published, SRU, 2 layers* | *94.0* | | |")
        .contains("| TREC | SRU of 2 layers >= LSTM | 1.00 | 0.00 | 0.00 | 1 | not decided |")
        .contains("Epochs: 2.")
        .contains("lstm on TREC 1 of 1, sru-2 on TREC 1 of 1")
        .contains("Not made yet: `./stillgate reproduce sru drqa`")
        .contains("![TREC](sru-trec.svg)")
        .contains("## Not done, and why");
    assertThat(folder.resolve("sru-trec.svg")).exists();

    Timings timings = new Timings(2, 3, new PrintStream(OutputStream.nullOutputStream()));
    SruResults.read(file)
        .withDrqa(new SruResults.Times(ORIGIN, 3, timings.drqa(5, 4, List.of(6))))
        .withComputation(
            new SruResults.Times(ORIGIN, 3, timings.computation(List.of(4), List.of(3, 5))))
        .write(file);
    SruResults all = SruResults.read(file);
    assertThat(all.drqa().lines())
        .extracting(SruResults.TimeLine::network)
        .contains("LSTM 3", "SRU 3", "SRU 4", "SRU 6");
    // Per direction 4 x 4 x 5 over the input, and 4 x 4 x 4 over the state.
    long lstm = 2L * (16 * 5 + 16 * 4 + 2 * (16 * 8 + 16 * 4));
    assertThat(all.drqa().lines().getFirst().multiplications()).isEqualTo(2 * 6 * lstm);
    assertThat(all.computation().lines())
        .extracting(SruResults.TimeLine::contender)
        .anyMatch(name -> name.endsWith("BatchSession"))
        .anyMatch(name -> name.endsWith("Sequence"));
    new SruReport(all).write(folder);
    String text = Files.readString(folder.resolve("sru.md"));
    assertThat(text).contains("| LSTM, 2 layers | 90.0").contains("| 6 | SRU 3 | ");
    assertThat(text.lines().filter(line -> line.startsWith("| 6 | SRU 3")))
        .allMatch(line -> line.endsWith(" 5.4 |"));
    assertThat(folder.resolve("sru-computation-4.svg")).exists();
  }

  @Test
  void theCharacterModelsAreOfOneSize() {
    List<CharacterNetwork> grid = CharacterNetwork.grid(128, 300);
    assertThat(grid).extracting(CharacterNetwork::name).doesNotHaveDuplicates();
    List<Long> sizes =
        grid.stream()
            .map(one -> one.recipe().network())
            .map(n -> CharacterNetwork.parameters(n.cell(), n.units(), n.layers()))
            .toList();
    // 4 x 128 x (27 + 128 + 1) + 4 x 128 x (128 + 128 + 1) + 27 x 128 + 27
    assertThat(sizes.getFirst()).isEqualTo(214_939);
    assertThat(sizes).allSatisfy(size -> assertThat((double) size).isBetween(2.12e5, 2.18e5));
  }

  private void record(String set, String model, int fold, int folds, String test)
      throws IOException {
    Path at = Files.createDirectories(folder.resolve(set).resolve(model).resolve("fold-" + fold));
    Files.writeString(
        at.resolve("record.json"),
        """
        {"settings": {"set": "%s", "model": "%s", "fold": %d, "folds": %d, "own_test_set": false,
          "units": 128, "words": 10, "words_without_vector": 1},
         "curve": [{"epoch": 1, "loss": 0.7, "validation": 60.5}, {"epoch": 2, "loss": 0.5, "validation": 70.5}],
         "result": %s, "seconds": 3.5, "machine": "a CPU, 1 thread"}
        """
            .formatted(
                set,
                model,
                fold,
                folds,
                test == null
                    ? "null"
                    : """
                    {"test": %s, "test_after_last_epoch": 1, "validation": 70.5, "epochs": 2, "epoch": 2,
                     "sentences": [8, 1, 2], "parameters": 77, "cpu_seconds_an_epoch": 1.5}
                    """
                        .formatted(test)));
  }

  /**
   * A network that gives what the trainer says up to {@code off}: an LSTM of zeros has outputs of
   * zero, so the probabilities are the softmax of the last bias, log 1 and log 3.
   */
  private static void network(Path at, double off) throws IOException {
    Matrix zeros = Matrix.of("W", 2, 2, new float[4]);
    Sums sums = new Sums(zeros, zeros, Matrix.vector("b", new float[2]));
    new Model(
            List.of(
                new Embedding("words", Matrix.of("words.E", 3, 2, new float[] {1, 2, 3, 4, 5, 6})),
                Lstm.named("rnn0").input(sums).forget(sums).output(sums).cell(sums).build(),
                new Dense(
                    "out",
                    zeros,
                    Matrix.vector("b", new float[] {0, (float) Math.log(3)}),
                    Activation.SOFTMAX)))
        .save(at.resolve("network.safetensors"));
    Files.writeString(
        at.resolve("check.json"),
        String.format(
            Locale.ROOT,
            "{\"tokens\": [[0, 2], [1]], \"labels\": [1, 0], \"probabilities\": [[0.25, 0.75], [%s,"
                + " %s]]}",
            0.25 + off,
            0.75 - off));
  }
}
