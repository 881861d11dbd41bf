package io.github.stillgate.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code pytorch/sentences.py}: its own tests, and that its networks answer here what they do
 * there.
 */
class SentencesTest {
  private static final List<String> MODELS =
      List.of("lstm", "sru-2", "sru-4", "sru-2-no-cells", "sru-2-no-highway");

  @TempDir private Path folder;
  private PythonPrograms programs;

  @BeforeEach
  void findPython() throws InterruptedException {
    programs = new PythonPrograms(folder.resolve("python.log"));
  }

  @Test
  void theProgramsPassTheirOwnTests() throws Exception {
    programs.run("-m", "unittest", "test_sru");
  }

  @Test
  void anExportedNetworkGivesTheTrainersProbabilities() throws Exception {
    StringBuilder sentences = new StringBuilder();
    for (int i = 0; i < 60; i++) {
      sentences.append(i % 2).append(" it is").append(" so".repeat(i % 7));
      sentences.append(i % 2 == 0 ? " bad\n" : " good .\n");
    }
    Files.writeString(folder.resolve("custrev.all"), sentences);
    Path vectors = folder.resolve("vectors.npz");
    programs.run(
        "-c",
        "import sys, numpy, word_vectors; word_vectors.save(sys.argv[1], ['it', 'is', 'bad', 'good'],"
            + " numpy.random.RandomState(1).randn(4, 5), {})",
        vectors.toString());
    Path runs = folder.resolve("runs");
    programs.run(
        "sentences.py",
        "--data",
        folder.toString(),
        "--vectors",
        vectors.toString(),
        "--runs",
        runs.toString(),
        "--sets",
        "CR",
        "--folds",
        "2",
        "--epochs",
        "2",
        "--units",
        "7",
        "--rate",
        "0.02");
    for (String model : MODELS) {
      requireSameProbabilities(runs.resolve("CR").resolve(model).resolve("fold-0"));
    }
  }

  private static void requireSameProbabilities(Path fold) throws IOException {
    JsonMapper json = JsonMapper.builder().build();
    JsonNode kept = json.readTree(fold.resolve("check.json").toFile());
    try (Plan plan = Plan.compile(Model.load(fold.resolve("network.safetensors")));
        Sequence sequence = Sequence.open(plan);
        Session session = Session.open(plan)) {
      assertThat(kept.get("tokens").size()).isEqualTo(30);
      for (int i = 0; i < 30; i++) {
        int[] tokens = json.convertValue(kept.get("tokens").get(i), int[].class);
        double[] expected = json.convertValue(kept.get("probabilities").get(i), double[].class);
        sequence.reset();
        session.reset();
        float[] last = sequence.run(tokens)[tokens.length - 1];
        float[] stepped = new float[last.length];
        for (int token : tokens) {
          session.step(token, stepped);
        }
        assertThat(stepped).isEqualTo(last);
        for (int k = 0; k < expected.length; k++) {
          assertThat((double) last[k])
              .as("%s, sentence %d", fold, i)
              .isCloseTo(expected[k], within(1e-5));
        }
      }
    }
  }
}
