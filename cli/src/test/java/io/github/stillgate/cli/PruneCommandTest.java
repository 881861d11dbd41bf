package io.github.stillgate.cli;

import static io.github.stillgate.cli.Outcome.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.GateEstimate;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** {@code convert --prune}, and the structure that {@code inspect} shows. */
class PruneCommandTest {
  @TempDir private Path folder;
  private Path big;
  private Path small;

  static JsonNode json(Outcome outcome) throws IOException {
    assertThat(outcome.code()).as(outcome.err()).isZero();
    return JsonMapper.builder().build().readTree(outcome.out());
  }

  private void assertRefused(Outcome outcome, int code, String message) {
    assertThat(outcome.err()).contains(message);
    assertThat(outcome.code()).isEqualTo(code);
    assertThat(small).doesNotExist();
  }

  @BeforeEach
  void names() {
    big = folder.resolve("big.safetensors");
    small = folder.resolve("small.safetensors");
  }

  /**
   * Characters a, b and c; 3 units, of which unit 1 is read by nothing and unit 2 by a weight of
   * 0.001.
   */
  static Model characters() {
    return new Model(
        List.of(
            new Dense(
                "a",
                Matrix.of("W", 3, 3, 0.5f, -1, 2, 1, 1, 1, 0.25f, 0.5f, 4),
                Matrix.vector("b", 0.001f, 0.2f, 0.3f),
                Activation.TANH),
            new Dense(
                "out",
                Matrix.of("W", 3, 3, 1, 0, 0.001f, 2, -0f, 0, 3, 0, 0),
                Matrix.vector("b", 0.1f, 0.2f, 0.3f),
                Activation.SOFTMAX)),
        new Vocabulary("abc"));
  }

  @Test
  void theStructureOfThePapersWordsIsCounted() throws IOException {
    SparseLstms.words().save(big);
    JsonNode before = json(run("inspect", big, "--json"));
    assertThat(before.get("structure").get(1).get("units").asInt()).isEqualTo(200);
    assertThat(counts(before.get("unread"), "count"))
        .isEqualTo(Map.of("emb components", 3, "rnn0 units", 148, "rnn1 units", 92));

    JsonNode converted = json(run("convert", big, small, "--prune", "--json"));
    JsonNode pruned = converted.get("pruned");
    assertThat(counts(pruned.get("removals"), "after"))
        .isEqualTo(
            Map.of("emb components", 57, "rnn0 units", 52, "rnn1 units", 108, "out units", 40));
    assertThat(pruned.get("removals").get(3).get("stays").asText()).isEqualTo("network_outputs");
    assertThat(pruned.get("weights_before").asLong())
        .isEqualTo(40 * 60 + 4 * 200 * (60 + 200) + 4 * 200 * (200 + 200) + 40 * 200);
    assertThat(pruned.get("weights_after").asLong())
        .isEqualTo(40 * 57 + 4 * 52 * (57 + 52) + 4 * 108 * (52 + 108) + 40 * 108);
    assertThat(pruned.get("proof").get("largest_error").asDouble()).isBetween(0.0, 2e-6);
    assertThat(pruned.get("proof").get("threshold_error").asDouble()).isZero();
    assertThat(pruned.get("proof").get("steps").asInt()).isEqualTo(64);

    JsonNode after = json(run("inspect", small, "--json"));
    assertThat(after.get("unread")).isEmpty();
    assertThat(after.get("weights").asLong()).isEqualTo(pruned.get("weights_after").asLong());
    assertThat(pruned.get("compression").asDouble())
        .isCloseTo(
            (double) pruned.get("weights_before").asLong() / after.get("nonzero_weights").asLong(),
            within(1e-9));
    int[] sums = {197, 349};
    for (int at = 0; at < 2; at++) {
      JsonNode layer = after.get("structure").get(1 + at);
      assertThat(layer.get("units").asInt()).isEqualTo(SparseLstms.KEPT[at]);
      assertThat(layer.get("gates_not_constant").asInt()).isEqualTo(sums[at]);
      assertThat(layer.get("gates_in_all").asInt()).isEqualTo(4 * SparseLstms.KEPT[at]);
      int gate = 0;
      for (String letter : List.of("i", "f", "g", "o")) {
        assertThat(layer.get("gates").get(letter).asInt()).isEqualTo(SparseLstms.GATES[at][gate++]);
      }
      assertThat(layer.get("patterns")).hasSize(16);
    }
    // 47 of 52 units have all gates, then 48 without f, 50 without g too, and all have o.
    assertThat(after.get("structure").get(1).get("patterns").get("ifgo").asInt()).isEqualTo(47);
    assertThat(after.get("structure").get(1).get("patterns").get("---o").asInt()).isEqualTo(2);
    assertThat(after.get("structure").get(2).get("patterns").get("---o").asInt()).isEqualTo(18);
  }

  private static Map<String, Integer> counts(JsonNode list, String field) {
    Map<String, Integer> counts = new TreeMap<>();
    list.forEach(e ->
        counts.put(e.get("layer").asText() + " " + e.get("part").asText(), e.get(field).asInt()));
    return counts;
  }

