package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code examples/pytorch}: what the Python module exports scores here what it scores there. */
class PyTorchModuleTest {
  private static final Path EXAMPLE =
      Path.of(System.getProperty("stillgate.home"), "examples", "pytorch");
  private static final String SENTENCE = "the quick brown fox jumps over the lazy dog and runs ";

  @TempDir private Path folder;

  @Test
  void anExportScoresTheSame() throws Exception {
    Optional<String> python = pythonWithTorch();
    assumeTrue(
        python.isPresent(), "no python3 has torch here (Debian: apt-get install python3-torch)");
    Path text = Files.writeString(folder.resolve("text.txt"), SENTENCE.repeat(30).strip());
    Path model = folder.resolve("exported.safetensors");
    assertThat(run(python.get(), "check.py", text.toString(), model.toString()))
        .as(Files.readString(folder.resolve("python.log")))
        .isZero();
    double there =
        JsonMapper.builder()
            .build()
            .readTree(Files.readString(folder.resolve("python.log")))
            .get("bits_per_char")
            .asDouble();
    JsonNode here = stillgate("run", model.toString(), text.toString(), "--json");
    assertThat(there).isBetween(0.5, 4.7);
    assertThat(here.get("bits_per_char").asDouble()).isCloseTo(there, within(1e-4));
  }

  /** The one on the path, or the system's, which is where Debian puts torch. */
  private Optional<String> pythonWithTorch() throws InterruptedException {
    for (String python : List.of("python3", "/usr/bin/python3")) {
      try {
        if (run(python, "-c", "import torch") == 0) {
          return Optional.of(python);
        }
      } catch (IOException absent) {
        continue;
      }
    }
    return Optional.empty();
  }

  private int run(String... command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .directory(EXAMPLE.toFile())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("python.log").toFile())
            .start();
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    return process.exitValue();
  }

  private static JsonNode stillgate(String... args) throws IOException {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        Stillgate.commandLine()
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(args);
    assertThat(code).as(err.toString()).isZero();
    return JsonMapper.builder().build().readTree(out.toString());
  }
}
