package io.github.stillgate.cli;

import static io.github.stillgate.cli.Outcome.run;
import static io.github.stillgate.cli.PruneCommandTest.characters;
import static io.github.stillgate.cli.PruneCommandTest.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.NewFile;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsWriter;
import io.github.stillgate.tuning.Pruning;
import io.github.stillgate.tuning.PruningProof;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code convert} proves and what it keeps of it: with {@code --prune}, and of two proofs. */
class ProofsKeptTest {
  @TempDir private Path folder;
  private Path big;
  private Path small;

  @BeforeEach
  void names() {
    big = folder.resolve("big.safetensors");
    small = folder.resolve("small.safetensors");
  }

  private void assertRefused(Outcome outcome, int code, String message) {
    assertThat(outcome.err()).contains(message);
    assertThat(outcome.code()).isEqualTo(code);
    assertThat(small).doesNotExist();
  }

  /** Only rounding apart: the original's outputs are kept in the file, as always. */
  @Test
  void theOriginalsOutputsAreReplayed() throws IOException {
    Model model = characters();
    model.save(big);
    Path vectors = folder.resolve("vectors.safetensors");
    vectors(model, vectors, 0);
    JsonNode converted = json(run("convert", big, small, "--prune", "--verify", vectors, "--json"));
    assertThat(converted.get("verified").asBoolean()).isTrue();
    assertThat(converted.get("tolerance").asDouble()).isEqualTo(1e-5);
    assertThat(converted.get("pruned").get("proof").get("inputs").asText())
        .isEqualTo(vectors.toString());
    assertThat(converted.get("pruned").get("proof").get("tolerance").asDouble()).isEqualTo(2e-6);
    try (WeightsFile file = WeightsFile.open(small)) {
      assertThat(ProofVectors.metBy(file).orElseThrow().tolerance()).isEqualTo(1e-5);
    }
    Files.delete(small);
    assertRefused(
        run("convert", big, small, "--prune", "--threshold", "0.01", "--verify", vectors),
        1,
        "weights below 0.01 were set to 0 (a smaller --threshold changes less), which may be all"
            + " there is to this; if so, --tolerance allows more: case 0, step");
    vectors(model, vectors, 0.1f);
    assertRefused(
        run("convert", big, small, "--prune", "--verify", vectors), 1, "was expected (error");
  }

  private static void vectors(Model model, Path file, float error) throws IOException {
    PruningProof proof =
        PruningProof.of(
            Pruning.of(model), PruningProof.randomInputs(model), PlanOptions.defaults(), 1e-5);
    ProofVectors.Case of = proof.vectors().cases().getFirst();
    int[] tokens = of.tokens().orElseThrow();
    float[] read = new float[tokens.length];
    float[] output = new float[tokens.length * 3];
    for (int t = 0; t < tokens.length; t++) {
      read[t] = tokens[t];
      for (int i = 0; i < 3; i++) {
        output[3 * t + i] = of.output()[t][i] + error;
      }
    }
    new WeightsWriter()
        .tensor("tokens", read, read.length)
        .tensor("output", output, read.length, 3)
        .write(file);
  }

  @Test
  void aTextWillDoForANetworkOfCharacters() throws IOException {
    characters().save(big);
    Path text = Files.writeString(folder.resolve("text.txt"), "abcabba".repeat(100));
    JsonNode converted = json(run("convert", big, small, "--prune", "--verify", text, "--json"));
    assertThat(converted.get("pruned").get("proof").get("steps").asInt()).isEqualTo(256);
    assertThat(converted.get("pruned").get("proof").get("inputs").asText())
        .isEqualTo(text.toString());
    assertThat(converted.get("verified").asBoolean()).isFalse();
  }

  /** Rounding comes after the proof, so none is kept. */
  @Test
  void aRoundedFileCarriesNoProof() throws IOException {
    characters().save(big);
    Outcome outcome = run("convert", big, small, "--prune", "--dtype", "bf16");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .contains("the file carries no proof, since its weights were rounded to bf16 after it");
    assertThat(run("inspect", small, "--verify").code()).isEqualTo(1);
  }