  /** The same counts by another program, from the bytes of the files. */
  @Test
  void numpyCountsTheSame() throws Exception {
    Optional<String> python = pythonWithNumpy();
    assumeTrue(
        python.isPresent(), "no python3 has numpy here (Debian: apt-get install python3-numpy)");
    SparseLstms.words().save(big);
    JsonNode pruned = json(run("convert", big, small, "--prune", "--json")).get("pruned");
    Path script = Path.of(PruneCommandTest.class.getResource("count_gates.py").toURI());
    for (Path file : List.of(big, small)) {
      JsonNode here = json(run("inspect", file, "--json"));
      JsonNode there = python(python.get(), script.toString(), file.toString());
      assertThat(there.get("weights")).isEqualTo(here.get("weights"));
      assertThat(there.get("nonzero_weights")).isEqualTo(here.get("nonzero_weights"));
      for (int at = 0; at < 2; at++) {
        JsonNode layer = here.get("structure").get(1 + at);
        JsonNode expected = there.get("structure").get(at);
        expected
            .fieldNames()
            .forEachRemaining(field -> assertThat(layer.get(field)).isEqualTo(expected.get(field)));
      }
      pruned
          .get("removals")
          .forEach(removal ->
              assertThat(there.get("kept").get(removal.get("layer").asText()))
                  .isEqualTo(removal.get("after")));
    }
  }

  private Optional<String> pythonWithNumpy() throws InterruptedException {
    for (String python : List.of("python3", "/usr/bin/python3")) {
      try {
        if (start(python, "-c", "import numpy") == 0) {
          return Optional.of(python);
        }
      } catch (IOException absent) {
        continue;
      }
    }
    return Optional.empty();
  }

  private JsonNode python(String... command) throws IOException, InterruptedException {
    int code = start(command);
    String printed = Files.readString(folder.resolve("python.log"));
    assertThat(code).as(printed).isZero();
    return JsonMapper.builder().build().readTree(printed);
  }

