package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.stillgate.core.model.Vocabulary;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenReaderTest {
  private static final Vocabulary LETTERS = new Vocabulary(" abcdefghijklmnopqrstuvwxyz");

  @TempDir private Path folder;

  private Path file(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("text"), bytes);
  }

  private static TokenReader open(Path file, long limit) throws IOException {
    return TokenReader.open(file, LETTERS, limit, false);
  }

  @Test
  void capitalsBecomeSmallAndTheRestSpaces() throws IOException {
    try (TokenReader reader =
        open(file("aB,\u00e9\ud83d\ude00z".getBytes(StandardCharsets.UTF_8)), 99)) {
      assertThat(reader.rest()).containsExactly(1, 2, 0, 0, 0, 26);
      assertThat(reader.mapped()).isEqualTo(4);
      assertThat(reader.malformed()).isZero();
    }
  }

  @Test
  void invalidUtf8IsCounted() throws IOException {
    byte[] bytes = {'a', (byte) 0xff, 'b', (byte) 0xc3, 'c', (byte) 0xe2, (byte) 0x82};
    try (TokenReader reader = open(file(bytes), Long.MAX_VALUE)) {
      assertThat(reader.rest()).containsExactly(1, 0, 2, 0, 3, 0);
      assertThat(reader.malformed()).isEqualTo(3);
    }
  }

  /** Pieces of the reader end anywhere within characters and errors. */
  @Test
  void longTextsAreReadAsShortOnes() throws IOException {
    Random random = new Random(5);
    StringBuilder text = new StringBuilder();
    while (text.length() < 300_000) {
      text.append(
          switch (random.nextInt(5)) {
            case 0 -> "\ud83d\ude00";
            case 1 -> "\u20ac";
            default -> "a".repeat(1 + random.nextInt(9));
          });
    }
    int[] codePoints = text.codePoints().toArray();
    try (TokenReader reader =
        open(file(text.toString().getBytes(StandardCharsets.UTF_8)), Long.MAX_VALUE)) {
      int[] tokens = reader.rest();
      assertThat(tokens).hasSameSizeAs(codePoints);
      for (int i = 0; i < tokens.length; i++) {
        assertThat(tokens[i]).isEqualTo(codePoints[i] == 'a' ? 1 : 0);
      }
    }
    byte[] broken = new byte[200_000];
    for (int i = 0; i < broken.length; i++) {
      broken[i] = (byte) (i % 20 == 19 ? 0xff : 'b');
    }
    try (TokenReader reader = open(file(broken), Long.MAX_VALUE)) {
      assertThat(reader.rest()).hasSize(200_000);
      assertThat(reader.malformed()).isEqualTo(10_000);
    }
    try (TokenReader reader = open(file(broken), 70_001)) {
      assertThat(reader.rest()).hasSize(70_001);
    }
  }

  @Test
  void aBinaryFileIsRefused() throws IOException {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> open(file("ab\0cd".getBytes(StandardCharsets.UTF_8)), 99))
        .withMessageContaining("zero byte after 2 characters");
    byte[] noise = new byte[5000];
    for (int i = 0; i < noise.length; i++) {
      noise[i] = (byte) (128 + i % 100);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> open(file(noise), 99))
        .withMessageContaining("--any-text");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> open(file("12345".repeat(40).getBytes(StandardCharsets.UTF_8)), 999))
        .withMessageContaining("knows only 0");
    try (TokenReader reader = TokenReader.open(file(noise), LETTERS, 5000, true)) {
      assertThat(reader.rest()).hasSizeGreaterThan(100);
    }
  }

  @Test
  void ofAHugeFileOnlyTheBeginningIsRead() throws IOException {
    Path huge = file("the beginning".getBytes(StandardCharsets.UTF_8));
    try (RandomAccessFile sparse = new RandomAccessFile(huge.toFile(), "rw")) {
      sparse.setLength(3L << 30);
    }
    try (TokenReader reader = open(huge, 13)) {
      assertThat(reader.rest()).hasSize(13);
      assertThat(reader.mapped()).isZero();
    }
  }

  @Test
  void devicesNeedALimitAndFoldersAreNone() throws IOException {
    Path zero = Path.of("/dev/zero");
    assumeTrue(Files.exists(zero), "this system has no /dev/zero");
    assertThatIOException()
        .isThrownBy(() -> open(zero, Long.MAX_VALUE))
        .withMessageContaining("--limit");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> open(zero, 100))
        .withMessageContaining("zero byte");
    assertThatIOException()
        .isThrownBy(() -> open(folder, 100))
        .withMessageContaining("is a folder");
  }
}
