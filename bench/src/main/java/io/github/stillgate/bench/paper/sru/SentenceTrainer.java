package io.github.stillgate.bench.paper.sru;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Starts {@code training/pytorch/sentences.py}, which trains what its folder does not have yet. */
final class SentenceTrainer {
  private SentenceTrainer() {}

  /**
   * Trains until everything is there.
   *
   * @param home the checkout
   * @param arguments of the program
   * @return its exit code: 0, or 130 if it was interrupted
   * @throws IllegalArgumentException if no Python here has torch
   * @throws IllegalStateException if the program fails
   */
  static int run(Path home, List<String> arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(python());
    command.add(home.resolve("training/pytorch/sentences.py").toString());
    command.addAll(arguments);
    int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (exit != 0 && exit != 130) {
      throw new IllegalStateException(
          "%s failed with exit code %d; what it says stands above"
              .formatted(String.join(" ", command), exit));
    }
    return exit;
  }

  /** The Python on the path, or the system's, which is where Debian puts torch. */
  private static String python() throws IOException, InterruptedException {
    for (String python : List.of("python3", "/usr/bin/python3")) {
      if (python.indexOf('/') < 0 || Files.isExecutable(Path.of(python))) {
        try {
          Process asked =
              new ProcessBuilder(python, "-c", "import torch")
                  .redirectErrorStream(true)
                  .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                  .start();
          if (asked.waitFor() == 0) {
            return python;
          }
        } catch (IOException absent) {
          continue;
        }
      }
    }
    throw new IllegalArgumentException(
        "no python3 has torch here (Debian: apt-get install python3-torch)");
  }
}
