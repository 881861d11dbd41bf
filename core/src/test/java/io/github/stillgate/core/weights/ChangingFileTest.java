package io.github.stillgate.core.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file that another process changes while it is read is refused, and says so. */
class ChangingFileTest {
  @TempDir private Path directory;
  private Path path;

  @BeforeEach
  void write() throws IOException {
    path = directory.resolve("file.safetensors");
    new WeightsWriter()
        .tensor("a", new float[100_000], 100_000)
        .tensor("b", new float[1], 1)
        .write(path);
    Files.setLastModifiedTime(path, FileTime.fromMillis(1_000_000_000_000L));
  }

  private void cutTo(long length) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(length);
    }
  }

  private void assertRefused(WeightsFile file, String name, String numbers) {
    Tensor tensor = file.tensor(name);
    assertThatExceptionOfType(WeightsFormatException.class)
        .isThrownBy(tensor::toFloats)
        .withMessageStartingWith(path + ": changed while it was read")
        .withMessageContaining(numbers);
    assertThatExceptionOfType(WeightsFormatException.class).isThrownBy(tensor::bytes);
  }

  @Test
  void aFileThatShrinksIsRefused() throws IOException {
    try (WeightsFile file = WeightsFile.open(path)) {
      assertThat(file.tensor("a").toFloats()).hasSize(100_000);
      cutTo(5000);
      assertRefused(file, "a", "has 5000 now");
      assertRefused(file, "b", "has 5000 now");
      cutTo(0);
      assertRefused(file, "b", "has 0 now");
    }
  }

  @Test
  void aFileThatGrowsIsRefused() throws IOException {
    try (WeightsFile file = WeightsFile.open(path)) {
      long size = Files.size(path);
      cutTo(size + 1);
      assertRefused(file, "a", "had " + size);
    }
  }

  @Test
  void aFileThatIsWrittenIntoIsRefused() throws IOException {
    try (WeightsFile file = WeightsFile.open(path)) {
      try (RandomAccessFile other = new RandomAccessFile(path.toFile(), "rw")) {
        other.seek(other.length() - 4);
        other.writeInt(1);
      }
      assertRefused(file, "b", "changed");
    }
  }

  @Test
  void aFileThatIsReplacedOrDeletedIsReadOn() throws IOException {
    try (WeightsFile file = WeightsFile.open(path)) {
      new WeightsWriter().tensor("c", new float[7], 7).write(path);
      assertThat(file.tensor("a").toFloats()).hasSize(100_000);
      Files.delete(path);
      assertThat(file.tensor("b").toFloats()).containsExactly(0);
    }
  }

  @Test
  void anInterruptNeitherStopsAReaderNorClosesTheFile() throws IOException {
    try (WeightsFile file = WeightsFile.open(path)) {
      Thread.currentThread().interrupt();
      try {
        assertThat(file.tensor("a").toFloats()).hasSize(100_000);
      } finally {
        assertThat(Thread.interrupted()).isTrue();
      }
      assertThat(file.tensor("b").toFloats()).containsExactly(0);
    }
  }
}
