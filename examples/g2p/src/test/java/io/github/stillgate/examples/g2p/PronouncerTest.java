package io.github.stillgate.examples.g2p;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.plan.Backends;
import io.github.stillgate.core.plan.PlanOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** The pretrained network and its words lie outside the repository: -Dstillgate.g2p=FOLDER. */
class PronouncerTest {
  private static final Path FOLDER =
      Path.of(
          System.getProperty(
              "stillgate.g2p",
              System.getProperty("stillgate.home") + "/../shared/data/models/g2p_en"));

  @BeforeEach
  void requireTheNetwork() {
    assumeTrue(
        Files.exists(FOLDER.resolve("g2p_en.safetensors")),
        "the pretrained network is not here; -Dstillgate.g2p=FOLDER says where it is");
  }

  static Stream<String> backends() {
    return Backends.usable().stream();
  }

  @ParameterizedTest
  @MethodSource("backends")
  void everyWordIsSaidAsListed(String backend) throws IOException {
    assertThat(run(backend, "0").get("live").asDouble()).isEqualTo(1);
  }

  /** A twentieth of the units is left still, and no word changes. */
  @ParameterizedTest
  @MethodSource("backends")
  void everyWordIsSaidAsListedWithGatesBelowEpsilonSkipped(String backend) throws IOException {
    assertThat(run(backend, "1e-4").get("live").asDouble()).isBetween(0.9, 0.96);
  }

  private static JsonNode run(String backend, String epsilon) throws IOException {
    StringWriter out = new StringWriter();
    CommandLine command = G2p.commandLine().setOut(new PrintWriter(out));
    int exit =
        command.execute(
            FOLDER.resolve("words.tsv").toString(),
            FOLDER.toString(),
            "--json",
            "--backend",
            backend,
            "--epsilon",
            epsilon);
    JsonNode result = JsonMapper.builder().build().readTree(out.toString());
    assertThat(result.get("words").asInt()).isEqualTo(2000);
    assertThat(result.get("misses")).isEmpty();
    assertThat(result.get("backend").asText()).isEqualTo(backend);
    assertThat(exit).isZero();
    return result;
  }

  @Test
  void statesAndScoresAreThoseOfTheOriginal() throws IOException {
    JsonNode traces =
        JsonMapper.builder()
            .build()
            .readTree(FOLDER.resolve("vocabulary_and_traces.json").toFile())
            .get("traces");
    assertThat(traces.size()).isEqualTo(3);
    try (Pronouncer pronouncer = Pronouncer.open(FOLDER, PlanOptions.defaults())) {
      traces
          .properties()
          .forEach(trace -> {
            assertClose(pronouncer.start(trace.getKey()), trace.getValue().get("encoder_state"));
            assertClose(pronouncer.firstLogits(), trace.getValue().get("first_logits"));
          });
    }
  }

  private static void assertClose(float[] actual, JsonNode expected) {
    assertThat(actual).hasSize(expected.size());
    for (int i = 0; i < actual.length; i++) {
      double value = expected.get(i).asDouble();
      assertThat((double) actual[i])
          .as("value %d", i)
          .isCloseTo(value, within(1e-5 * Math.max(1, Math.abs(value))));
    }
  }

  @Test
  void aWrongWordIsAMiss(@TempDir Path folder) throws IOException {
    Path words = Files.writeString(folder.resolve("words.tsv"), "smac\tS M AE1 K\nsmac\tS\n");
    StringWriter out = new StringWriter();
    CommandLine command = G2p.commandLine().setOut(new PrintWriter(out));
    assertThat(command.execute(words.toString(), FOLDER.toString())).isEqualTo(1);
    assertThat(out.toString())
        .contains("1 of 2 words exact")
        .contains("smac: S M AE1 K, expected S");
  }
}
