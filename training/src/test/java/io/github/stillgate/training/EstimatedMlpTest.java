package io.github.stillgate.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code pytorch/estimated_mlp.py} passes its own tests. */
class EstimatedMlpTest {
  private static final Path PROGRAMS = Path.of("pytorch").toAbsolutePath();

  @TempDir private Path folder;

  @Test
  void theProgramsPassTheirOwnTests() throws Exception {
    Optional<String> python = pythonWithTorch();
    assumeTrue(
        python.isPresent(),
        "no python3 has torch and scipy here (Debian: apt-get install python3-torch python3-scipy)");
    int exit = run(python.orElseThrow(), "-m", "unittest", "test_estimated_mlp");
    assertThat(exit).as(Files.readString(folder.resolve("python.log"))).isZero();
  }

  /** The one on the path, or the system's, which is where Debian puts torch. */
  private Optional<String> pythonWithTorch() throws InterruptedException {
    for (String python : List.of("python3", "/usr/bin/python3")) {
      try {
        if (run(python, "-c", "import torch, numpy, scipy.io") == 0) {
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
            .directory(PROGRAMS.toFile())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("python.log").toFile())
            .start();
    assertThat(process.waitFor(10, TimeUnit.MINUTES)).isTrue();
    return process.exitValue();
  }
}
