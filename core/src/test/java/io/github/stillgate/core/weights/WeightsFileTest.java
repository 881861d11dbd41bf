package io.github.stillgate.core.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class WeightsFileTest {
  @TempDir private Path directory;

  @Test
  void whatTheWriterWritesIsReadBack() throws IOException {
    Path path = directory.resolve("round.safetensors");
    float[] matrix = {1, -2.5f, Float.MIN_VALUE, -0f, Float.MAX_VALUE, 1e-30f};
    new WeightsWriter()
        .metadata("licence", "Apache-2.0")
        .metadata("note", "\"quoted\" \\ \n \u00e9 \ud83d\ude00")
        .tensor("rnn0.W", matrix, 2, 3)
        .tensor("b\u00e9ta", new float[] {7}, 1)
        .write(path);
    try (WeightsFile file = WeightsFile.open(path)) {
      assertThat(file.path()).isEqualTo(path);
      assertThat(file.metadata())
          .containsOnlyKeys("licence", "note")
          .containsEntry("licence", "Apache-2.0")
          .containsEntry("note", "\"quoted\" \\ \n \u00e9 \ud83d\ude00");
      assertThat(file.tensors()).containsOnlyKeys("rnn0.W", "b\u00e9ta");
      Tensor tensor = file.tensor("rnn0.W");
      assertThat(tensor.name()).isEqualTo("rnn0.W");
      assertThat(tensor.type()).isEqualTo(DType.F32);
      assertThat(tensor.shape()).containsExactly(2, 3);
      assertThat(tensor.elements()).isEqualTo(6);
      assertThat(tensor).hasToString("rnn0.W F32 [2, 3]");
      assertThat(bits(tensor.toFloats())).isEqualTo(bits(matrix));
      byte[] piece = new byte[9];
      tensor.bytes(4, piece, 8);
      ByteBuffer two = ByteBuffer.wrap(piece).order(ByteOrder.LITTLE_ENDIAN);
      assertThat(two.getFloat(0)).isEqualTo(matrix[1]);
      assertThat(two.getFloat(4)).isEqualTo(matrix[2]);
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> tensor.bytes(17, piece, 8));
      assertThat(file.tensor("b\u00e9ta").toFloats()).containsExactly(7);
    }
  }

  @Test
  void metadataTensorsAndShapesCannotBeChangedFromOutside() throws IOException {
    Path path = directory.resolve("file.safetensors");
    new WeightsWriter().metadata("k", "v").tensor("a", new float[2], 2).write(path);
    try (WeightsFile file = WeightsFile.open(path)) {
      file.tensor("a").shape()[0] = 9;
      assertThat(file.tensor("a").shape()).containsExactly(2);
      assertThatExceptionOfType(UnsupportedOperationException.class)
          .isThrownBy(() -> file.tensors().clear());
      assertThatExceptionOfType(UnsupportedOperationException.class)
          .isThrownBy(() -> file.metadata().clear());
      assertThat(file.tensor("a").bytes().isReadOnly()).isTrue();
    }
  }

  @Test
  void writtenDataIsAlignedInTheFile() throws IOException {
    Path path = directory.resolve("aligned.safetensors");
    for (int length = 0; length < 70; length++) {
      new WeightsWriter()
          .metadata("k", "x".repeat(length))
          .tensor("a", new float[1], 1)
          .write(path);
      long header =
          ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN).getLong();
      assertThat((8 + header) % 64).as("metadata of %d characters", length).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void filesOfOtherWritersWithUnalignedDataAreRead(int shift) throws IOException {
    String header =
        "{\"__metadata__\":{\"format\":\"pt%s\"},".formatted("x".repeat(shift))
            + "\"z\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]},"
            + "\"flag\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";
    ByteBuffer data = ByteBuffer.allocate(9).order(ByteOrder.LITTLE_ENDIAN);
    data.put((byte) 5).putFloat(1.5f).putFloat(-3);
    try (WeightsFile file = WeightsFile.open(write(file(header, data.array())))) {
      assertThat(file.metadata()).containsEntry("format", "pt" + "x".repeat(shift));
      assertThat(file.tensors().keySet()).containsExactly("flag", "z");
      assertThat(file.tensor("z").toFloats()).containsExactly(1.5f, -3);
      assertThat(file.tensor("flag").bytes().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 5);
    }
  }

  @Test
  void fieldsMayComeInAnyOrderAndSpacesDoNotMatter() throws IOException {
    String header =
        "{ \"a\" : { \"data_offsets\" : [ 0 , 4 ] , \"shape\" : [ 1 ] , \"dtype\" : \"F32\" } }   ";
    try (WeightsFile file = WeightsFile.open(write(file(header, new byte[4])))) {
      assertThat(file.tensor("a").toFloats()).containsExactly(0);
      assertThat(file.metadata()).isEmpty();
    }
  }

  @Test
  void bf16WidensExactly() throws IOException {
    assertThat(widened("BF16", 0x3f80, 0xc000, 0x3e20, 0x4049, 0x0001, 0x8000, 0x7f80, 0x7f7f))
        .containsExactly(
            bits(1, -2, 0.15625f, 3.140625f, 0x1p-133f, -0f, Float.POSITIVE_INFINITY, 0x1.fep127f));
  }

  @Test
  void f16WidensExactly() throws IOException {
    assertThat(widened("F16", 0x3c00, 0xc000, 0x3555, 0x0001, 0x03ff, 0x8000, 0x7bff, 0xfc00))
        .containsExactly(
            bits(
                1, -2, 0.333251953125f, 0x1p-24f, 0x3ffp-24f, -0f, 65504, Float.NEGATIVE_INFINITY));
  }

  private int[] widened(String type, int... halves) throws IOException {
    ByteBuffer data = ByteBuffer.allocate(2 * halves.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int half : halves) {
      data.putShort((short) half);
    }
    String header =
        header(entry("a", type, "[" + halves.length + "]", "[0," + 2 * halves.length + "]"));
    try (WeightsFile file = WeightsFile.open(write(file(header, data.array())))) {
      return bits(file.tensor("a").toFloats());
    }
  }

  @Test
  void f64IsReadAsItIsAndOthersAreWidened() throws IOException {
    int length = 20_001;
    ByteBuffer data = ByteBuffer.allocate(8 * length).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < length; i++) {
      data.putDouble(i / 3.0);
    }
    String header = header(entry("a", "F64", "[" + length + "]", "[0," + 8 * length + "]"));
    try (WeightsFile file = WeightsFile.open(write(file(header, data.array())))) {
      double[] values = file.tensor("a").toDoubles();
      assertThat(values).hasSize(length);
      for (int i = 0; i < length; i++) {
        assertThat(values[i]).isEqualTo(i / 3.0);
      }
    }
    String half = header(entry("a", "BF16", "[1]", "[0,2]"));
    try (WeightsFile file = WeightsFile.open(write(file(half, new byte[] {0x20, 0x3e})))) {
      assertThat(file.tensor("a").toDoubles()).containsExactly(0.15625);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"F64", "I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "BOOL"})
  void typesThatAreNoWeightsAreKeptButNotRead(String type) throws IOException {
    int bytes = DType.valueOf(type).bytes();
    String header = header(entry("counts", type, "[3]", "[0,%d]".formatted(3 * bytes)));
    try (WeightsFile file = WeightsFile.open(write(file(header, new byte[3 * bytes])))) {
      Tensor tensor = file.tensor("counts");
      assertThat(tensor.elements()).isEqualTo(3);
      assertThatIllegalArgumentException()
          .isThrownBy(tensor::toFloats)
          .withMessageContaining("counts")
          .withMessageContaining(type);
    }
  }

  @Test
  void emptyTensorsAndScalarsWork() throws IOException {
    Path path = directory.resolve("small.safetensors");
    new WeightsWriter()
        .tensor("empty", new float[0], 0)
        .tensor("scalar", new float[] {4})
        .tensor("flat", new float[0], 3, 0)
        .tensor("wide", new float[0], 1 << 30, 1 << 30, 0)
        .write(path);
    try (WeightsFile file = WeightsFile.open(path)) {
      assertThat(file.tensor("empty").shape()).containsExactly(0);
      assertThat(file.tensor("empty").toFloats()).isEmpty();
      assertThat(file.tensor("scalar").shape()).isEmpty();
      assertThat(file.tensor("scalar").elements()).isEqualTo(1);
      assertThat(file.tensor("scalar").toFloats()).containsExactly(4);
      assertThat(file.tensor("flat").shape()).containsExactly(3, 0);
      assertThat(file.tensor("flat").elements()).isZero();
      assertThat(file.tensor("wide").toFloats()).isEmpty();
    }
  }

  @Test
  void aFileWithoutTensorsIsRead() throws IOException {
    try (WeightsFile file = WeightsFile.open(write(file("{}", new byte[0])))) {
      assertThat(file.tensors()).isEmpty();
    }
  }

  static Stream<Arguments> brokenFiles() {
    return Stream.of(
        argumentSet("empty file", new byte[0], List.of("0 bytes")),
        argumentSet("seven bytes", new byte[7], List.of("7 bytes")),
        argumentSet("length but no header", new byte[8], List.of("header length 0", "8 bytes")),
        argumentSet("header of one byte", framed(1, "{", 0), List.of("header length 1")),
        argumentSet(
            "header longer than the file", framed(1000, "{}", 0), List.of("1000", "10 bytes")),
        argumentSet("header longer by one", framed(3, "{}", 0), List.of("3", "10 bytes")),
        argumentSet(
            "header length 2^63",
            framed(Long.MIN_VALUE, "{}", 0),
            List.of("9223372036854775808", "10 bytes")),
        argumentSet(
            "header length 2^64 - 1",
            framed(-1, "{}", 0),
            List.of("18446744073709551615", "10 bytes")),
        argumentSet("header is an array", zeros("[]", 0), List.of("'{'")),
        argumentSet("header begins with a space", zeros(" {}", 0), List.of("'{'")),
        argumentSet("invalid UTF-8", invalidUtf8(), List.of("UTF-8")),
        argumentSet("cut JSON", zeros("{\"a\"", 0), List.of("JSON")),
        argumentSet("unquoted name", zeros("{a:1}", 0), List.of("JSON")),
        argumentSet(
            "duplicate tensor",
            zeros(header(entry("a", "F32", "[1]", "[0,4]"), entry("a", "F32", "[1]", "[4,8]")), 8),
            List.of("JSON", "'a'")),
        argumentSet(
            "duplicate field",
            one("{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}", 4),
            List.of("JSON", "'dtype'")),
        argumentSet("second object behind the first", zeros("{} {}", 0), List.of("JSON")),
        argumentSet("letters behind the object", zeros("{}xy", 0), List.of("JSON")),
        argumentSet(
            "metadata is an array",
            zeros("{\"__metadata__\":[]}", 0),
            List.of("__metadata__", "object")),
        argumentSet(
            "metadata is null",
            zeros("{\"__metadata__\":null}", 0),
            List.of("__metadata__", "object")),
        argumentSet(
            "metadata holds a number",
            zeros("{\"__metadata__\":{\"ok\":\"x\",\"epoch\":3}}", 0),
            List.of("__metadata__", "\"epoch\"", "string")),
        argumentSet("entry is a number", one("5", 0), List.of("\"a\"", "object")),
        argumentSet(
            "unknown dtype",
            zeros(header(entry("a", "F8_E4M3", "[4]", "[0,4]")), 4),
            List.of("\"a\"", "\"F8_E4M3\"", "BF16")),
        argumentSet(
            "dtype in lower case",
            zeros(header(entry("a", "f32", "[1]", "[0,4]")), 4),
            List.of("\"a\"", "\"f32\"")),
        argumentSet(
            "dtype is a number",
            one("{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}", 4),
            List.of("\"a\"", "\"32\"")),
        argumentSet(
            "missing field",
            one("{\"dtype\":\"F32\",\"data_offsets\":[0,4]}", 4),
            List.of("\"a\"", "[data_offsets, dtype]")),
        argumentSet(
            "extra field",
            one("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"scale\":1}", 4),
            List.of("\"a\"", "scale")),
        shape("shape is a number", "4", "shape", "array"),
        shape("negative extent", "[-1]", "shape", "-1"),
        shape("two negative extents", "[-1,-1]", "shape", "-1"),
        shape("fractional extent", "[1.5]", "shape", "1.5"),
        shape("extent written as a fraction", "[1.0]", "shape", "1.0"),
        shape("extent 2^63", "[9223372036854775808]", "shape", "9223372036854775808"),
        shape("extent with an exponent", "[1e0]", "shape", "1.0"),
        shape("extent is a string", "[\"1\"]", "shape", "\"1\""),
        shape("nested shape", "[[1]]", "shape", "[1]"),
        shape(
            "overflowing product",
            "[1099511627776,1099511627776]",
            "[1099511627776,1099511627776]",
            "overflows"),
        shape("product that overflows to zero", "[4294967296,4294967296]", "overflows"),
        shape("shape of two for data of one", "[2]", "[2]", "8 bytes", "span 4"),
        offsets("offsets are a string", "\"0,4\"", "array"),
        offsets("offsets reversed", "[4,0]", "[4,0]"),
        offsets("offsets out of the file", "[0,8]", "[0,8]", "4 bytes"),
        offsets("offsets far out of the file", "[4,9223372036854775807]", "9223372036854775807"),
        offsets("three offsets", "[0,4,4]", "[0,4,4]"),
        offsets("one offset", "[0]", "[0]"),
        offsets("no offsets", "[]", "[]"),
        offsets("negative offset", "[-4,0]", "-4"),
        offsets("offsets span too little", "[0,3]", "4 bytes", "span 3"),
        argumentSet(
            "overlap",
            zeros(header(entry("a", "F32", "[2]", "[0,8]"), entry("b", "F32", "[1]", "[4,8]")), 8),
            List.of("\"b\"", "4", "\"a\"", "8", "overlap")),
        argumentSet(
            "two tensors over the same bytes",
            zeros(header(entry("a", "F32", "[1]", "[0,4]"), entry("b", "F32", "[1]", "[0,4]")), 4),
            List.of("\"b\"", "\"a\"", "overlap")),
        argumentSet(
            "hole between tensors",
            zeros(
                header(entry("a", "F32", "[1]", "[0,4]"), entry("b", "F32", "[1]", "[8,12]")), 12),
            List.of("\"b\"", "8", "\"a\"", "4", "hole")),
        argumentSet(
            "hole before the first tensor",
            zeros(header(entry("a", "F32", "[1]", "[4,8]")), 8),
            List.of("\"a\"", "4", "hole")),
        argumentSet(
            "bytes behind the last tensor",
            zeros(header(entry("a", "F32", "[1]", "[0,4]")), 9),
            List.of("4", "9 bytes")),
        argumentSet("data without tensors", zeros("{}", 1), List.of("0", "1 bytes")),
        argumentSet(
            "truncated data",
            zeros(
                header(entry("a", "F32", "[1]", "[0,4]"), entry("last", "F32", "[2]", "[4,12]")),
                11),
            List.of("\"last\"", "[4,12]", "11 bytes")));
  }

  private static Arguments shape(String what, String shape, String... mentions) {
    return named(what, zeros(header(entry("a", "F32", shape, "[0,4]")), 4), mentions);
  }

  private static Arguments offsets(String what, String offsets, String... mentions) {
    return named(what, zeros(header(entry("a", "F32", "[1]", offsets)), 4), mentions);
  }

  private static Arguments named(String what, byte[] file, String... mentions) {
    List<String> all = new ArrayList<>(List.of("\"a\""));
    all.addAll(List.of(mentions));
    return argumentSet(what, file, all);
  }

  @ParameterizedTest
  @MethodSource("brokenFiles")
  void aBrokenFileIsRefusedAndTheCulpritNamed(byte[] content, List<String> mentions)
      throws IOException {
    Path path = write(content);
    assertThatExceptionOfType(WeightsFormatException.class)
        .isThrownBy(() -> WeightsFile.open(path))
        .withMessageStartingWith(path + ": ")
        .satisfies(e -> assertThat(afterPath(e, path)).contains(mentions));
  }

  private static String afterPath(Throwable failure, Path path) {
    return failure.getMessage().substring((path + ": ").length());
  }

  @Test
  void everyProperPrefixOfAFileIsRefused() throws IOException {
    byte[] whole =
        zeros(header(entry("a", "F32", "[2]", "[0,8]"), entry("b", "BF16", "[2]", "[8,12]")), 12);
    WeightsFile.open(write(whole)).close();
    for (int length = 0; length < whole.length; length++) {
      Path path = write(Arrays.copyOf(whole, length));
      assertThatExceptionOfType(WeightsFormatException.class)
          .as("prefix of %d bytes", length)
          .isThrownBy(() -> WeightsFile.open(path));
    }
  }

  @Test
  void aHeaderBeyondTheFormatsLimitIsRefusedBeforeItIsRead() throws IOException {
    Path path = directory.resolve("wild.safetensors");
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.writeLong(Long.reverseBytes(100_000_001));
      file.setLength(100_000_100);
    }
    assertThatExceptionOfType(WeightsFormatException.class)
        .isThrownBy(() -> WeightsFile.open(path))
        .withMessageContaining("header length 100000001");
  }

  @Test
  void aDirectoryAndAMissingFileAreIoProblems() {
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> WeightsFile.open(directory))
        .withMessageContaining(directory.toString())
        .withMessageContaining("is a folder");
    assertThatExceptionOfType(NoSuchFileException.class)
        .isThrownBy(() -> WeightsFile.open(directory.resolve("absent")))
        .withMessageContaining("absent");
  }

  @Test
  void aTensorOfAClosedFileThrows() throws IOException {
    Path path = directory.resolve("closed.safetensors");
    new WeightsWriter().tensor("a", new float[] {1}, 1).write(path);
    WeightsFile file = WeightsFile.open(path);
    Tensor tensor = file.tensor("a");
    assertThat(tensor.toFloats()).containsExactly(1);
    file.close();
    file.close();
    assertThatIllegalStateException().isThrownBy(tensor::toFloats);
    assertThatIllegalStateException()
        .isThrownBy(() -> tensor.bytes().get(ValueLayout.JAVA_BYTE, 0));
  }

  @Test
  void aMissingTensorIsNamedTogetherWithThoseThereAre() throws IOException {
    Path path = directory.resolve("names.safetensors");
    new WeightsWriter()
        .tensor("rnn0.Wu", new float[1], 1)
        .tensor("rnn0.Uu", new float[1], 1)
        .write(path);
    try (WeightsFile file = WeightsFile.open(path)) {
      assertThatExceptionOfType(WeightsFormatException.class)
          .isThrownBy(() -> file.tensor("rnn1.Wu"))
          .withMessageContainingAll("\"rnn1.Wu\"", "rnn0.Wu", "rnn0.Uu", path.toString());
    }
  }

  @Test
  void theWriterRefusesATakenName() {
    WeightsWriter writer = new WeightsWriter().tensor("a", new float[1], 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> writer.tensor("a", new float[1], 1))
        .withMessageContaining("tensor a");
  }

  @Test
  void theWriterRefusesTheNameOfTheMetadata() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new WeightsWriter().tensor("__metadata__", new float[1], 1))
        .withMessageContaining("__metadata__");
  }

  static Stream<Arguments> shapesThatDoNotFitSixValues() {
    return Stream.of(
        argumentSet("too small", new int[] {2, 2}),
        argumentSet("too large", new int[] {7}),
        argumentSet("scalar", new int[0]),
        argumentSet("empty", new int[] {6, 0}),
        argumentSet("negative", new int[] {-6}),
        argumentSet("two negatives", new int[] {-2, -3}),
        argumentSet("negative and empty", new int[] {-6, 0}),
        argumentSet("overflow", new int[] {1 << 30, 1 << 30, 1 << 30}));
  }

  @ParameterizedTest
  @MethodSource("shapesThatDoNotFitSixValues")
  void theWriterRefusesAShapeThatDoesNotFit(int[] shape) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new WeightsWriter().tensor("rnn0.W", new float[6], shape))
        .withMessageContaining("rnn0.W")
        .withMessageContaining(Arrays.toString(shape));
  }

  @Test
  void writingReplacesTheWholeFileAndLeavesNothingBeside() throws IOException {
    Path path = directory.resolve("deep/er/weights.safetensors");
    new WeightsWriter().tensor("a", new float[] {1, 2, 3}, 3).write(path);
    try (WeightsFile old = WeightsFile.open(path)) {
      new WeightsWriter().tensor("a", new float[] {4}, 1).write(path);
      assertThat(old.tensor("a").toFloats()).containsExactly(1, 2, 3);
    }
    try (WeightsFile file = WeightsFile.open(path)) {
      assertThat(file.tensor("a").toFloats()).containsExactly(4);
    }
    assertThat(path.getParent()).isDirectoryNotContaining("glob:**.part");
    assertThat(path.getParent().toFile().list()).containsExactly("weights.safetensors");
  }

  @Test
  void aWriteThatFailsLeavesWhatWasThere() throws IOException {
    Path taken = Files.createDirectory(directory.resolve("taken"));
    Files.writeString(taken.resolve("inside"), "kept");
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> new WeightsWriter().tensor("a", new float[1], 1).write(taken));
    assertThat(taken.resolve("inside")).hasContent("kept");
    assertThat(directory.toFile().list()).containsExactly("taken");
  }

  /** A file of header and data with nothing between them, as other writers make it. */
  static byte[] file(String header, byte[] data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .put(data)
        .array();
  }

  static String header(String... entries) {
    return "{" + String.join(",", entries) + "}";
  }

  static String entry(String name, String type, String shape, String offsets) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}"
        .formatted(name, type, shape, offsets);
  }

  private static byte[] zeros(String header, int dataBytes) {
    return file(header, new byte[dataBytes]);
  }

  private static byte[] one(String entry, int dataBytes) {
    return zeros("{\"a\":" + entry + "}", dataBytes);
  }

  private static byte[] framed(long length, String header, int dataBytes) {
    byte[] bytes = zeros(header, dataBytes);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
    return bytes;
  }

  private static byte[] invalidUtf8() {
    byte[] bytes = zeros("{\"__metadata__\":{\"k\":\"#\"}}", 0);
    for (int i = 8; i < bytes.length; i++) {
      bytes[i] = bytes[i] == '#' ? (byte) 0xff : bytes[i];
    }
    return bytes;
  }

  private Path write(byte[] content) throws IOException {
    return Files.write(directory.resolve("file.safetensors"), content);
  }

  private static int[] bits(float... values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}
