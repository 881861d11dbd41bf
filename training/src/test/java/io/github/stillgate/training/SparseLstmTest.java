package io.github.stillgate.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.weights.WeightsFile;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code pytorch/train_sparse.py}: its own tests, and that its networks answer here what they do
 * there.
 */
class SparseLstmTest {
  @TempDir private Path folder;
  private PythonPrograms programs;

  @BeforeEach
  void findPython() throws InterruptedException {
    programs = new PythonPrograms(folder.resolve("python.log"));
  }

  @Test
  void theProgramsPassTheirOwnTests() throws Exception {
    programs.run("-m", "unittest", "test_sparse", "test_run");
  }

  @Test
  void aClassifierWithFixedGatesAnswersHereWhatItDoesThere() throws Exception {
    writeReviews("train.tsv.gz", 300);
    writeReviews("test.tsv.gz", 40);
    train("imdb", "bayes-wgn", "--words", "30", "--hidden", "7", "--steps", "9", "--epochs", "12");
    JsonNode result = result();
    // The rate is high, so that units go within a moment.
    assertThat(result.at("/structure/compression").asDouble()).isGreaterThan(1.5);
    requireSameOutputs();
    try (WeightsFile tests = WeightsFile.open(folder.resolve("run/tests.safetensors"))) {
      float[] tokens = tests.tensor("tokens").toFloats();
      float[] lengths = tests.tensor("lengths").toFloats();
      float[] targets = tests.tensor("targets").toFloats();
      assertThat(targets).hasSize(40);
      try (Plan plan = Plan.compile(model());
          Session session = Session.open(plan)) {
        float[] answer = new float[1];
        int right = 0;
        int at = 0;
        for (int text = 0; text < targets.length; text++) {
          session.reset();
          for (int end = at + (int) lengths[text]; at < end; at++) {
            session.step((int) tokens[at], answer);
          }
          right += (answer[0] > 0.5f ? 1 : 0) == (int) targets[text] ? 1 : 0;
        }
        assertThat(at).isEqualTo(tokens.length);
        assertThat(100.0 * right / 40)
            .isCloseTo(result.at("/tests_file/accuracy").asDouble(), within(1e-9));
      }
    }
  }

  @Test
  void aLanguageModelOfTwoLayersGivesTheTrainersPerplexity() throws Exception {
    for (String part : new String[] {"train", "valid", "test"}) {
      Files.writeString(
          folder.resolve("wiki." + part + ".tokens"),
          " the cat saw the <unk> dog \n a dog saw a cat \n".repeat(40));
    }
    train("words", "prun-wgn", "--words", "7", "--hidden", "6", "5", "--lambda2", "0.03");
    requireSameOutputs();
    try (WeightsFile tests = WeightsFile.open(folder.resolve("run/tests.safetensors"));
        Plan plan = Plan.compile(model());
        Session session = Session.open(plan)) {
      float[] tokens = tests.tensor("tokens").toFloats();
      float[] targets = tests.tensor("targets").toFloats();
      float[] answer = new float[7];
      double nats = 0;
      for (int t = 0; t < tokens.length; t++) {
        session.step((int) tokens[t], answer);
        nats -= Math.log(answer[(int) targets[t]]);
      }
      double there = result().at("/tests_file/perplexity").asDouble();
      assertThat(Math.exp(nats / tokens.length) / there).isCloseTo(1, within(1e-4));
    }
  }

  private void train(String task, String method, String... more) throws Exception {
    String[] first = {
      "train_sparse.py",
      task,
      folder.toString(),
      folder.resolve("run").toString(),
      "--method",
      method,
      "--embedding",
      "5",
      "--batch",
      "8",
      "--rate",
      "0.05",
      "--epochs",
      "4"
    };
    String[] all = new String[first.length + more.length];
    System.arraycopy(first, 0, all, 0, first.length);
    System.arraycopy(more, 0, all, first.length, more.length);
    programs.run(all);
  }

  private Model model() throws IOException {
    return Model.load(folder.resolve("run/model.safetensors"));
  }

  private JsonNode result() throws IOException {
    return JsonMapper.builder()
        .build()
        .readTree(folder.resolve("run/record.json").toFile())
        .get("result");
  }

  /** Compares what a session answers with what the trainer wrote, within 1e-5. */
  private void requireSameOutputs() throws IOException {
    try (WeightsFile file = WeightsFile.open(folder.resolve("run/vectors.safetensors"));
        Plan plan = Plan.compile(model());
        Session session = Session.open(plan)) {
      ProofVectors vectors = ProofVectors.read(file);
      assertThat(vectors.cases()).hasSize(3);
      for (ProofVectors.Case one : vectors.cases()) {
        session.reset();
        int[] tokens = one.tokens().orElseThrow();
        float[] answer = new float[one.output()[0].length];
        for (int t = 0; t < tokens.length; t++) {
          session.step(tokens[t], answer);
          for (int k = 0; k < answer.length; k++) {
            assertThat(answer[k]).isCloseTo(one.output()[t][k], within(1e-5f));
          }
        }
      }
    }
  }

  private void writeReviews(String name, int count) throws IOException {
    try (Writer writer =
        new OutputStreamWriter(
            new GZIPOutputStream(Files.newOutputStream(folder.resolve(name))),
            StandardCharsets.UTF_8)) {
      for (int i = 0; i < count; i++) {
        String end = " it is" + " so".repeat(i % 5) + (i % 2 == 1 ? " good" : " bad");
        writer.write(i % 2 + "\t5\t" + i + "\tA film<br />as" + end + "\n");
      }
    }
  }
}
