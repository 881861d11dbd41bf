package io.github.stillgate.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The doctor in a process of its own, whose C library cannot be used. */
class DoctorCommandTest {
  private static JsonNode doctor(String flag) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                flag,
                "-cp",
                System.getProperty("java.class.path"),
                "io.github.stillgate.cli.Stillgate",
                "doctor",
                "--json")
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return JsonMapper.builder().build().readTree(output);
  }

  private static JsonNode nativeBackend(JsonNode report) {
    for (JsonNode backend : report.get("backends")) {
      if (backend.get("backend").textValue().equals("native")) {
        return backend;
      }
    }
    throw new AssertionError(report);
  }

  /** A library that every JDK has. */
  private static Path foreign() {
    return Stream.of("lib", "bin")
        .map(folder ->
            Path.of(System.getProperty("java.home"), folder, System.mapLibraryName("net")))
        .filter(Files::exists)
        .findFirst()
        .orElseThrow();
  }

  @Test
  void saysWhyANamedLibraryIsRefusedAndExaminesTheOthers() throws Exception {
    JsonNode report = doctor("-Dstillgate.native.library=" + foreign());
    JsonNode refused = nativeBackend(report);
    assertThat(refused.get("usable").booleanValue()).isFalse();
    assertThat(refused.get("reason").textValue()).contains("is not a C library of Stillgate");
    assertThat(refused.get("cure").textValue()).contains("libstillgate");
    int examined = 0;
    for (JsonNode backend : report.get("backends")) {
      if (backend.get("usable").booleanValue()) {
        assertThat(backend.get("same_bits").booleanValue()).isTrue();
        examined++;
      }
    }
    assertThat(examined).isPositive();
  }

  @Test
  void findsNothingInAThreadOfTheJvm() throws Exception {
    JsonNode report = doctor("-Dstillgate.native.library=");
    if (nativeBackend(report).get("usable").booleanValue()) {
      assertThat(report.get("thread_flushes_denormals").booleanValue()).isFalse();
      assertThat(report.get("thread_deviations")).isEmpty();
    }
  }
}
