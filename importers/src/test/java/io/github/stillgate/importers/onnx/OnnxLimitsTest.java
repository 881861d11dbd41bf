package io.github.stillgate.importers.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnsafeByteOperations;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.importers.onnx.generated.GeneratedCase;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Files made to break a reader. Each is answered with an allocation that its size bounds, and
 * within seconds where the old way took hours.
 */
class OnnxLimitsTest {
  private static final Path HOSTILE = Path.of("../../shared/data/hostile");
  private static final Duration LONGEST = Duration.ofSeconds(20);

  @TempDir private Path folder;

  private static TensorProto tensor(String name, long... shape) {
    float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    Arrays.fill(values, 0.1f);
    return OnnxGraph.tensor(name, shape, values);
  }

  /** A tensor that says to be large and holds nothing. */
  private static TensorProto hollow(String name, int type, long... shape) {
    return TensorProto.newBuilder()
        .setName(name)
        .setDataType(type)
        .addAllDims(Arrays.stream(shape).boxed().toList())
        .setRawData(ByteString.EMPTY)
        .build();
  }

  private static OnnxGraph gru(int inputs, int units, String... more) {
    OnnxGraph graph = new OnnxGraph().input("x", 5, 1, inputs);
    graph.constant(tensor("W", 1, 3L * units, inputs)).constant(tensor("R", 1, 3L * units, units));
    return graph.node(
        "GRU",
        Stream.concat(Stream.of("x", "W", "R"), Stream.of(more)).toList(),
        List.of("y", "s0"),
        Map.of("hidden_size", units));
  }

  private static OnnxGraph squeezed(OnnxGraph graph) {
    return graph.constant(OnnxGraph.longs("axes", 1)).node("Squeeze", "t0", "y", "axes");
  }

  private static void isRefused(OnnxGraph graph, String... parts) {
    isRefused(graph.model(), parts);
  }

  private static void isRefused(ModelProto model, String... parts) {
    byte[] bytes = model.toByteArray();
    Allocation allocation = new Allocation();
    Assertions.assertTimeoutPreemptively(
        LONGEST,
        () -> {
          Allocation inThread = new Allocation();
          assertThatThrownBy(() -> OnnxFile.parse(Path.of("net.onnx"), bytes).model())
              .isInstanceOfAny(OnnxFormatException.class, UnsupportedOnnxException.class)
              .hasMessageStartingWith("net.onnx: ")
              .hasMessageContainingAll(parts);
          assertThat(inThread.bytes()).isLessThan(bound(bytes.length));
        });
    assertThat(allocation.bytes()).isLessThan(bound(bytes.length));
  }

  /**
   * All that is allocated, of which the collector frees most meanwhile. What is no chain is read
   * again as a graph.
   */
  private static long bound(long fileBytes) {
    return (500L << 20) + 100 * fileBytes;
  }

  private static OnnxFile accepted(OnnxGraph graph) {
    byte[] bytes = graph.model().toByteArray();
    return Assertions.assertTimeoutPreemptively(
        LONGEST,
        () -> {
          Allocation allocation = new Allocation();
          OnnxFile file = OnnxFile.parse(Path.of("net.onnx"), bytes);
          file.network();
          assertThat(allocation.bytes()).isLessThan(bound(bytes.length));
          return file;
        });
  }

  /** Two to the power of 60 states in three kilobytes. */
  @Test
  void jointsThatDouble() {
    for (int depth : new int[] {13, 24, 60}) {
      OnnxGraph graph = gru(2, 2);
      for (int i = 0; i < depth; i++) {
        String state = "s" + i;
        graph.node("Concat", List.of(state, state), List.of("s" + (i + 1)), Map.of("axis", 0));
      }
      isRefused(graph.output("y").output("s" + depth), "output \"s" + depth + "\" repeats states");
    }
  }