  private int start(String... command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("python.log").toFile())
            .start();
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    return process.exitValue();
  }

  /** The proof on random inputs is kept, and a second round has nothing to do. */
  @Test
  void whatIsPrunedCarriesItsProofAndIsNotPrunedAgain() throws IOException {
    characters().save(big, DType.F32, Map.of("licence", "none"));
    Outcome outcome = run("convert", big, small, "--prune");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .containsPattern("a +3 +2 +units")
        .containsPattern("out +3 +3 +units +they are the network's outputs")
        .contains(
            "weights: 18 before, 13 of them not 0; 12 after, 10 of them not 0; compression 1.80"
                + " times")
        .containsPattern(
            "proved on 64 steps of random inputs: equal in float64; as it runs, largest error"
                + " \\S+, allowed 2.0e-06")
        .contains("wrote " + small);
    try (WeightsFile file = WeightsFile.open(small)) {
      assertThat(file.metadata())
          .containsEntry("pruned", "a 3 to 2 units")
          .containsEntry("licence", "none");
      assertThat(Model.from(file).vocabulary()).contains(new Vocabulary("abc"));
    }
    assertThat(run("inspect", small, "--verify").out())
        .contains("proved here: cases of the original 1");
    Path again = folder.resolve("again.safetensors");
    Outcome second = run("convert", small, again, "--prune");
    assertThat(second.code()).isEqualTo(1);
    assertThat(second.err().strip())
        .isEqualTo(
            "stillgate: %s: there is nothing to remove, everything is read by an output: a 2 units,"
                    .formatted(small)
                + " out 3 units (they are the network's outputs). A weight is read unless it is 0:"
                + " --threshold T sets those below T to 0 first; the smallest that is not 0 has a"
                + " magnitude of 0.001");
    assertThat(again).doesNotExist();
    Outcome in =
        run("convert", small, small, "--prune", "--threshold", "0.01", "--tolerance", "0.01");
    assertThat(in.code()).as(in.err()).isZero();
    assertThat(in.out())
        .contains("weights below 0.01 set to 0: 1, which changed outputs by at most")
        .contains("steps of its proof:");
    try (WeightsFile file = WeightsFile.open(small)) {
      assertThat(file.metadata())
          .containsEntry(
              "pruned", "a 3 to 2 units; then weights below 0.01 set to 0: 1, a 2 to 1 units");
    }
    assertThat(run("convert", small, again, "--prune", "--threshold", "0.01").err())
        .contains("No weight is below 0.01 but those that are 0: the smallest that is not 0 has");
  }

  @Test
  void anImportIsPrunedOnItsWay() throws IOException {
    new WeightsWriter()
        .tensor("a.weight", new float[] {1, 2, 3, 4}, 2, 2)
        .tensor("a.bias", new float[] {5, 6}, 2)
        .tensor("out.weight", new float[] {0, 7}, 1, 2)
        .tensor("out.bias", new float[] {8}, 1)
        .write(big);
    Outcome outcome =
        run("convert", big, small, "--layers", "linear:a:tanh, linear:out", "--prune");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(Model.load(small).layers().getFirst())
        .isEqualTo(
            new Dense("a", Matrix.of("W", 1, 2, 3, 4), Matrix.vector("b", 6), Activation.TANH));
  }

  @Test
  void whatCannotBeDoneIsRefused() throws IOException {
    characters().save(big);
    assertRefused(
        run("convert", big, small, "--threshold", "0.1"), 2, "--threshold is for --prune");
    for (String threshold : List.of("0", "-1", "NaN", "Infinity")) {
      assertRefused(
          run("convert", big, small, "--prune", "--threshold", threshold),
          2,
          "--threshold must be a number above 0, it is ");
    }
    assertRefused(
        run("convert", big, small, "--prune", "--threshold", "9"),
        1,
        big
            + ": a layer keeps no weight with --threshold 9.0, so the outputs would hang on no"
            + " input; take a smaller one");
    new Model(
            List.of(
                new Embedding("emb", Matrix.of("E", 2, 2, 5, -5, 5, 5)),
                new Dense(
                    "out",
                    Matrix.of("W", 2, 2, 0.1f, 0.2f, -0.1f, 0.3f),
                    Matrix.vector("b", 0, 1),
                    Activation.SOFTMAX)))
        .save(big);
    assertRefused(
        run("convert", big, small, "--prune", "--threshold", "1"),
        1,
        big + ": a layer keeps no weight with --threshold 1.0");
    Path text = Files.writeString(folder.resolve("text.txt"), "abcabba");
    SparseLstms.words().save(big);
    assertRefused(
        run("convert", big, small, "--prune", "--verify", text),
        1,
        "the model has no vocabulary and cannot read text");
    estimated().save(big);
    assertRefused(
        run("convert", big, small, "--prune"),
        1,
        big
            + ": layer rnn carries an estimate of its gates, which reads all of its units and was"
            + " calibrated with them; prune the network that has none yet, then tune it again");
    // What cannot be pruned can still be looked at.
    assertThat(json(run("inspect", big, "--json")).get("unread")).isEmpty();
  }

  private static Model estimated() {
    Matrix matrix = Matrix.of("m", 2, 2, 1, 2, 3, 4);
    Sums sums = new Sums(matrix, matrix, Matrix.vector("b", 1, 2));
    Matrix down = Matrix.of("d", 1, 2, 1, 2);
    return new Model(
        List.of(
            Gru.named("rnn")
                .update(sums)
                .reset(sums)
                .candidate(sums)
                .estimate(new GateEstimate(down, down, Matrix.of("u", 2, 1, 1, 2), 0))
                .build()));
  }

  @Test
  void inspectShowsTheStructure() throws IOException {
    SparseLstms.words().save(big);
    Outcome outcome = run("inspect", big);
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .contains(
            "read by nothing: emb 3 of 60 components, rnn0 148 of 200 units, rnn1 92 of 200 units;"
                + " ./stillgate convert IN OUT --prune removes them");
    run("convert", big, small, "--prune");
    assertThat(run("inspect", small).out())
        .containsPattern("rnn0 +52 +197 +208 +i 50, f 47, g 48, o 52 ")
        .containsPattern("rnn1 +108 +349 +432 +i 70, f 81, g 90, o 108 ")
        .contains("units of rnn0 by gates not constant: ifgo 47, i-go 1, i--o 2, ---o 2")
        .contains("pruned: emb 60 to 57 components, rnn0 200 to 52 units, rnn1 200 to 108 units")
        .doesNotContain("read by nothing");
  }

  @Test
  void inspectDrawsTheGates() throws Exception {
    SparseLstms.words().save(big);
    run("convert", big, small, "--prune");
    Path svg = folder.resolve("gates.svg");
    Outcome outcome = run("inspect", small, "--svg", svg);
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("Written: " + svg);
    Element picture =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(svg.toFile())
            .getDocumentElement();
    NodeList texts = picture.getElementsByTagName("text");
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < texts.getLength(); i++) {
      all.append(texts.item(i).getTextContent()).append('\n');
    }
    assertThat(all.toString())
        .contains("rnn0: 52 units, 197 of 208 gates not constant\n")
        .contains("rnn1: 108 units, 349 of 432 gates not constant\n")
        .contains("i  50\n", "f  47\n", "g  48\n", "o  52\n")
        .doesNotContain("emb");
    // Filled widths are the gates that are not constant, in columns of one width.
    double filled = 0;
    NodeList rectangles = picture.getElementsByTagName("rect");
    for (int i = 0; i < rectangles.getLength(); i++) {
      Element rectangle = (Element) rectangles.item(i);
      if (rectangle.getAttribute("fill").equals("#0072b2")) {
        filled += Double.parseDouble(rectangle.getAttribute("width"));
      }
    }
    double column0 = 806.0 / 52;
    double column1 = 806.0 / 108;
    assertThat(filled).isCloseTo(197 * column0 + 349 * column1, within(0.5));

    characters().save(big);
    Path none = folder.resolve("none.svg");
    Outcome refused = run("inspect", big, "--svg", none);
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err())
        .contains(
            "no layer has gates to draw; recurrent layers have: lstm, gru, conditional_gru, sru and"
                + " simple_rnn");
    assertThat(none).doesNotExist();
  }
}
