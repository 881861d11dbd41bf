package io.github.stillgate.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs the programs of {@code training/pytorch}; skips the test where no Python has torch. */
final class PythonPrograms {
  private static final Path FOLDER = Path.of("pytorch").toAbsolutePath();

  private final Path log;
  private final String python;

  /**
   * Finds the Python on the path, or the system's, which is where Debian puts torch.
   *
   * @param log where the programs' output goes
   * @param modules what they import besides torch and numpy
   */
  PythonPrograms(Path log, String... modules) throws InterruptedException {
    this.log = log;
    List<String> needed = new ArrayList<>(List.of("torch", "numpy"));
    needed.addAll(List.of(modules));
    String imports = "import " + String.join(", ", needed);
    String found = "";
    for (String python : List.of("python3", "/usr/bin/python3")) {
      try {
        if (found.isEmpty() && exit(List.of(python, "-c", imports)) == 0) {
          found = python;
        }
      } catch (IOException absent) {
        continue;
      }
    }
    assumeTrue(
        !found.isEmpty(),
        "no python3 has %s here (Debian: apt-get install python3-torch python3-scipy)"
            .formatted(String.join(", ", needed)));
    this.python = found;
  }

  /** Runs Python with these arguments and fails with its output unless it ends well. */
  void run(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(python));
    command.addAll(List.of(arguments));
    int exit = exit(command);
    assertThat(exit).as(Files.readString(log)).isZero();
  }

  private int exit(List<String> command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .directory(FOLDER.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    assertThat(process.waitFor(10, TimeUnit.MINUTES)).isTrue();
    return process.exitValue();
  }
}