  @Test
  void tensorsThatSayMoreThanTheyHold() {
    long huge = 2_000_000_000L;
    isRefused(
        gru(2, 2, "", "", "h0").constant(hollow("h0", 1, huge)).output("y"),
        "initial_h is \"h0\" of shape [2000000000], expected [1, 1, 2]");
    isRefused(
        gru(2, 2, "", "", "h0").constant(hollow("h0", 1, 1, 1, 2)).output("y"),
        "tensor \"h0\" of shape [1, 1, 2] has 0 bytes, expected 8");
    isRefused(gru(2, 2, "B").constant(hollow("B", 1, 1, huge)).output("y"), "B is tensor \"B\"");
    for (int type : new int[] {1, 10, 11, 16}) {
      isRefused(
          squeezed(gru(2, 2))
              .constant(hollow("M", type, 2, 1_000_000_000))
              .node("MatMul", "z", "t0", "M")
              .output("z"),
          "has 0 bytes, expected " + Map.of(1, 8, 10, 4, 11, 16, 16, 4).get(type) + "000000000");
    }
    isRefused(
        gru(2, 2).constant(hollow("axes", 7, huge)).node("Squeeze", "z", "y", "axes").output("z"),
        "tensor \"axes\" of shape [2000000000] has 0 bytes");
    isRefused(
        squeezed(gru(2, 2)).constant(hollow("b", 1, huge)).node("Add", "z", "t0", "b").output("z"),
        "its bias is tensor \"b\" of shape [2000000000]");
    isRefused(
        gru(2, 2, "", "lens").constant(hollow("lens", 6, huge)).output("y"),
        "sequence_lens is tensor \"lens\" of shape [2000000000], expected [1]");
    isRefused(
        new OnnxGraph()
            .input("x", 5, 1, 2_000_000_000)
            .constant(tensor("b", 1))
            .node("Add", "z", "x", "b")
            .output("z"),
        "node \"add_z\" (Add)",
        "supported are 8388608");
    isRefused(
        gru(2, 2)
            .constant(hollow("axes", 7, new long[100_000]))
            .node("Squeeze", "z", "y", "axes")
            .output("z"),
        "has 100000 dimensions; supported are 32");
    isRefused(
        gru(2, 2, "B").constant(hollow("B", 1, new long[100_000])).output("y"),
        "has 100000 dimensions; supported are 32");
  }

  /** 38 kilobytes whose functions would be a hundred identities of 268 MB. */
  @Test
  void functionsOfTheirOwnWidth() {
    OnnxGraph graph = squeezed(gru(2, 1));
    graph.constant(tensor("M", 1, 8192)).node("MatMul", "t1", "t0", "M");
    for (int i = 1; i <= 100; i++) {
      graph.node("Softmax", List.of("t" + i), List.of("t" + (i + 1)), Map.of("axis", -1));
    }
    // A chain would need as many products with the identity; layers of a graph need no matrix.
    Model model = accepted(graph.output("t101")).model();
    assertThat(model.layers()).hasSize(102);
    assertThat(model.parameters()).isLessThan(20_000);
  }

  /** One matrix, named by sixty thousand products. */
  @Test
  void weightsThatAreShared() {
    OnnxGraph graph = squeezed(gru(2, 128)).constant(tensor("M", 128, 128));
    for (int i = 0; i < 20_000; i++) {
      graph.node("MatMul", "t" + (i + 1), "t" + i, "M");
    }
    isRefused(graph.output("t20000"), "shared weights count each time");
    OnnxGraph cells = new OnnxGraph().input("x", 5, 1, 64).constant(OnnxGraph.longs("axes", 1));
    cells.constant(tensor("W", 1, 192, 64)).constant(tensor("R", 1, 192, 64));
    String from = "x";
    for (int i = 0; i < 3_000; i++) {
      cells.node("GRU", "y" + i, from, "W", "R").node("Squeeze", "s" + i, "y" + i, "axes");
      from = "s" + i;
    }
    isRefused(cells.output("s2999"), "shared weights count each time");
  }

  /** Zeros that thousands of nodes share are read once. */
  @Test
  void statesThatAreShared() {
    int batch = 200_000;
    OnnxGraph graph = new OnnxGraph().input("x", 1, batch, 1).constant(OnnxGraph.longs("axes", 1));
    graph.constant(tensor("W", 1, 1, 1)).constant(tensor("R", 1, 1, 1));
    graph.constant(OnnxGraph.tensor("h", new long[] {1, batch, 1}, new float[batch]));
    String from = "x";
    for (int i = 0; i < 4_000; i++) {
      graph.node("RNN", "y" + i, from, "W", "R", "", "", "h");
      graph.node("Squeeze", "s" + i, "y" + i, "axes");
      from = "s" + i;
    }
    accepted(graph.output("s3999"));
  }

