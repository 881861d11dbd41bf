package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.kernel.Backends;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class CommandsTest {
  private static final String MODEL =
      Path.of(System.getProperty("stillgate.home"), "models", "text8-256.safetensors").toString();

  @TempDir Path folder;

  private record Outcome(int code, String out, String err) {}

  private static Outcome run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine commandLine =
        Stillgate.commandLine()
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true));
    int code = commandLine.execute(args);
    return new Outcome(code, out.toString(), err.toString());
  }

  private static JsonNode json(Outcome outcome) throws Exception {
    assertThat(outcome.code()).as(outcome.err()).isZero();
    return JsonMapper.builder().build().readTree(outcome.out());
  }

  private String text(String content) throws Exception {
    Path file = folder.resolve("text.txt");
    Files.writeString(file, content);
    return file.toString();
  }

  @Test
  void convertHalvesAModelThatStillScores() throws Exception {
    Path half = folder.resolve("half.safetensors");
    Outcome converted = run("convert", MODEL, half.toString(), "--dtype", "bf16");
    assertThat(converted.code()).as(converted.err()).isZero();
    assertThat(Files.size(half)).isLessThan(Files.size(Path.of(MODEL)) * 51 / 100);
    String text = text("the quick brown fox jumps over the lazy dog ".repeat(40));
    double before = json(run("run", MODEL, text, "--json")).get("bits_per_char").asDouble();
    double after =
        json(run("run", half.toString(), text, "--json")).get("bits_per_char").asDouble();
    assertThat(after).isNotEqualTo(before).isCloseTo(before, within(0.02));
  }

  @Test
  void runGivesOneChecksumForEveryBackendSkippingOrNot() throws Exception {
    String text = text("The quick brown fox, jumps over the lazy dog ".repeat(20));
    Set<String> checksums = new HashSet<>();
    for (Backends.Entry backend : Backends.report()) {
      if (backend.availability().isUsable()) {
        for (String dense : new String[] {"--dense", "--no"}) {
          JsonNode run =
              json(
                  dense.equals("--dense")
                      ? run("run", MODEL, text, "--json", "--backend", backend.name(), dense)
                      : run("run", MODEL, text, "--json", "--backend", backend.name()));
          checksums.add(run.get("checksum").textValue());
          assertThat(run.get("backend").textValue()).isEqualTo(backend.name());
          assertThat(run.get("bits_per_char").doubleValue()).isBetween(0.5, 5.0);
          assertThat(run.get("live_fraction")).hasSize(2);
          assertThat(run.get("live_fraction").get(0).doubleValue()).isBetween(0.2, 0.7);
          assertThat(run.get("p50_us").doubleValue()).isPositive();
          assertThat(run.get("p99_us").doubleValue())
              .isGreaterThanOrEqualTo(run.get("p50_us").doubleValue());
          assertThat(run.get("characters").intValue()).isEqualTo(900);
          // The capital and the comma of each sentence.
          assertThat(run.get("mapped").intValue()).isEqualTo(40);
        }
      }
    }
    assertThat(checksums).hasSize(1);
  }

  @Test
  void theChecksumDependsOnEveryCharacter() throws Exception {
    String one = json(run("run", MODEL, text("the cat sat"), "--json")).get("checksum").textValue();
    String other =
        json(run("run", MODEL, text("the cat sit"), "--json")).get("checksum").textValue();
    assertThat(one).isNotEqualTo(other);
  }

  @Test
  void limitReadsTheFirstCharactersOnly() throws Exception {
    String text = text("the cat sat on the mat");
    assertThat(json(run("run", MODEL, text, "--json", "--limit", "7")).get("characters").intValue())
        .isEqualTo(7);
    assertThat(run("run", MODEL, text, "--limit", "1").code()).isEqualTo(2);
  }

  @Test
  void inspectShowsLayersAndTensors() throws Exception {
    JsonNode model = json(run("inspect", MODEL, "--json"));
    assertThat(model.get("layers")).hasSize(3);
    assertThat(model.get("parameters").longValue()).isEqualTo(436_459);
    assertThat(run("inspect", MODEL).out()).contains("unit gating of rank 16").contains("rnn1.Uc");
  }

  @Test
  void doctorFindsTheBitsOfTheReferenceOnEveryBackend() throws Exception {
    JsonNode report = json(run("doctor", "--json"));
    assertThat(report.get("backends")).hasSize(3);
    for (JsonNode backend : report.get("backends")) {
      if (backend.get("usable").booleanValue()) {
        assertThat(backend.get("same_bits").booleanValue()).isTrue();
      } else {
        assertThat(backend.get("cure").textValue()).isNotBlank();
      }
    }
  }

  @Test
  void demoRunsEveryUsableBackendBothWays() throws Exception {
    JsonNode demo = json(run("demo", "--json"));
    assertThat(demo.get("same_bits").booleanValue()).isTrue();
    assertThat(demo.get("runs")).hasSize(2 * Backends.usable().size());
    assertThat(run("demo").out()).contains("gave the same bits").contains("expected");
  }

  @Test
  void badInputEndsWithOneLineThatNamesIt() throws Exception {
    Path broken = folder.resolve("broken.safetensors");
    byte[] whole = Files.readAllBytes(Path.of(MODEL));
    Files.write(broken, Arrays.copyOf(whole, whole.length / 2));
    String text = text("some text");
    assertOneLine(run("run", broken.toString(), text), "broken.safetensors");
    assertOneLine(run("inspect", folder.resolve("none").toString()), "no such file");
    assertOneLine(run("run", MODEL, folder.resolve("none").toString()), "no such file");
    assertOneLine(run("run", MODEL, text, "--backend", "abacus"), "abacus");
    assertOneLine(run("run", MODEL, text("")), "at least two characters");
    assertOneLine(run("demo", "--model", folder.resolve("none").toString()), "--model");
  }

  private static void assertOneLine(Outcome outcome, String culprit) {
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err().strip())
        .contains(culprit)
        .doesNotContain("\n")
        .doesNotContain("\tat ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "fly", "run", "train", "run x y --limit many"})
  void wrongUsageExitsWithTwo(String command) {
    assertThat(run(command.isEmpty() ? new String[0] : command.split(" ")).code()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"demo", "run", "inspect", "tune", "onnx-test", "doctor", "train"})
  void everyCommandHasHelp(String command) {
    Outcome help = run(command, "--help");
    assertThat(help.code()).isZero();
    assertThat(help.out()).contains("Usage: stillgate " + command);
  }
}
