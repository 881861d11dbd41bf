package io.github.stillgate.core.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What people give to a program that wants a network, and what it says. */
class FileKindTest {
  @TempDir private Path directory;

  static Stream<Arguments> files() throws IOException {
    byte[] tar = new byte[1024];
    System.arraycopy("ustar".getBytes(StandardCharsets.US_ASCII), 0, tar, 257, 5);
    tar[0] = 'a';
    return Stream.of(
        arguments(FileKind.EMPTY, new byte[0]),
        arguments(FileKind.PYTORCH_ZIP, zip("model/data.pkl", "model/data/0")),
        arguments(FileKind.PYTORCH_ZIP, zip()),
        arguments(FileKind.PYTORCH_ZIP, hex("504b0304" + "00".repeat(40))),
        arguments(
            FileKind.TORCHSCRIPT, zip("net/data/0", "net/data.pkl", "net/code/__torch__/net.py")),
        arguments(FileKind.KERAS_ZIP, zip("metadata.json", "config.json", "model.weights.h5")),
        arguments(FileKind.NUMPY_ZIP, zip("a.npy", "b.npy")),
        arguments(FileKind.PICKLE, hex("80028a0a6cfc9c46f9206aa850192e8002")),
        arguments(FileKind.PICKLE, hex("80049512000000000000007d94")),
        arguments(FileKind.HDF5, hex("894844460d0a1a0a0000000000080800")),
        arguments(FileKind.JSON, text("{\"version\": \"0.5.4\", \"architecture\": \"LSTM\"}")),
        arguments(FileKind.JSON, text("\n  [1, 2, 3, 4, 5, 6, 7]")),
        arguments(FileKind.JSON, text("{\"a\":{\"b\":1}}")),
        arguments(FileKind.RNNOISE, text("rnnoise-nu model file version 1\n42 24 0\n-16 13")),
        arguments(FileKind.ONNX, hex("080712077079746f7263681a05322e302e30")),
        arguments(FileKind.ONNX, hex("08083a80020a10")),
        arguments(FileKind.NUMPY, hex("934e554d505901007600")),
        arguments(FileKind.GZIP, gzip()),
        arguments(FileKind.TAR, tar),
        arguments(
            FileKind.GIT_LFS, text("version https://git-lfs.github.com/spec/v1\noid sha256:1")),
        arguments(FileKind.HTML, text("<!DOCTYPE html><html>")),
        arguments(FileKind.GGUF, text("GGUF\u0003\u0000\u0000\u0000\u0000")),
        arguments(FileKind.TFLITE, hex("1c00000054464c3314002000")),
        arguments(FileKind.TEXT, text("hello, this is a text with an \u00e9")),
        arguments(FileKind.TEXT, text("\u00e9".repeat(FileKind.LOOKS_AT))),
        arguments(FileKind.UNKNOWN, hex("7f454c4602010100000000000000")),
        arguments(FileKind.UNKNOWN, new byte[1000]));
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] hex(String bytes) {
    return HexFormat.of().parseHex(bytes);
  }

  private static byte[] zip(String... names) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (String name : names) {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(1);
      }
    }
    return bytes.toByteArray();
  }

  private static byte[] gzip() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
      gzip.write(1);
    }
    return bytes.toByteArray();
  }

  @ParameterizedTest
  @MethodSource("files")
  void aFileIsToldByItsFirstBytesWhateverItsName(FileKind kind, byte[] content) throws IOException {
    Path path = Files.write(directory.resolve("model.safetensors"), content);
    assertThat(FileKind.of(path)).isEqualTo(kind);
    assertThatExceptionOfType(WeightsFormatException.class)
        .isThrownBy(() -> WeightsFile.open(path))
        .withMessageStartingWith(path + ": ")
        .satisfies(e -> {
          assertThat(e.getMessage().lines()).hasSize(1);
          if (kind != FileKind.UNKNOWN) {
            assertThat(e.getMessage()).contains(kind.what(), kind.cure());
          }
        });
  }

  @Test
  void aSafetensorsFileIsOneEvenIfItIsDamaged() throws IOException {
    Path path = directory.resolve("a");
    new WeightsWriter().tensor("a", new float[1], 1).write(path);
    byte[] whole = Files.readAllBytes(path);
    assertThat(FileKind.of(whole)).isEqualTo(FileKind.SAFETENSORS);
    whole[7] = (byte) 0x80;
    assertThat(FileKind.of(whole)).isEqualTo(FileKind.SAFETENSORS);
    // A header of 0x0280 bytes begins as a pickle does.
    new WeightsWriter().metadata("k", "x".repeat(560)).tensor("a", new float[1], 1).write(path);
    byte[] long0 = Files.readAllBytes(path);
    long0[0] = (byte) 0x80;
    long0[1] = 2;
    assertThat(FileKind.of(long0)).isEqualTo(FileKind.SAFETENSORS);
  }

  @ParameterizedTest
  @EnumSource(FileKind.class)
  void everyKindSaysWhatItIsAndWhatToDo(FileKind kind) {
    assertThat(kind.what()).startsWith("is ").doesNotEndWith(".");
    assertThat(kind.cure()).isNotBlank().doesNotContain("\n").doesNotEndWith(".");
  }

  @Test
  void aFifoAndADeviceAreNotOpened() throws IOException, InterruptedException {
    Path fifo = directory.resolve("fifo");
    if (new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor() == 0) {
      assertThatExceptionOfType(IOException.class)
          .isThrownBy(() -> WeightsFile.open(fifo))
          .withMessageContaining("is a pipe");
      assertThatExceptionOfType(IOException.class).isThrownBy(() -> FileKind.of(fifo));
    }
    Path endless = Path.of("/dev/zero");
    if (Files.exists(endless)) {
      assertThatExceptionOfType(IOException.class)
          .isThrownBy(() -> WeightsFile.open(endless))
          .withMessageContaining("device");
    }
  }
}