  @Test
  void chainsOfFunctionsAndIdentities() {
    OnnxGraph functions = squeezed(gru(2, 1)).constant(tensor("M", 1, 2));
    functions.node("MatMul", "f0", "t0", "M");
    OnnxGraph more =
        squeezed(gru(2, 1)).constant(tensor("M", 1, 2)).node("MatMul", "f0", "t0", "M");
    for (int i = 0; i < 60_000; i++) {
      functions.node("Tanh", "f" + (i + 1), "f" + i);
      if (i < DenseFold.MOST_STEPS) {
        more.node("Tanh", "f" + (i + 1), "f" + i);
      }
    }
    isRefused(
        functions.output("f60000"),
        DenseFold.MOST_STEPS + 1 + " functions follow each other behind node");
    assertThat(accepted(more.output("f" + DenseFold.MOST_STEPS)).model().layers()).hasSize(2);
    OnnxGraph weights = new OnnxGraph().input("x", 5, 1, 2).constant(tensor("w0", 1, 6, 2));
    weights
        .constant(tensor("R", 1, 6, 2))
        .constant(OnnxGraph.tensor("h0", new long[] {1, 1, 2}, 0, 0));
    for (int i = 0; i < 30_000; i++) {
      weights.node("Identity", "w" + (i + 1), "w" + i).node("Identity", "h" + (i + 1), "h" + i);
    }
    weights.node("GRU", "y", "x", "w30000", "R", "", "", "h30000").output("y");
    assertThat(accepted(weights).model().layers()).hasSize(1);
    OnnxGraph expanded = new OnnxGraph().input("x", 5, 1, 2).constant(tensor("W", 1, 6, 2));
    expanded.constant(tensor("R", 1, 6, 2)).constant(OnnxGraph.longs("s", 1, 1, 2));
    expanded.node("ConstantOfShape", "h0", "s");
    for (int i = 0; i < 60_000; i++) {
      expanded.node("Expand", "h" + (i + 1), "h" + i, "s");
    }
    expanded.node("GRU", "y", "x", "W", "R", "", "", "h60000").output("y");
    assertThat(accepted(expanded).model().layers()).hasSize(1);
  }

  @Test
  void moreNodesThanAnyNetworkHas() {
    OnnxGraph graph = gru(2, 2);
    for (int i = 0; i < Graph.MOST_NODES; i++) {
      graph.node("Identity", "i" + i, "x");
    }
    isRefused(graph.output("y"), "has 65537 nodes; supported are 65536");
  }

  /** A message of two bytes takes a hundred in memory: the count comes before the parser. */
  @Test
  void morePartsThanAreParsed() {
    GraphProto.Builder nodes = GraphProto.newBuilder();
    NodeProto.Builder node = NodeProto.newBuilder();
    for (int i = 0; i < 1 << 20; i++) {
      node.addAttribute(AttributeProto.getDefaultInstance());
    }
    byte[] bytes = ModelProto.newBuilder().setGraph(nodes.addNode(node)).build().toByteArray();
    Allocation allocation = new Allocation();
    assertThatThrownBy(() -> OnnxFile.parse(Path.of("net.onnx"), bytes))
        .isInstanceOf(UnsupportedOnnxException.class)
        .hasMessageContaining("has more than 1048576 nodes, tensors, attributes and names");
    assertThat(allocation.bytes()).isLessThan(1 << 20);
  }

