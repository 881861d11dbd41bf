package io.github.stillgate.kernel.ffm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.plan.Backends;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a whole process does with a C library that it cannot use. */
class FallBackTest {
  /** Compiles a network by whatever backend runs, makes a step, and prints what was found. */
  static final class Program {
    private Program() {}

    public static void main(String[] args) {
      try (Plan plan = Plan.compile(TestModels.gru(5, 9, 1));
          Session session = Session.open(plan)) {
        session.step(3, new float[5]);
        System.out.println("backend " + plan.backend());
      }
      Plan.compile(TestModels.gru(5, 9, 2)).close();
      for (Backends.Entry entry : Backends.report()) {
        System.out.println(entry);
      }
    }
  }

  private static String run(String... flags) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(Arrays.asList(flags));
    command.addAll(
        List.of(
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Program.class.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }

  @Test
  void aForeignLibraryLeavesTheOtherBackends() throws Exception {
    assertThat(
            run(
                "--enable-native-access=ALL-UNNAMED",
                "-Dstillgate.native.library=" + BuiltLibrary.foreign()))
        .contains("backend reference")
        .containsOnlyOnce("WARNING: plans run on the slower backend reference")
        .contains("is not a C library of Stillgate")
        .doesNotContain("Exception");
  }

  @Test
  void deniedNativeAccessLeavesTheOtherBackends() throws Exception {
    assertThat(run("--illegal-native-access=deny"))
        .contains("backend reference")
        .containsOnlyOnce("WARNING: plans run on the slower backend reference")
        .contains("--enable-native-access=ALL-UNNAMED")
        .doesNotContain("Exception");
  }
}
