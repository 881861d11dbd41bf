package io.github.stillgate.bench.paper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RunFileTest {
  @TempDir private Path folder;

  @Test
  void anObjectIsRead() throws IOException {
    Path file = Files.writeString(folder.resolve("record.json"), "{\"seed\": 3}");
    assertThat(RunFile.read(file, "").path("seed").intValue()).isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"NaN", "Infinity", "-Infinity"})
  void aNumberThatIsNotFiniteIsCalledSo(String number) throws IOException {
    Path file = folder.resolve("record.json");
    Files.writeString(file, "{\"curve\": [\n{\"loss\": " + number + "}]}");
    assertThatIOException()
        .isThrownBy(() -> RunFile.read(file, "train again"))
        .withMessage(
            file + ": line 2 has a number that is not finite: the training diverged; train again");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{\"curve\": [\n{\"loss\": 0.", "{\"curve\": [\n", "no JSON", "", "[1]", "3"})
  void whatIsDamagedIsNamed(String text) throws IOException {
    Path file = Files.writeString(folder.resolve("record.json"), text);
    assertThatIOException()
        .isThrownBy(() -> RunFile.read(file, "train again"))
        .withMessageStartingWith(file + ": ")
        .withMessageEndingWith("; train again");
  }

  @Test
  void whatIsAbsentIsNamed() {
    assertThatIOException()
        .isThrownBy(() -> RunFile.read(folder.resolve("absent.json"), ""))
        .withMessageContaining("absent.json");
  }
}