  /**
   * A number takes one byte in a file and eight in memory, and a list that grows has two copies.
   */
  @Test
  void moreNumbersThanAreParsed() {
    byte[] numbers = new byte[20 << 20];
    byte[] few = new byte[1 << 22];
    // AttributeProto.ints, and TensorProto.dims, int32_data, int64_data as initializers.
    byte[] ints = inModel(numbers, 8, 5, 1);
    byte[] dims = inModel(numbers, 1, 5);
    byte[] wide = inModel(numbers, 7, 5);
    byte[] narrow = inModel(numbers, 5, 5);
    for (byte[] bytes : List.of(ints, dims, wide)) {
      numbersAreRefused(bytes, "lists more than 4194304 whole numbers of 64 bits");
    }
    numbersAreRefused(narrow, "lists more than 10485", " whole numbers of 32 bits in 209715");
    // The same without packing: a tag before each number.
    byte[] tagged = new byte[10 << 20];
    for (int i = 0; i < tagged.length; i += 2) {
      tagged[i] = 1 << 3;
    }
    numbersAreRefused(within(7, within(5, tagged)), "whole numbers of 64 bits");
    assertThatThrownBy(() -> OnnxFile.parse(Path.of("net.onnx"), inModel(few, 7, 5)))
        .hasMessageContaining("holds no graph");
    // Weights of 16 bits in three bytes each.
    byte[] halves = new byte[18 << 20];
    for (int i = 0; i < halves.length; i += 3) {
      halves[i] = (byte) 0x80;
      halves[i + 1] = (byte) 0xf8;
      halves[i + 2] = 1;
    }
    assertThatThrownBy(() -> OnnxFile.parse(Path.of("net.onnx"), inModel(halves, 5, 5)))
        .hasMessageContaining("holds no graph");
    // A list that says to be longer than the file.
    byte[] cut = Arrays.copyOf(ints, 1000);
    assertThatThrownBy(() -> OnnxFile.parse(Path.of("net.onnx"), cut))
        .isInstanceOf(OnnxFormatException.class)
        .hasMessageContaining("truncated");
  }

  private static void numbersAreRefused(byte[] bytes, String... parts) {
    Allocation allocation = new Allocation();
    assertThatThrownBy(() -> OnnxFile.parse(Path.of("net.onnx"), bytes))
        .isInstanceOf(UnsupportedOnnxException.class)
        .hasMessageStartingWith("net.onnx: ")
        .hasMessageContainingAll(parts);
    assertThat(allocation.bytes()).isLessThan(1 << 20);
  }

  /** A model whose graph has a packed list in these fields within each other, the inmost first. */
  private static byte[] inModel(byte[] list, int... fields) {
    byte[] message = list;
    for (int field : fields) {
      message = within(field, message);
    }
    return within(7, message);
  }

  private static byte[] within(int field, byte[] message) {
    return UnknownFieldSet.newBuilder()
        .addField(
            field,
            UnknownFieldSet.Field.newBuilder()
                .addLengthDelimited(UnsafeByteOperations.unsafeWrap(message))
                .build())
        .build()
        .toByteArray();
  }

  @Test
  void graphsWithinGraphs() {
    GraphProto inner = gru(2, 2).output("y").model().getGraph();
    for (int i = 0; i < 90; i++) {
      inner =
          GraphProto.newBuilder()
              .addNode(
                  NodeProto.newBuilder()
                      .setOpType("If")
                      .addAttribute(
                          AttributeProto.newBuilder()
                              .setName("then")
                              .setType(AttributeProto.AttributeType.GRAPH)
                              .setG(inner)))
              .build();
      if (i == 0) {
        OnnxFile one =
            OnnxFile.parse(
                Path.of("net.onnx"),
                gru(2, 2).output("y").model().toBuilder().setGraph(inner).build().toByteArray());
        assertThatThrownBy(() -> one.recurrent("gru_y_s0"))
            .hasMessageContaining("it has no GRU, LSTM or RNN; within If, Loop or Scan")
            .hasMessageContaining("\"gru_y_s0\" (GRU)");
      }
    }
    isRefused(
        gru(2, 2).output("y").model().toBuilder().setGraph(inner).build(), "nests graphs deeper");
  }

