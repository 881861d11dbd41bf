package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.plan.Backends;
import io.github.stillgate.core.weights.DType;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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
    int code = Stillgate.execute(commandLine, args);
    return new Outcome(code, out.toString(), err.toString());
  }

  private static JsonNode json(Outcome outcome) throws Exception {
    assertThat(outcome.code()).as(outcome.err()).isZero();
    return JsonMapper.builder().build().readTree(outcome.out());
  }

  /** Reads characters as the shipped model does; its steps, and its warm-up, are far shorter. */
  private String smallModel() throws Exception {
    Path file = folder.resolve("small.safetensors");
    new Model(
            TestModels.conditional(27, 32, 8, 2).layers(),
            new Vocabulary(" abcdefghijklmnopqrstuvwxyz"))
        .save(file);
    return file.toString();
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
    String model = smallModel();
    String text = text("The quick brown fox, jumps over the lazy dog ".repeat(20));
    Set<String> checksums = new HashSet<>();
    for (Backends.Entry backend : Backends.report()) {
      if (backend.isUsable()) {
        for (String dense : new String[] {"--dense", "--no"}) {
          JsonNode run =
              json(
                  dense.equals("--dense")
                      ? run("run", model, text, "--json", "--backend", backend.name(), dense)
                      : run("run", model, text, "--json", "--backend", backend.name()));
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
    String model = smallModel();
    String one = json(run("run", model, text("the cat sat"), "--json")).get("checksum").textValue();
    String other =
        json(run("run", model, text("the cat sit"), "--json")).get("checksum").textValue();
    assertThat(one).isNotEqualTo(other);
  }

  @Test
  void limitReadsTheFirstCharactersOnly() throws Exception {
    String model = smallModel();
    String text = text("the cat sat on the mat");
    assertThat(json(run("run", model, text, "--json", "--limit", "7")).get("characters").intValue())
        .isEqualTo(7);
    assertThat(run("run", model, text, "--limit", "1").code()).isEqualTo(2);
  }

  @Test
  void inspectShowsWhatTheLayersOfAGraphRead() throws Exception {
    Path file = folder.resolve("graph.safetensors");
    new Model(
            Graph.builder()
                .input("x", 2)
                .state("last", Matrix.vector("last", 1, 2), "y")
                .node(new Combine("y", 2, Combine.Kind.ADD), "x", "last")
                .node(IndexMap.slice("first", 2, 0, 1), "y")
                .output("first")
                .output("y")
                .build())
        .save(file);
    Path drawing = folder.resolve("graph.svg");
    Outcome shown = run("inspect", file.toString(), "--svg", drawing.toString());
    assertThat(shown.out())
        .contains("a graph of 2 layers, inputs 1, states 1, outputs 2")
        .contains("inputs\n  x")
        .containsPattern("states\n  last +2 +becomes y\n")
        .containsPattern("\n  y +2 +add +0 +0  x, last\n  first +1 +moves values +0 +0  y\n")
        .containsPattern("outputs\n  first +1\n  y +2\n")
        .contains("last.initial")
        .contains("Written: " + drawing);
    assertThat(drawing).content().contains(">last</text>", ">next state, 2</text>");
    JsonNode graph = json(run("inspect", file.toString(), "--json")).get("graph");
    assertThat(graph.get("inputs").get(0).get("name").textValue()).isEqualTo("x");
    assertThat(graph.get("reads").get("y").get(1).textValue()).isEqualTo("last");
    JsonNode node = graph.get("nodes").get(1);
    assertThat(node.get("name").textValue()).isEqualTo("first");
    assertThat(node.get("reads").get(0).textValue()).isEqualTo("y");
    assertThat(node.get("width").intValue()).isEqualTo(1);
    assertThat(graph.get("states").get(0).get("next").textValue()).isEqualTo("y");
    assertThat(graph.get("outputs").get(1).textValue()).isEqualTo("y");
  }

  /**
   * Weights and bytes of a layer are those of its own tensors, whatever other names begin alike.
   */
  @Test
  void inspectCountsTheWeightsOfEachLayerOfAGraph() throws Exception {
    Path file = folder.resolve("graph.safetensors");
    Matrix bias = Matrix.vector("b", 0, 0);
    new Model(
            Graph.builder()
                .input("x", 3)
                .node(
                    new Dense("a", Matrix.of("W", 2, 3, new float[6]), bias, Activation.TANH), "x")
                .node(
                    new Dense("a.b", Matrix.of("W", 2, 2, new float[4]), bias, Activation.TANH),
                    "a")
                .output("a")
                .output("a.b")
                .build())
        .save(file, DType.BF16);
    assertThat(run("inspect", file.toString()).out())
        .containsPattern("\n  a +2 +dense, tanh +8 +16  x\n")
        .containsPattern("\n  a.b +2 +dense, tanh +6 +12  a\n");
    JsonNode nodes = json(run("inspect", file.toString(), "--json")).get("graph").get("nodes");
    assertThat(nodes.get(0).get("weights").intValue()).isEqualTo(8);
    assertThat(nodes.get(1).get("bytes").intValue()).isEqualTo(12);
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
    for (Outcome help : List.of(run(command, "--help"), run("help", command))) {
      assertThat(help.code()).isZero();
      assertThat(help.out()).contains("Usage: stillgate " + command);
    }
    assertThat(run("help").out()).contains("  " + command);
  }

  @ParameterizedTest
  @ValueSource(strings = {"bench", "reproduce", "g2p"})
  void commandsOfOtherModulesAreListed(String command) {
    assertThat(run("--help").out()).contains("  " + command + " ");
    assertThat(run("help", command).out()).contains("./stillgate " + command + " --help");
    assertOneLine(run(command, "--quick"), "run ./stillgate " + command);
    assertThat(run(command.substring(0, command.length() - 1)).err())
        .contains("Did you mean: stillgate " + command);
  }

  @Test
  void theVersionIsThatOfTheBuild() throws Exception {
    String pom = Files.readString(Path.of(System.getProperty("stillgate.home"), "pom.xml"));
    String version = pom.substring(pom.indexOf("<version>") + 9, pom.indexOf("</version>"));
    assertThat(run("--version").out().strip()).isEqualTo("stillgate " + version);
  }

  @Test
  void doctorFailsWithoutARequiredBackend() {
    assertThat(run("doctor", "--require", "reference,abacus").code()).isEqualTo(2);
    Outcome outcome = run("doctor", "--require", "reference,vector,native");
    boolean all = true;
    for (Backends.Entry backend : Backends.report()) {
      boolean usable = backend.isUsable();
      all &= usable;
      assertThat(outcome.err().contains(backend.name() + " is required")).isEqualTo(!usable);
    }
    assertThat(outcome.code()).isEqualTo(all ? 0 : 1);
  }

  @Test
  void whatAFileSaysIsShownEscaped() throws Exception {
    Path hostile = folder.resolve("hostile.safetensors");
    Model model =
        new Model(
            List.of(
                new Dense(
                    "a\u001b[31m",
                    Matrix.of("W", 1, 1, new float[] {1}),
                    Matrix.vector("b", new float[] {0}),
                    Activation.SOFTMAX)),
            new Vocabulary("\u009b"));
    model.save(
        hostile,
        DType.F32,
        Map.of("no\u0007te", "\u001b]0;owned\u0007\rspoofed\nline \u202e \u00e9"));
    for (Outcome shown :
        List.of(
            run("inspect", hostile.toString()),
            run("inspect", hostile.toString(), "--json"),
            run("run", hostile.toString(), hostile.toString()))) {
      assertThat((shown.out() + shown.err()).codePoints())
          .noneMatch(c -> c != '\n' && Character.getType(c) == Character.CONTROL)
          .noneMatch(c -> Character.getType(c) == Character.FORMAT);
    }
    assertThat(run("inspect", hostile.toString()).out())
        .contains("a\\u001b[31m")
        .contains("no\\u0007te: \\u001b]0;owned\\u0007\\rspoofed\\nline \\u202e \u00e9\n");
  }

  @Test
  void pipesFoldersAndDevicesAreNoModels() throws Exception {
    assertOneLine(run("inspect", folder.toString()), "is a folder");
    assertOneLine(run("run", MODEL, folder.toString()), folder + ": is a folder");
    Path pipe = folder.resolve("pipe");
    assumeTrue(
        new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0, "there is no mkfifo");
    assertTimeoutPreemptively(
        Duration.ofMinutes(1),
        () -> {
          for (String[] command :
              new String[][] {
                {"inspect", pipe.toString()},
                {"run", pipe.toString(), MODEL},
                {"demo", "--model", pipe.toString()},
                {"tune", pipe.toString(), MODEL}
              }) {
            assertOneLine(run(command), pipe + ": is a pipe");
          }
        });
    assumeTrue(Files.exists(Path.of("/dev/zero")), "there is no /dev/zero");
    assertOneLine(run("inspect", "/dev/zero"), "is a device");
    assertOneLine(run("run", MODEL, "/dev/zero"), "--limit N");
  }

  @Test
  void runRefusesWhatIsNoText() throws Exception {
    String model = smallModel();
    assertOneLine(run("run", model, model), "is no text");
    Path invalid = Files.write(folder.resolve("invalid"), new byte[] {'a', 'b', (byte) 0xff, 'c'});
    JsonNode read = json(run("run", model, invalid.toString(), "--json"));
    assertThat(read.get("malformed_utf8").intValue()).isEqualTo(1);
    assertThat(run("run", model, invalid.toString()).out()).contains("of these 1 invalid UTF-8");
  }

  @Test
  void noProgressWhereNobodySeesIt() throws Exception {
    String model = smallModel();
    Outcome outcome = run("run", model, text("the cat sat on the mat ".repeat(500)));
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).doesNotContain("\r").doesNotContain("streaming");
  }

  @Test
  void nothingThatIsReadIsWrittenOver() throws Exception {
    Path model = folder.resolve("own.safetensors");
    Files.copy(Path.of(MODEL), model);
    byte[] before = Files.readAllBytes(model);
    Path link = Files.createSymbolicLink(folder.resolve("link"), model);
    assertOneLine(run("inspect", model.toString(), "--svg", model.toString()), "--svg");
    assertOneLine(run("inspect", model.toString(), "--svg", link.toString()), "--svg");
    String text = text("the cat sat on the mat ".repeat(20));
    assertOneLine(run("tune", model.toString(), text, "--save", "4", text), "--save");
    assertOneLine(run("train", "char-lm", "--text", text, "--out", text), "--out");
    assertThat(model).hasBinaryContent(before);
    assertThat(Path.of(text)).content().startsWith("the cat");
  }

  /** In Egypt %d is written with other digits. */
  @Test
  void digitsAreAsciiInEveryLocale() throws Exception {
    String model = smallModel();
    Locale before = Locale.getDefault();
    Path copy = folder.resolve("copy.safetensors");
    String text = text("the cat sat on the mat ".repeat(20));
    try {
      Locale.setDefault(Locale.forLanguageTag("ar-EG"));
      assertThat("%d".formatted(7)).isNotEqualTo("7");
      for (String[] command :
          new String[][] {
            {"inspect", model},
            {"inspect", model, "--json"},
            {"run", model, text},
            {"run", model, text, "--json"},
            {"run", model, text, "--limit", "1"},
            {"demo", "--model", model},
            {"doctor"},
            {"convert", model, copy.toString()},
            {"tune", model, text},
            {"tune", model, text, "--epsilons", "7"},
            {"train", "char-lm", "--text", text, "--out", copy.toString()},
            {"onnx-test", folder.toString()},
            {"--help"},
            {"--version"}
          }) {
        Outcome outcome = run(command);
        assertThat((outcome.out() + outcome.err()).codePoints())
            .as(String.join(" ", command))
            .isNotEmpty()
            .noneMatch(c -> Character.isDigit(c) && c > '9');
        if (command[0].equals("demo")) {
          assertThat(outcome.out()).contains("gave the same bits").contains("expected");
        }
      }
    } finally {
      Locale.setDefault(before);
    }
  }
}
