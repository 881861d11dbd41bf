package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands in JVMs of their own, as the launcher starts them. */
class LaunchTest {
  private static final Path HOME = Path.of(System.getProperty("stillgate.home"));
  private static final String MODEL = HOME.resolve("models/text8-256.safetensors").toString();

  @TempDir private Path folder;

  private record Outcome(int code, String out, String err) {}

  private List<String> command(List<String> flags, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1"));
    command.addAll(flags);
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            Launch.class.getName(),
            Stillgate.class.getName()));
    command.addAll(List.of(arguments));
    return command;
  }

  private Outcome run(File out, List<String> flags, String... arguments)
      throws IOException, InterruptedException {
    Path err = folder.resolve("err");
    Process process =
        new ProcessBuilder(command(flags, arguments))
            .redirectOutput(out)
            .redirectError(err.toFile())
            .start();
    assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
    return new Outcome(
        process.exitValue(),
        out.isFile() ? Files.readString(out.toPath()) : "",
        Files.readString(err));
  }

  @Test
  void aFullDeviceIsAFailure() throws Exception {
    File full = new File("/dev/full");
    assumeTrue(full.exists(), "this system has no /dev/full");
    Outcome outcome = run(full, List.of(), "inspect", MODEL);
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err())
        .isEqualTo(
            "stillgate: standard output: no space left on the device; what was written is"
                + " incomplete\n");
    assertThat(run(full, List.of(), "--help").code()).isEqualTo(1);
  }

  @Test
  void aReaderThatGoesAwayEndsTheCommandQuietly() throws Exception {
    Path err = folder.resolve("err");
    Process process =
        new ProcessBuilder(command(List.of(), "inspect", MODEL))
            .redirectError(err.toFile())
            .start();
    try (BufferedReader reader = process.inputReader()) {
      assertThat(reader.ready()).isFalse();
    }
    assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).isEqualTo(141);
    assertThat(err).isEmptyFile();
  }

  @Test
  void aHeapThatIsTooSmallIsALineWithACure() throws Exception {
    Outcome outcome =
        run(
            folder.resolve("out").toFile(),
            List.of("-Xmx12m"),
            "inspect",
            HOME.resolve("models/text8-1024.safetensors").toString());
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err().strip())
        .startsWith("stillgate: ")
        .contains("heap", "-Xmx")
        .doesNotContain("\n");
  }

  @Test
  void digitsAreAsciiWhateverTheLocale() throws Exception {
    List<String> egypt = List.of("-Duser.language=ar", "-Duser.country=EG");
    Outcome outcome = run(folder.resolve("out").toFile(), egypt, "inspect", MODEL);
    assertThat(outcome.out()).contains("reads 27 tokens").contains("27 -> 256");
    Path broken = Files.write(folder.resolve("broken"), new byte[] {9, 9, 9, 9, 9, 9, 0, 0, 1});
    outcome = run(folder.resolve("out").toFile(), egypt, "inspect", broken.toString());
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err()).containsPattern("[0-9]");
    assertThat(outcome.err().codePoints().filter(c -> Character.isDigit(c) && c > '9')).isEmpty();
  }

  @Test
  void theErrorStreamIsTakenBackFromTheLauncher() throws Exception {
    assumeTrue(new File("/bin/sh").exists(), "there is no shell");
    Path real = folder.resolve("real");
    Path first = folder.resolve("first");
    List<String> command =
        new ArrayList<>(List.of("/bin/sh", "-c", "exec \"$@\" 3> " + real + " 2> " + first, "sh"));
    command.addAll(
        command(
            List.of("--add-modules", "jdk.incubator.vector", "-Dstillgate.stderr=3"),
            "inspect",
            folder.resolve("none").toString()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(out).isEqualTo(1);
    assertThat(real).hasContent("stillgate: " + folder.resolve("none") + ": no such file");
    assertThat(Files.readString(first)).contains("incubator").doesNotContain("stillgate");
  }
}