  /** Names of a file are shown, not obeyed. */
  @Test
  void namesThatWouldMoveTheCursor() {
    OnnxGraph graph = gru(2, 2).node("Attention", "z", "y").output("z");
    ModelProto.Builder model = graph.model().toBuilder();
    model.getGraphBuilder().getNodeBuilder(1).setName("a\u001b[2Jb\nc\u202ed" + "e".repeat(9_000));
    assertThatThrownBy(
            () -> OnnxFile.parse(Path.of("net.onnx"), model.build().toByteArray()).model())
        .hasMessageContaining("a\\u{1b}[2Jb\\u{a}c\\u{202e}de")
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(2_500).doesNotContain("\n"));
  }

  @Test
  void aWeightThatIsNotFiniteIsNamed() {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      TensorProto bias = OnnxGraph.tensor("b", new long[] {2}, 0, bad);
      isRefused(
          squeezed(gru(2, 2)).constant(bias).node("Add", "z", "t0", "b").output("z"),
          "node \"add_z\" (Add): tensor \"b\" of shape [2]: value 1 is " + bad);
      OnnxGraph gemm = squeezed(gru(2, 2)).constant(bias).constant(tensor("M", 2, 2));
      gemm.constant(OnnxGraph.longs("both", 5, 2)).node("Reshape", "f", "t0", "both");
      isRefused(
          gemm.node("Gemm", "z", "f", "M", "b").output("z"),
          "node \"gemm_z\" (Gemm): tensor \"b\"");
      TensorProto matrix = OnnxGraph.tensor("M", new long[] {2, 1}, 0, bad);
      isRefused(
          squeezed(gru(2, 2)).constant(matrix).node("MatMul", "z", "t0", "M").output("z"),
          "tensor \"M\" of shape [2, 1]: value 1 is " + bad);
    }
  }

  @Test
  void filesThatAreNoFiles() throws Exception {
    assertThatThrownBy(() -> OnnxFile.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessage(folder + ": is a folder; name a file in it");
    Path device = Path.of("/dev/zero");
    assumeTrue(Files.exists(device), "no /dev/zero here");
    assertThatThrownBy(() -> OnnxFile.open(device))
        .isInstanceOf(IOException.class)
        .hasMessage("/dev/zero: is a device or a socket; name a file");
    Path large = folder.resolve("large.onnx");
    try (FileChannel channel =
        FileChannel.open(
            large,
            StandardOpenOption.WRITE,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.SPARSE)) {
      channel.write(ByteBuffer.wrap(new byte[1]), 1L << 31);
    }
    Allocation allocation = new Allocation();
    assertThatThrownBy(() -> OnnxFile.open(large))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("large.onnx: is 2147483649 bytes long; files up to 2147483639");
    assertThat(allocation.bytes()).isLessThan(1 << 20);
  }

  /** Outputs of a case are no larger than the files that say what is expected. */
  @Test
  void casesWithoutTheirInputs() throws Exception {
    OnnxGraph graph = new OnnxGraph().input("x", 1 << 16, 1 << 14, 1);
    graph.constant(tensor("W", 1, 1, 1)).constant(tensor("R", 1, 1, 1));
    graph.node("RNN", List.of("x", "W", "R"), List.of("y"), Map.of()).output("y");
    TensorProto y = OnnxGraph.tensor("y", new long[] {1}, 0);
    Path written =
        new GeneratedCase("none", graph.model(), List.of())
            .write(folder.resolve("case"), List.of(y));
    Allocation allocation = new Allocation();
    assertThat(new OnnxCase(written).run(PlanOptions.defaults(), 1e-5).toString())
        .startsWith("Failed")
        .contains("output \"y\" has shape [65536, 1, 16384, 1], expected is");
    TensorProto hollow = hollow("y", 1, 1 << 16, 1, 1 << 14, 1);
    Files.write(written.resolve("test_data_set_0").resolve("output_0.pb"), hollow.toByteArray());
    assertThat(new OnnxCase(written).run(PlanOptions.defaults(), 1e-5).toString())
        .startsWith("Failed")
        .contains("has 0 bytes, expected 4294967296");
    assertThat(allocation.bytes()).isLessThan(90L << 20);
  }

  /** Files that attacks found; they are not part of this repository. */
  @Test
  void theFilesOfAttacks() throws Exception {
    assumeTrue(Files.isDirectory(HOSTILE), () -> HOSTILE + " is absent");
    try (Stream<Path> files = Files.list(HOSTILE)) {
      List<Path> graphs = files.filter(file -> file.toString().endsWith(".onnx")).toList();
      assertThat(graphs).isNotEmpty();
      for (Path file : graphs) {
        long size = Files.size(file);
        Assertions.assertTimeoutPreemptively(
            LONGEST,
            () -> {
              Allocation allocation = new Allocation();
              try {
                OnnxFile.open(file).network();
              } catch (OnnxFormatException | UnsupportedOnnxException e) {
                assertThat(e.getMessage()).startsWith(file + ": ").doesNotContain("\n");
              }
              assertThat(allocation.bytes()).as(file.toString()).isLessThan(bound(size));
            });
      }
    }
  }
}