  /** Neither of the two is dropped, and each has its own tolerance. */
  @Test
  void whatAFileCarriesIsReplayedBesideWhatIsGiven() throws IOException {
    Model model = characters();
    model.save(big);
    Path vectors = folder.resolve("vectors.safetensors");
    vectors(model, vectors, 1e-3f);
    Path proved = folder.resolve("proved.safetensors");
    assertThat(run("convert", big, proved, "--verify", vectors, "--tolerance", "0.01").code())
        .isZero();

    Path others = folder.resolve("others.safetensors");
    vectors(model, others, 0);
    JsonNode converted = json(run("convert", proved, small, "--verify", others, "--json"));
    assertThat(converted.get("largest_error").asDouble()).isCloseTo(1e-3, within(1e-5));
    assertThat(converted.get("tolerance").asDouble()).isEqualTo(0.01);
    assertThat(cases(small)).containsExactly("0", "0-2");
    json(run("convert", small, small, "--verify", vectors, "--tolerance", "0.01", "--json"));
    assertThat(cases(small)).as("the same once more").containsExactly("0", "0-2");

    // Another network of the same shape, with the proof of this one: the given outputs are right.
    Model other = Model.load(big);
    Matrix w = Matrix.of("W", 3, 3, 1, 0, 0.5f, 2, 0, 0, 3, 0, 0);
    other =
        new Model(
            List.of(
                other.layers().getFirst(),
                new Dense("out", w, Matrix.vector("b", 0.1f, 0.2f, 0.3f), Activation.SOFTMAX)),
            new Vocabulary("abc"));
    Path swapped = folder.resolve("swapped.safetensors");
    try (WeightsFile file = WeightsFile.open(proved)) {
      WeightsWriter writer = other.writer(DType.F32, Map.of());
      ProofVectors.carriedBy(file)
          .orElseThrow()
          .addTo(writer, ProofVectors.metBy(file).orElseThrow());
      writer.write(NewFile.at(swapped));
    }
    vectors(other, others, 0);
    Files.delete(small);
    for (List<String> options : List.of(List.<String>of(), List.of("--prune"))) {
      List<Object> command =
          new ArrayList<>(List.of("convert", swapped, small, "--verify", others));
      command.addAll(options);
      assertRefused(
          run(command.toArray()), 1, "in the proof that the file carries, case 0, step 0, output");
    }
    Path text = Files.writeString(folder.resolve("text.txt"), "abcabba");
    assertRefused(
        run("convert", swapped, small, "--prune", "--verify", text),
        1,
        "in the proof that the file carries, case 0");
  }

  private static List<String> cases(Path file) throws IOException {
    try (WeightsFile weights = WeightsFile.open(file)) {
      return ProofVectors.carriedBy(weights).orElseThrow().cases().stream()
          .map(ProofVectors.Case::name)
          .toList();
    }
  }

  /** What rounds on purpose needs a tolerance of its own; the pruned network's run does not. */
  @Test
  void aToleranceForTheOriginalsOutputsDoesNotLoosenThePruning() throws IOException {
    characters().save(big);
    json(run("convert", big, small, "--prune", "--json"));
    Path again = folder.resolve("again.safetensors");
    Outcome refused = run("convert", small, again, "--prune", "--threshold", "0.01");
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err())
        .contains("if so, --tolerance allows more: in the proof that the file");
    JsonNode converted =
        json(
            run(
                "convert",
                small,
                again,
                "--prune",
                "--threshold",
                "0.01",
                "--tolerance",
                "0.01",
                "--json"));
    assertThat(converted.get("tolerance").asDouble()).isEqualTo(0.01);
    assertThat(converted.get("pruned").get("proof").get("tolerance").asDouble()).isEqualTo(2e-6);
    converted = json(run("convert", big, again, "--prune", "--prune-tolerance", "1e-4", "--json"));
    assertThat(converted.get("pruned").get("proof").get("tolerance").asDouble()).isEqualTo(1e-4);
    Files.delete(small);
    assertRefused(
        run("convert", big, small, "--prune", "--tolerance", "0.01"),
        2,
        "--tolerance is for outputs of the original, and neither");
    assertRefused(
        run("convert", big, small, "--prune-tolerance", "0.01"),
        2,
        "--prune-tolerance is for --prune");
    for (String tolerance : List.of("0", "1", "NaN")) {
      assertRefused(
          run("convert", big, small, "--prune", "--prune-tolerance", tolerance),
          2,
          "--prune-tolerance must be a number above 0 and below 1");
    }
  }

  @Test
  void aFileThatIsNotThereIsSaidNotToBeThere() throws IOException {
    Path absent = folder.resolve("absent.txt");
    // A network of vectors has no vocabulary, which is not what is wrong.
    SparseLstms.words().save(big);
    assertRefused(
        run("convert", big, small, "--prune", "--verify", absent), 1, absent + ": no such file");
    assertRefused(run("convert", big, small, "--verify", absent), 1, absent + ": no such file");
  }
}
