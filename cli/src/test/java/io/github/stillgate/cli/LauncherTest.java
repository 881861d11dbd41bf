package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The script {@code stillgate} in a checkout that is built, with a JDK whose {@code java} shows
 * what it was given.
 */
class LauncherTest {
  private static final String JAVA =
      """
      #!/bin/sh
      echo "WARNING: Using incubator modules: jdk.incubator.vector" >&2
      echo "a word of the JVM" >&2
      echo "LC_ALL=${LC_ALL-}"
      echo "TORCH=${TORCH_CPP_LOG_LEVEL-}"
      for argument in "$@"; do echo "<$argument>"; done
      echo "read $(cat)"
      exit 7
      """;

  @TempDir private Path folder;
  private Path checkout;
  private Path jdk;

  private record Outcome(int code, String out, String err) {}

  @BeforeEach
  void makeACheckout() throws IOException {
    assumeTrue(
        !System.getProperty("os.name").startsWith("Windows"), "the launcher is a shell script");
    folder = folder.toRealPath();
    checkout = Files.createDirectories(folder.resolve("a checkout"));
    jdk = folder.resolve("jdk 25");
    Files.createDirectories(jdk.resolve("bin"));
    Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"25.0.3\"\n");
    script(jdk.resolve("bin/java"), JAVA);
    script(jdk.resolve("bin/javac"), "#!/bin/sh\n");
    script(
        checkout.resolve("stillgate"),
        Files.readString(Path.of(System.getProperty("stillgate.home"), "stillgate")));
    for (String source :
        List.of(
            "core/src/main",
            "audio/src/main",
            "kernels-vector/src/main",
            "kernels-native/src/main",
            "native/src",
            "native/include",
            "importers/src/main",
            "tuning/src/main",
            "training/src/main",
            "cli/src/main",
            "examples/g2p/src/main")) {
      Files.createDirectories(checkout.resolve(source));
    }
    for (String pom : List.of("pom.xml", "cli/pom.xml", "examples/g2p/pom.xml")) {
      Files.writeString(checkout.resolve(pom), "");
    }
    for (String module : List.of("cli", "training", "bench", "examples/g2p")) {
      Path marker = checkout.resolve(module + "/target/.built");
      Files.createDirectories(marker.getParent());
      Files.writeString(marker, "");
      Files.setLastModifiedTime(marker, FileTime.from(Instant.now().plusSeconds(3600)));
    }
  }

  private static void script(Path file, String text) throws IOException {
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Outcome run(Map<String, String> environment, String... command)
      throws IOException, InterruptedException {
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    Path in = Files.writeString(folder.resolve("in"), "what was piped in");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectInput(in.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().clear();
    builder.environment().put("PATH", System.getenv("PATH"));
    builder.environment().put("JDK_25_HOME", jdk.toString());
    builder.environment().putAll(environment);
    Process process = builder.start();
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    // The filter behind the JVM's first words may come to its end a moment later.
    for (int i = 0; i < 200 && Files.size(err) == 0; i++) {
      Thread.sleep(10);
    }
    return new Outcome(
        process.exitValue(),
        Files.readString(out, StandardCharsets.UTF_8),
        Files.readString(err, StandardCharsets.UTF_8));
  }

  @Test
  void neitherHomeNorJavaHomeIsNeeded() throws Exception {
    Outcome outcome = run(Map.of(), checkout + "/stillgate", "inspect", "a model");
    assertThat(outcome.out())
        .contains("<io.github.stillgate.cli.Launch>\n<io.github.stillgate.cli.Stillgate>")
        .contains("<inspect>\n<a model>")
        .contains("<-Dstillgate.home=" + checkout + ">");
    assertThat(outcome.code()).as("the JVM's own exit code").isEqualTo(7);
  }

  @Test
  void onlyTheNoticeOnIncubatorModulesIsTakenOut() throws Exception {
    Outcome outcome = run(Map.of(), checkout + "/stillgate", "doctor");
    assertThat(outcome.err()).isEqualTo("a word of the JVM\n");
    assertThat(outcome.out())
        .contains("read what was piped in")
        .contains("<-Dstillgate.stderr=3>")
        .contains("<-Dstillgate.stderr.terminal=false>");
  }

  @Test
  void linksLeadToTheCheckout() throws Exception {
    Path bin = Files.createDirectories(folder.resolve("usr/local/bin"));
    Files.createSymbolicLink(bin.resolve("first"), Path.of("../../../a checkout/stillgate"));
    Files.createSymbolicLink(folder.resolve("usr/second"), Path.of("local/bin/first"));
    Files.createSymbolicLink(folder.resolve("third"), folder.resolve("usr/second"));
    for (String link : List.of("./third", folder + "/third", "usr/second", "usr/local/bin/first")) {
      assertThat(run(Map.of(), link, "doctor").out())
          .as(link)
          .contains("<-Dstillgate.home=" + checkout + ">");
    }
    assertThat(
            run(
                    Map.of("PATH", bin + File.pathSeparator + System.getenv("PATH")),
                    "sh",
                    "-c",
                    "first doctor")
                .out())
        .contains("<-Dstillgate.home=" + checkout + ">");
  }

  @Test
  void cdpathLeadsNowhere() throws Exception {
    Files.createDirectories(folder.resolve("elsewhere/a checkout"));
    assertThat(
            run(Map.of("CDPATH", folder.resolve("elsewhere").toString()), "a checkout/stillgate")
                .out())
        .contains("<-Dstillgate.home=" + checkout + ">");
  }

  @ParameterizedTest
  @ValueSource(strings = {"LC_ALL=C", "LC_ALL=POSIX", "LANG=C", "X=no locale at all"})
  void namesBeyondAsciiNeedUtf8(String setting) throws Exception {
    String[] parts = setting.split("=");
    assertThat(run(Map.of(parts[0], parts[1]), checkout + "/stillgate", "doctor").out())
        .contains("LC_ALL=C.UTF-8\n");
  }

  @Test
  void aChosenLocaleStays() throws Exception {
    assertThat(run(Map.of("LC_ALL", "de_DE.UTF-8"), checkout + "/stillgate", "doctor").out())
        .contains("LC_ALL=de_DE.UTF-8\n");
    assertThat(run(Map.of("LANG", "de_DE.UTF-8"), checkout + "/stillgate", "doctor").out())
        .contains("LC_ALL=\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bench", "g2p"})
  void commandsOfOtherModulesAreStarted(String command) throws Exception {
    String main =
        command.equals("bench")
            ? "io.github.stillgate.bench.Bench"
            : "io.github.stillgate.examples.g2p.G2p";
    assertThat(run(Map.of(), checkout + "/stillgate", command, "--quick").out())
        .contains("<io.github.stillgate.cli.Launch>\n<" + main + ">\n<--quick>");
    assertThat(run(Map.of(), checkout + "/stillgate", "help", command).out())
        .contains("<" + main + ">\n<--help>");
  }

  /** The profile and PyTorch's natives come by themselves. */
  @Test
  void benchPeersBringsEverybody() throws Exception {
    for (String source : List.of("bench/src/main", "bench/src/peers")) {
      Files.createDirectories(checkout.resolve(source));
    }
    Path maven = Files.createDirectories(folder.resolve("maven")).resolve("mvn");
    script(maven, "#!/bin/sh\necho \"$@\" > '" + folder + "/asked'\n");
    Map<String, String> path = Map.of("PATH", maven.getParent() + ":" + System.getenv("PATH"));
    Outcome outcome = run(path, checkout + "/stillgate", "bench", "peers", "--forks", "1");
    assertThat(Files.readString(folder.resolve("asked"))).contains("bench,cli", "-Ppeers");
    assertThat(Files.readString(folder.resolve("asked"))).doesNotContain("noNatives");
    assertThat(outcome.out())
        .contains("TORCH=ERROR\n", "training/target/natives/*")
        .contains("<io.github.stillgate.bench.Bench>\n<peers>\n<--forks>\n<1>");
    assertThat(run(path, checkout + "/stillgate", "bench", "peers").err())
        .as("it is built once")
        .doesNotContain("building");
  }

  @Test
  void trainingIsSpared() throws Exception {
    assertThat(run(Map.of(), checkout + "/stillgate", "train").out()).contains("TORCH=ERROR\n");
  }

  @Test
  void aClosedOutputIsSaid() throws Exception {
    Outcome outcome = run(Map.of(), "sh", "-c", "exec \"$0\" doctor >&-", checkout + "/stillgate");
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err())
        .isEqualTo("stillgate: the standard output is closed; lead it to a file or to /dev/null\n");
  }
}
