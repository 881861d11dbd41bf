package io.github.stillgate.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.ThreadMXBean;
import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Files made to exhaust or mislead are refused in one clear line, on a small stack and in memory
 * that goes with their size.
 */
class HostileFilesTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final long STACK = 256 << 10;

  /** Bytes allocated on the way to a refusal, whatever the file says. */
  private static final long MEMORY = 160L << 20;

  private static final String A =
      "{\"type\":\"dense\",\"name\":\"%s\",\"inputs\":1,\"units\":1,\"activation\":\"tanh\"}";

  @TempDir private static Path directory;

  private record Hostile(String name, byte[] content, String... mentions) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Hostile> files() {
    String dense = A.formatted("a");
    String endless = "[[\"tanh\",0,0]" + ",[\"tanh\",0,0]".repeat(99_999) + "]";
    return Stream.of(
        new Hostile(
            "backward 900 deep",
            described("{\"type\":\"backward\",\"layer\":".repeat(900) + dense + "}".repeat(900)),
            "nests deeper than 10 levels"),
        new Hostile(
            "bidirectional 450 deep",
            described(
                "{\"type\":\"bidirectional\",\"name\":\"p\",\"forward\":".repeat(450)
                    + dense
                    + (",\"backward\":" + dense + "}").repeat(450)),
            "nests deeper than 10 levels"),
        new Hostile(
            "bidirectional in bidirectional",
            described(
                "{\"type\":\"bidirectional\",\"name\":\"p\",\"forward\":{\"type\":\"backward\",\"layer\":"
                    + dense
                    + "},\"backward\":"
                    + dense
                    + "}"),
            "p.a.W"),
        new Hostile(
            "description of arrays 100,000 deep",
            file(header("{\"stillgate\":\"%s\"}", "[".repeat(100_000) + "]".repeat(100_000)), 0),
            "nests deeper than 10 levels"),
        new Hostile(
            "header of arrays 100,000 deep",
            file("{\"a\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}", 0),
            "nests deeper than 6 levels"),
        new Hostile(
            "header of objects 500 deep",
            file("{\"a\":".repeat(500) + "1" + "}".repeat(500), 0),
            "nests deeper than 6 levels"),
        new Hostile(
            "activation of 100,000 steps",
            described(dense.replace("\"tanh\"", endless)),
            "layer a",
            "100000 steps",
            "at most 100"),
        new Hostile(
            "10,000 layers",
            described(
                String.join(
                    ",", IntStream.range(0, 10_000).mapToObj(i -> A.formatted("l" + i)).toList())),
            "10000 layers",
            "at most 4096"),
        new Hostile(
            "description of 3,000,000 characters",
            described(dense + " ".repeat(3_000_000)),
            "characters",
            "at most 2097152"),
        new Hostile(
            "description of 600,000 empty objects",
            described("{}" + ",{}".repeat(600_000)),
            "600001 layers"),
        new Hostile(
            "280,000 empty tensors", file(emptyTensors(280_000), 0), "more than 65536 tensors"),
        new Hostile(
            "200,000 notes", file(header("{%s}", notes(200_000)), 0), "more than 65537 values"),
        new Hostile(
            "shape of 1,000,000 extents",
            file(
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[0"
                    + ",0".repeat(1_000_000)
                    + "],\"data_offsets\":[0,0]}}",
                0),
            "which is the limit"),
        new Hostile(
            "number of 10,000 digits",
            file(
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[0,0]}}"
                    .formatted("1".repeat(10_000)),
                0),
            "number is too long"),
        new Hostile(
            "one tensor under two dotted names",
            described(
                Map.of("p.a.W", 1, "p.a.b", 0, "p.c.W", 1, "p.c.b", 0),
                A.formatted("p.a")
                    + ",{\"type\":\"bidirectional\",\"name\":\"p\",\"forward\":"
                    + dense
                    + ",\"backward\":"
                    + A.formatted("c")
                    + "}"),
            "p.a.W",
            "two layers"),
        new Hostile(
            "1,000 layers of one tensor", described(dense + ("," + dense).repeat(1000)), "a.W"),
        new Hostile(
            "terminal escapes and line ends in names",
            file("{\"a\\u001b[2J\\nb\\u202e\":5}", 0),
            "a\\u001b[2J\\u000ab\\u202e"),
        new Hostile("NaN in metadata", file("{\"__metadata__\":{\"a\":NaN}}", 0), "JSON"),
        new Hostile(
            "broken description",
            file(header("{\"stillgate\":\"%s\"}", "{version"), 0),
            "JSON",
            "at character"),
        new Hostile("empty description", file(header("{\"stillgate\":\"%s\"}", ""), 0), "is empty"),
        proof("Infinity", "0", "\"Infinity\"", "decimal number"),
        proof("NaN", "-1", "\"NaN\"", "decimal number"),
        proof("0x1p1000d", " 1e-9f ", "\"0x1p1000d\"", "decimal number"),
        proof("1e-5", " 1e-9f ", "\" 1e-9f \"", "decimal number"),
        proof("1e-5f", "0", "decimal number"),
        proof("-1e-5", "0", "decimal number"),
        proof("1e301", "0", "1.0E301", "below 1.0"),
        proof("1e9999", "0", "Infinity", "below 1.0"),
        proof("1", "0", "tolerance is 1.0", "below 1.0"),
        proof("0", "0", "tolerance is 0.0", "above 0"),
        proof("1e-5", "2e-5", "2.0E-5", "1.0E-5"));
  }

  private static Hostile proof(String tolerance, String measured, String... mentions) {
    String description = "{\"version\":1,\"layers\":[" + A.formatted("a") + "]}";
    ObjectNode header = JSON.createObjectNode();
    header
        .putObject("__metadata__")
        .put("stillgate", description)
        .put("stillgate.proof.tolerance", tolerance)
        .put("stillgate.proof.measured", measured);
    int at = 0;
    for (Map.Entry<String, Integer> tensor :
        new LinkedHashMap<>(Map.of("a.W", 1, "a.b", 0, "proof.x.input", 1, "proof.x.output", 1))
            .entrySet()) {
      at = tensor(header, tensor.getKey(), tensor.getValue(), at);
    }
    return new Hostile(
        "proof within " + tolerance + ", " + measured, file(header.toString(), at), mentions);
  }

  private static int tensor(ObjectNode header, String name, int dimensionsLessOne, int at) {
    ObjectNode entry = header.putObject(name).put("dtype", "F32");
    ArrayNode shape = entry.putArray("shape").add(1);
    if (dimensionsLessOne > 0) {
      shape.add(1);
    }
    entry.putArray("data_offsets").add(at).add(at + 4);
    return at + 4;
  }

  private static byte[] described(String layers) {
    return described(Map.of("a.W", 1, "a.b", 0), layers);
  }

  /** A file of single weights. */
  private static byte[] described(Map<String, Integer> tensors, String layers) {
    ObjectNode header = JSON.createObjectNode();
    header
        .putObject("__metadata__")
        .put("stillgate", "{\"version\":1,\"layers\":[" + layers + "]}");
    int at = 0;
    for (Map.Entry<String, Integer> tensor : tensors.entrySet()) {
      at = tensor(header, tensor.getKey(), tensor.getValue(), at);
    }
    return file(header.toString(), at);
  }

  private static String header(String metadata, String text) {
    return "{\"__metadata__\":" + metadata.formatted(text) + "}";
  }

  private static String emptyTensors(int count) {
    StringBuilder entries = new StringBuilder("{");
    for (int i = 0; i < count; i++) {
      entries
          .append(i == 0 ? "\"" : ",\"")
          .append(Integer.toString(i, 36))
          .append("\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}");
    }
    return entries.append('}').toString();
  }

  private static String notes(int count) {
    return String.join(",", IntStream.range(0, count).mapToObj(i -> "\"" + i + "\":\"\"").toList());
  }

  private static byte[] file(String header, int dataBytes) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return file(json, new byte[dataBytes]);
  }

  private static byte[] file(byte[] json, byte[] data) {
    return ByteBuffer.allocate(8 + json.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .put(data)
        .array();
  }

  @ParameterizedTest
  @MethodSource("files")
  void isRefusedInOneClearLine(Hostile hostile) throws Exception {
    Path path = Files.write(directory.resolve("hostile.safetensors"), hostile.content());
    assertThat(refusal(path)).contains(hostile.mentions());
  }

  /** Sparse, so that the disk holds little of it. */
  @Test
  void aHeaderOfAHundredMegabytesIsNotRead() throws Exception {
    Path path = directory.resolve("header.safetensors");
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.writeLong(Long.reverseBytes(75_000_000));
      file.write('{');
      file.setLength(75_000_008);
    }
    assertThat(refusal(path)).contains("75000000", "limit of 16777216");
  }

  /** 2^31 weights are more than an array holds and, at this test's heap, more than that. */
  @Test
  void aMatrixBeyondAnArrayIsRefusedByNameWithNumbers() throws Exception {
    Path path = directory.resolve("matrix.safetensors");
    String header =
        "{\"a.W\":{\"dtype\":\"BF16\",\"shape\":[1,2147483648],\"data_offsets\":[0,4294967296]}}";
    byte[] begin = file(header, 0);
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.write(begin);
      file.setLength(begin.length + (1L << 32));
    }
    try (WeightsFile file = WeightsFile.open(path)) {
      assertThat(file.tensor("a.W").elements()).isEqualTo(1L << 31);
      assertThat(catchThrowable(() -> file.tensor("a.W").toFloats()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll("a.W", "2147483648", "2147483639");
    } finally {
      Files.delete(path);
    }
  }

  /** What corrupt.py of the attackers does, to any file and from any seed. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void everyCorruptedCopyIsRefusedInOneClearLine(int seed) throws Exception {
    Path original = directory.resolve("original.safetensors");
    TestModels.conditional(5, 7, 3, seed).save(original);
    assertCorruptedCopiesAreRefused(Files.readAllBytes(original), seed);
  }

  @ParameterizedTest
  @ValueSource(strings = {"text8-256", "text8-1024"})
  void everyCorruptedCopyOfAShippedNetworkIsRefused(String name) throws Exception {
    Path original = Path.of("../models").resolve(name + ".safetensors");
    assumeThat(original).as("the networks that ship").exists();
    assertCorruptedCopiesAreRefused(Files.readAllBytes(original), 7);
  }

  private static void assertCorruptedCopiesAreRefused(byte[] original, int seed) throws Exception {
    Path path = directory.resolve("corrupted.safetensors");
    for (byte[] copy :
        corrupted(original, new SplittableRandom(seed), original.length > 1 << 22 ? 1 : 5)) {
      Files.write(path, copy);
      refusal(path);
    }
  }

  private static List<byte[]> corrupted(byte[] original, SplittableRandom random, int tensors)
      throws IOException {
    List<byte[]> copies = new ArrayList<>();
    int n = Math.toIntExact(ByteBuffer.wrap(original).order(ByteOrder.LITTLE_ENDIAN).getLong());
    ObjectNode header = (ObjectNode) JSON.readTree(Arrays.copyOfRange(original, 8, 8 + n));
    byte[] data = Arrays.copyOfRange(original, 8 + n, original.length);
    for (int cut : new int[] {0, 1, 7, 8, 9, n, n + 8, n + 9, original.length - 1}) {
      copies.add(Arrays.copyOf(original, cut));
    }
    for (int i = 0; i < 6; i++) {
      copies.add(Arrays.copyOf(original, random.nextInt(original.length)));
    }
    for (long length : new long[] {0, 1, 1L << 31, 1L << 40, 1L << 63, -1}) {
      byte[] copy = original.clone();
      ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
      copies.add(copy);
    }
    List<String> names = new ArrayList<>();
    header.fieldNames().forEachRemaining(names::add);
    names.remove("__metadata__");
    for (int i = 0; i < tensors; i++) {
      String name = names.get(random.nextInt(names.size()));
      List<Consumer<ObjectNode>> changes =
          List.of(
              e -> replace(e, "data_offsets", at -> JSON.getNodeFactory().numberNode(at + 4)),
              e -> e.putArray("shape").add(1L << 31).add(1L << 31),
              e -> ((ArrayNode) e.get("shape")).set(0, JSON.getNodeFactory().numberNode(-1)),
              e -> e.put("dtype", "F7"),
              e -> ((ArrayNode) e.get("shape")).set(0, JSON.getNodeFactory().numberNode(1.5)),
              e -> e.putArray("data_offsets").add("0").add("4"),
              e -> e.put("note", 1));
      for (Consumer<ObjectNode> change : changes) {
        ObjectNode other = header.deepCopy();
        change.accept((ObjectNode) other.get(name));
        copies.add(file(other.toString().getBytes(StandardCharsets.UTF_8), data));
      }
      ObjectNode without = header.deepCopy();
      without.remove(name);
      copies.add(file(without.toString().getBytes(StandardCharsets.UTF_8), data));
    }
    for (String text :
        List.of(
            "{}",
            "[]",
            "null",
            "{\"a\"",
            "{\"__metadata__\":5}",
            "{\"__metadata__\":{\"stillgate\":5}}",
            "{\"__metadata__\":{\"stillgate\":\"[\"}}")) {
      copies.add(file(text.getBytes(StandardCharsets.UTF_8), data));
    }
    copies.add(file("\u00ff\u00fe{}".getBytes(StandardCharsets.ISO_8859_1), data));
    ObjectNode plain = header.deepCopy();
    plain.remove("__metadata__");
    copies.add(file(plain.toString().getBytes(StandardCharsets.UTF_8), data));
    return copies;
  }

  private static void replace(ObjectNode entry, String field, LongFunction<JsonNode> change) {
    ArrayNode array = (ArrayNode) entry.get(field);
    for (int i = 0; i < array.size(); i++) {
      array.set(i, change.apply(array.get(i).longValue()));
    }
  }

  /** What the refusal says, behind the path. */
  private static String refusal(Path path) throws InterruptedException {
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    AtomicReference<Long> allocated = new AtomicReference<>(0L);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Thread reader =
        new Thread(
            null,
            () -> {
              long before = threads.getCurrentThreadAllocatedBytes();
              try {
                Model.load(path);
              } catch (Throwable e) {
                thrown.set(e);
              }
              allocated.set(threads.getCurrentThreadAllocatedBytes() - before);
            },
            "reader of a hostile file",
            STACK);
    reader.start();
    reader.join();
    Throwable e = thrown.get();
    assertThat(e).isInstanceOf(WeightsFormatException.class).hasMessageStartingWith(path + ": ");
    String message = e.getMessage();
    assertThat(message.lines()).as(message).hasSize(1);
    assertThat(message.substring(path.toString().length()))
        .hasSizeLessThan(1100)
        .doesNotContain("REDACTED", "Source", "fasterxml", "java.", "JsonParser", "Exception");
    assertThat(allocated.get()).as(message).isLessThan(MEMORY);
    return message.substring((path + ": ").length());
  }

  /** A network at the limits is still read: the limits do not refuse what the writer writes. */
  @Test
  void whatIsAtTheLimitsIsRead() throws IOException {
    Activation.Elementwise longest =
        new Activation.Elementwise(
            Collections.nCopies(Activation.Elementwise.MAX_STEPS, Activation.TANH.steps().get(0)));
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < Model.MAX_LAYERS; i++) {
      layers.add(
          new Dense(
              "l" + i,
              Matrix.of("W", 1, 1, 1),
              Matrix.vector("b", 0),
              i == 0 ? longest : Activation.TANH));
    }
    Path path = directory.resolve("limits.safetensors");
    Model model = new Model(layers);
    model.save(path);
    assertThat(Model.load(path).fingerprint()).isEqualTo(model.fingerprint());
  }

  @Test
  void aModelBeyondALimitCannotBeMade() {
    Dense dense = new Dense("a", Matrix.of("W", 1, 1, 1), Matrix.vector("b", 0), Activation.TANH);
    List<Layer> layers = Collections.nCopies(Model.MAX_LAYERS + 1, dense);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Model(layers))
        .withMessageContaining("4097 layers");
    Activation.Elementwise longest =
        new Activation.Elementwise(
            Collections.nCopies(Activation.Elementwise.MAX_STEPS, Activation.TANH.steps().get(0)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> longest.then(Activation.TANH))
        .withMessageContaining("101 steps");
  }

  @Test
  void aDottedNameThatMeetsAPairsIsRefusedWhenTheModelIsMade() {
    Matrix w = Matrix.of("W", 1, 1, 1);
    Matrix b = Matrix.vector("b", 0);
    Layer pair =
        new Bidirectional(
            "p", new Dense("a", w, b, Activation.TANH), new Dense("c", w, b, Activation.TANH));
    Dense dotted = new Dense("p.a", w, b, Activation.TANH);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Model(List.of(dotted, pair)))
        .withMessageContaining("p.a.W")
        .withMessageContaining("rename");
  }

  /** Values of a proof are checked like weights: by tensor, step and place. */
  @Test
  void aProofThatHoldsNoNumberIsRefusedByName() throws IOException {
    Path path = directory.resolve("proof.safetensors");
    new WeightsWriter()
        .tensor("c.input", new float[] {0, 0, 0, Float.NaN}, 2, 2)
        .tensor("c.output", new float[2], 2, 1)
        .write(path);
    try (WeightsFile file = WeightsFile.open(path)) {
      assertThat(catchThrowable(() -> ProofVectors.read(file)))
          .isInstanceOf(WeightsFormatException.class)
          .hasMessageContainingAll(path.toString(), "c.input", "value 1 of step 1 is NaN");
    }
  }
}
