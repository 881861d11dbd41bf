package io.github.stillgate.importers.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import io.github.stillgate.importers.onnx.generated.RecurrentSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The network that a graph means, or a refusal that names what would be lost. */
class OnnxMeaningTest {
  private static final int STEPS = 9;
  private static final int BATCH = 3;

  private static OnnxFile open(OnnxGraph graph) {
    return open(graph.model());
  }

  private static OnnxFile open(ModelProto model) {
    return OnnxFile.parse(Path.of("net.onnx"), model.toByteArray());
  }

  private static List<String> names(OnnxFile file) {
    return file.model().layers().stream().map(Layer::name).toList();
  }

  /** A GRU called after its outputs. */
  private static OnnxGraph gru(
      OnnxGraph graph, String from, int inputs, int units, List<String> to, String... more) {
    String key = String.join("", to);
    graph.constant(tensor(key + "W", 1, 3L * units, inputs));
    graph.constant(tensor(key + "R", 1, 3L * units, units));
    List<String> read = new ArrayList<>(List.of(from, key + "W", key + "R"));
    read.addAll(List.of(more));
    return graph.node("GRU", read, to, Map.of("hidden_size", units));
  }

  private static TensorProto tensor(String name, long... shape) {
    float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    Arrays.fill(values, 0.25f);
    return OnnxGraph.tensor(name, shape, values);
  }

  private static TensorProto zeros(String name, long... shape) {
    return OnnxGraph.tensor(
        name, shape, new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)]);
  }

  private static OnnxGraph input() {
    return new OnnxGraph().input("X", STEPS, BATCH, 5);
  }

  private static OnnxGraph squeezed(OnnxGraph graph, String from, String to) {
    return graph.constant(OnnxGraph.longs(to + "_axes", 1)).node("Squeeze", to, from, to + "_axes");
  }

  private static void isUnsupported(OnnxGraph graph, String... parts) {
    assertThatThrownBy(() -> open(graph).model())
        .isInstanceOf(UnsupportedOnnxException.class)
        .hasMessageStartingWith("net.onnx: ")
        .hasMessageContainingAll(parts);
  }

  private static void isMalformed(OnnxGraph graph, String... parts) {
    assertThatThrownBy(() -> open(graph).model())
        .isInstanceOf(OnnxFormatException.class)
        .hasMessageStartingWith("net.onnx: ")
        .hasMessageContainingAll(parts);
  }

  @Test
  void theNodeWhoseStateIsTheOutputIsTaken() {
    OnnxGraph graph = gru(input(), "X", 5, 4, List.of("", "ha")).output("ha");
    OnnxFile file = open(gru(graph, "X", 5, 6, List.of("", "hb")));
    assertThat(names(file)).containsExactly("gru__ha");
    assertThat(file.answer()).isEqualTo(OnnxFile.Answer.LAST_STEP);
    assertThat(texts(file))
        .containsExactly(
            "input \"X\": what the model reads, 5 values a step",
            "output \"ha\": state gru__ha.h, which is the answer of layer gru__ha, at its last step"
                + " only",
            "state \"gru__ha.h\": zero after a reset",
            "node \"gru__hb\": not taken, no output that was taken needs this GRU");
  }

  private static List<String> texts(OnnxFile file) {
    return file.network().accounts().stream().map(Account::toString).toList();
  }

  @Test
  void aStackEndsWithTheLayerWhoseStateIsTheOutput() {
    OnnxGraph graph = gru(input(), "X", 5, 4, List.of("ya", "ha"));
    gru(squeezed(graph, "ya", "s"), "s", 4, 6, List.of("", "hb"));
    assertThat(names(open(graph.output("ha")))).containsExactly("gru_ya_ha");
    assertThat(names(open(graph.output("hb")))).containsExactly("gru_ya_ha", "gru__hb");
  }

  @Test
  void nodesSideBySideAreNoChain() {
    OnnxGraph graph = gru(input(), "X", 5, 4, List.of("", "ha"));
    gru(graph, "X", 5, 6, List.of("", "hb"));
    isUnsupported(
        graph.output("ha").output("hb"),
        "output \"ha\" is a last state of node \"gru__ha\" (GRU)",
        "not on the way from \"X\" to node \"gru__hb\" (GRU)",
        "--node");
    OnnxGraph twoInputs = input().input("X2", STEPS, BATCH, 5);
    gru(twoInputs, "X", 5, 4, List.of("", "ha"));
    gru(twoInputs, "X2", 5, 6, List.of("", "hb"));
    isUnsupported(twoInputs.output("hb").output("ha"), "output \"ha\"", "from \"X2\"");
  }

  @Test
  void aStateOfANodeBesideTheChainIsNotLost() {
    OnnxGraph graph = gru(input(), "X", 5, 4, List.of("Y", ""));
    squeezed(graph, "Y", "out").output("out");
    gru(graph, "X", 5, 6, List.of("", "hb"));
    assertThat(names(open(graph))).containsExactly("gru_Y_");
    isUnsupported(graph.output("hb"), "output \"hb\"", "\"gru__hb\"", "to \"out\"");
    // The same within a joint of states.
    OnnxGraph joint = gru(input(), "X", 5, 4, List.of("Y", "ha")).output("Y");
    gru(joint, "X", 5, 4, List.of("", "hb"));
    joint.node("Concat", List.of("ha", "hb"), List.of("h"), Map.of("axis", 0)).output("h");
    isUnsupported(joint, "output \"h\"", "\"gru__hb\"");
  }

  @Test
  void everyOutputAndStateIsAccountedFor() {
    ModelProto model =
        RecurrentSpec.of("LSTM")
            .with("direction", "bidirectional")
            .with("sequence_lens")
            .with("initial_h")
            .toCase()
            .model();
    OnnxFile file = open(model);
    assertThat(texts(file))
        .containsExactly(
            "input \"X\": what the model reads, 4 values a step",
            "input \"sequence_lens\": where the caller ends each sequence",
            "input \"initial_h\": states lstm_Y_Y_h_Y_c.forward.h, lstm_Y_Y_h_Y_c.backward.h, to"
                + " set; zero after a reset",
            "output \"Y\": the answer of layer lstm_Y_Y_h_Y_c, at every step",
            "output \"Y_h\": states lstm_Y_Y_h_Y_c.forward.h, lstm_Y_Y_h_Y_c.backward.h",
            "output \"Y_c\": states lstm_Y_Y_h_Y_c.forward.c, lstm_Y_Y_h_Y_c.backward.c",
            "state \"lstm_Y_Y_h_Y_c.forward.h\": zero after a reset, or set as the input"
                + " \"initial_h\" says",
            "state \"lstm_Y_Y_h_Y_c.backward.h\": zero after a reset, or set as the input"
                + " \"initial_h\" says",
            "state \"lstm_Y_Y_h_Y_c.forward.c\": zero after a reset",
            "state \"lstm_Y_Y_h_Y_c.backward.c\": zero after a reset");
    assertThat(file.network("lstm_Y_Y_h_Y_c").accounts())
        .filteredOn(account -> account.part() == Account.Part.OUTPUT)
        .map(Account::states)
        .containsExactly(
            List.of(),
            List.of("lstm_Y_Y_h_Y_c.forward.h", "lstm_Y_Y_h_Y_c.backward.h"),
            List.of("lstm_Y_Y_h_Y_c.forward.c", "lstm_Y_Y_h_Y_c.backward.c"));
  }

  @Test
  void anInputThatNothingReadsIsSaid() {
    OnnxGraph graph = input().input("clock", 1);
    assertThat(texts(open(gru(graph, "X", 5, 4, List.of("Y")).output("Y"))))
        .contains("input \"clock\": not read by the model");
  }

  /** PyTorch 2.13 writes an LSTM with a projection like this. */
  @Test
  void zeroStatesOfAWrongShape() {
    assertThat(names(open(lstm(zeros("h", 1, BATCH, 4), zeros("c", 1, BATCH, 4))))).hasSize(1);
    assertThat(texts(open(lstm(zeros("h", 1, BATCH, 4), zeros("c", 1, BATCH, 4)))))
        .contains("state \"lstm_Y.c\": zero after a reset, as \"c\" is");
    isMalformed(
        lstm(zeros("h", 1, BATCH, 4), zeros("c", 1, BATCH, 8)),
        "initial_c is \"c\" of shape [1, 3, 8], expected [1, 3, 4]: 1 direction, a batch of 3, 4"
            + " units");
    isMalformed(
        lstm(zeros("h", 4), zeros("c", 1, BATCH, 4)), "initial_h", "[4], expected [1, 3, 4]");
    isMalformed(
        lstm(zeros("h", 1, 1, 4), zeros("c", 1, BATCH, 4)), "[1, 1, 4], expected [1, 3, 4]");
    isMalformed(
        lstm(zeros("h", 2, BATCH, 4), zeros("c", 1, BATCH, 4)), "[2, 3, 4], expected [1, 3, 4]");
    assertThatThrownBy(
            () -> open(lstm(zeros("h", 1, BATCH, 4), zeros("c", 1, BATCH, 8))).recurrent("lstm_Y"))
        .hasMessageContaining("[1, 3, 8], expected [1, 3, 4]");
  }

  private static OnnxGraph lstm(TensorProto h, TensorProto c) {
    return lstm(input().constant(h).constant(c));
  }

  private static OnnxGraph lstm(OnnxGraph graph) {
    return graph
        .constant(tensor("W", 1, 16, 5))
        .constant(tensor("R", 1, 16, 4))
        .node(
            "LSTM",
            List.of("X", "W", "R", "", "", "h", "c"),
            List.of("Y"),
            Map.of("hidden_size", 4))
        .output("Y");
  }

  @Test
  void zeroStatesThatNodesMake() {
    OnnxGraph right = input().constant(OnnxGraph.longs("s", 1, BATCH, 4));
    right.node("ConstantOfShape", "h", "s").node("Identity", "c", "h");
    assertThat(names(open(lstm(right)))).hasSize(1);
    OnnxGraph wide = input().constant(OnnxGraph.longs("s", 1, BATCH, 8));
    wide.node("ConstantOfShape", "h", "s").node("Identity", "c", "h");
    isMalformed(lstm(wide), "initial_h is \"h\" of shape [1, 3, 8], expected [1, 3, 4]");
    OnnxGraph stretched =
        input().constant(zeros("z", 1, 1, 8)).constant(OnnxGraph.longs("s", 1, BATCH, 1));
    stretched.node("Expand", "h", "z", "s").node("Identity", "c", "h");
    isMalformed(lstm(stretched), "[1, 3, 8], expected [1, 3, 4]");
    // As exporters do it for a batch that is open: [1, batch of X, width].
    isMalformed(lstm(batchOfInput(8)), "[1, ?, 8], expected [1, batch, 4]");
    assertThat(names(open(lstm(batchOfInput(4))))).hasSize(1);
  }

  private static OnnxGraph batchOfInput(long width) {
    return new OnnxGraph()
        .input("X", STEPS, -1, 5)
        .constant(OnnxGraph.longs("one", 1))
        .constant(OnnxGraph.longs("width", width))
        .constant(OnnxGraph.longs("axes", 0))
        .constant(
            TensorProto.newBuilder()
                .setName("index")
                .setDataType(TensorProto.DataType.INT64_VALUE)
                .addInt64Data(1)
                .build())
        .node("Shape", "shape", "X")
        .node("Gather", "batch", "shape", "index")
        .node("Unsqueeze", "batches", "batch", "axes")
        .node("Concat", List.of("one", "batches", "width"), List.of("s"), Map.of("axis", 0))
        .node("ConstantOfShape", "h", "s")
        .node("Identity", "c", "h");
  }

  @Test
  void statesThatTheGraphTakesHaveShapesToo() {
    isMalformed(
        lstm(input().input("h", 1, BATCH, 4).input("c", 1, BATCH, 5)),
        "initial_c is \"c\" of shape [1, 3, 5], expected [1, 3, 4]");
    assertThat(names(open(lstm(input().input("h", 1, -1, 4).input("c", 1, -1, 4))))).hasSize(1);
    isMalformed(
        lstm(new OnnxGraph().input("X", STEPS, -1, 5).input("h", 1, 2, 4).input("c", 1, 3, 4)),
        "[1, 3, 4], expected [1, 2, 4]");
  }

  @Test
  void lengthsThatAreConstant() {
    assertThat(texts(open(cut(9, 9, 9))))
        .contains("lengths \"lens\": 9, the whole sequence; changes nothing");
    isUnsupported(cut(9, 4, 9), "sequence_lens is the constant \"lens\" of 4 to 9 steps");
    isUnsupported(cut(4, 4, 4), "of 4 to 4 steps in sequences of 9");
    isMalformed(cut(9, 9, 10), "lies within 9 and 10, expected 0 to 9");
    isMalformed(cut(9, 9), "sequence_lens is tensor \"lens\" of shape [2], expected [3]");
    OnnxGraph open = new OnnxGraph().input("X", -1, BATCH, 5);
    open.constant(OnnxGraph.ints("lens", 4, 4, 4));
    assertThat(texts(open(gru(open, "X", 5, 4, List.of("Y"), "", "lens").output("Y"))))
        .contains(
            "lengths \"lens\": 4; the graph ends each sequence there, and so must the caller");
  }

  /** Raw values are read where they lie in the file. */
  @Test
  void lengthsThatAreRaw() {
    for (TensorProto.DataType type :
        List.of(TensorProto.DataType.INT32, TensorProto.DataType.INT64)) {
      boolean wide = type == TensorProto.DataType.INT64;
      ByteBuffer bytes =
          ByteBuffer.allocate(wide ? 8 * BATCH : 4 * BATCH).order(ByteOrder.LITTLE_ENDIAN);
      for (int b = 0; b < BATCH; b++) {
        bytes.put(4 * b * (wide ? 2 : 1), (byte) STEPS);
      }
      TensorProto lens =
          TensorProto.newBuilder()
              .setName("lens")
              .setDataType(type.getNumber())
              .addDims(BATCH)
              .setRawData(ByteString.copyFrom(bytes.array()))
              .build();
      assertThat(
              texts(
                  open(
                      gru(input().constant(lens), "X", 5, 4, List.of("Y"), "", "lens")
                          .output("Y"))))
          .contains("lengths \"lens\": 9, the whole sequence; changes nothing");
    }
  }

  private static OnnxGraph cut(int... lengths) {
    OnnxGraph graph = input().constant(OnnxGraph.ints("lens", lengths));
    return gru(graph, "X", 5, 4, List.of("Y"), "", "lens").output("Y");
  }

  @Test
  void statesAndLengthsFromNowhere() {
    isMalformed(lstm(input().input("h", 1, BATCH, 4)), "initial_c is \"c\", which no node gives");
    isMalformed(
        gru(input(), "X", 5, 4, List.of("Y"), "", "lens").output("Y"), "sequence_lens is \"lens\"");
  }

  @Test
  void lengthsThatAreComputedOrDiffer() {
    OnnxGraph computed = input().constant(OnnxGraph.ints("some", 9, 9, 9));
    computed.node("Neg", "lens", "some");
    isUnsupported(
        gru(computed, "X", 5, 4, List.of("Y"), "", "lens").output("Y"),
        "sequence_lens (\"lens\") is computed by node \"neg_lens\" (Neg)");
    OnnxGraph half = input().typedInput("lens", TensorProto.DataType.INT32_VALUE, BATCH);
    gru(half, "X", 5, 4, List.of("Y"), "", "lens");
    gru(squeezed(half, "Y", "s"), "s", 4, 6, List.of("Z")).output("Z");
    isUnsupported(half, "node \"gru_Z\" (GRU): its sequences do not end where", "\"gru_Y\"");
  }

  /** GRUs called after their outputs Y and Z, one behind the other. */
  private static OnnxGraph two(OnnxGraph graph, String firstLens, String secondLens) {
    gru(graph, "X", 5, 4, List.of("Y"), "", firstLens);
    return gru(squeezed(graph, "Y", "s"), "s", 4, 6, List.of("Z"), "", secondLens).output("Z");
  }

  private static OnnxGraph openSteps() {
    return new OnnxGraph()
        .input("X", -1, BATCH, 5)
        .typedInput("given", TensorProto.DataType.INT32_VALUE, BATCH)
        .constant(OnnxGraph.ints("three", 3, 3, 3))
        .constant(OnnxGraph.ints("too", 3, 3, 3))
        .constant(OnnxGraph.ints("four", 4, 4, 4));
  }

  @Test
  void constantLengthsAreTheSameForAll() {
    isUnsupported(
        two(openSteps(), "three", "four"),
        "node \"gru_Z\" (GRU): its sequences do not end where sequence_lens (\"three\", 3 steps)"
            + " ends those of node \"gru_Y\" (GRU), it reads sequence_lens (\"four\", 4 steps)");
    isUnsupported(
        two(openSteps(), "three", ""),
        "node \"gru_Z\" (GRU): its sequences do not end",
        "\"gru_Y\" (GRU), it reads whole sequences");
    isUnsupported(two(openSteps(), "", "three"), "node \"gru_Y\" (GRU)", "\"three\"", "\"gru_Z\"");
    isUnsupported(two(openSteps(), "given", "three"), "\"given\"", "\"three\", 3 steps");
    isUnsupported(two(openSteps(), "three", "given"), "\"given\"", "\"three\", 3 steps");
    isUnsupported(
        two(openSteps().typedInput("other", TensorProto.DataType.INT32_VALUE, 3), "given", "other"),
        "\"given\"",
        "\"other\"");
    assertThat(texts(open(two(openSteps(), "three", "too"))))
        .contains(
            "lengths \"three\": 3; the graph ends each sequence there, and so must the caller");
    assertThat(names(open(two(openSteps(), "given", "given")))).hasSize(2);
    // Where the steps are known, whole lengths are none.
    OnnxGraph known = input().constant(OnnxGraph.ints("whole", STEPS, STEPS, STEPS));
    assertThat(names(open(two(known, "whole", "")))).hasSize(2);
  }

  @Test
  void lengthsThatTheCallerGivesAreWholeNumbersOfTheBatch() {
    int whole = TensorProto.DataType.INT32_VALUE;
    isMalformed(
        gru(input().typedInput("lens", whole, 7), "X", 5, 4, List.of("Y"), "", "lens").output("Y"),
        "sequence_lens is the input \"lens\" of shape [7], expected 3 lengths: [3]");
    isMalformed(
        gru(input().typedInput("lens", whole, BATCH, -1), "X", 5, 4, List.of("Y"), "", "lens")
            .output("Y"),
        "of shape [3, ?], expected 3 lengths");
    isMalformed(
        gru(input().input("lens", BATCH), "X", 5, 4, List.of("Y"), "", "lens").output("Y"),
        "sequence_lens is the input \"lens\" of type FLOAT, expected INT32");
    OnnxGraph self = gru(input(), "X", 5, 4, List.of("Y"), "", "X").output("Y");
    isMalformed(self, "sequence_lens is the input \"X\" of type FLOAT, expected INT32");
    isRefusedAlone(self, "gru_Y", "sequence_lens is the input \"X\" of type FLOAT");
    ModelProto.Builder untyped = self.model().toBuilder();
    untyped.getGraphBuilder().getInputBuilder(0).clearType();
    assertThatThrownBy(() -> open(untyped.build()).model())
        .isInstanceOf(OnnxFormatException.class)
        .hasMessageContaining("sequence_lens is \"X\", the values that the model reads");
    // The batch that lengths are for is that of the states.
    OnnxGraph batch = new OnnxGraph().input("X", STEPS, -1, 5).typedInput("lens", whole, 2);
    isMalformed(
        gru(batch.constant(zeros("h", 1, 3, 4)), "X", 5, 4, List.of("Y"), "", "lens", "h")
            .output("Y"),
        "of shape [2], expected 3 lengths: [3]");
    assertThat(
            names(
                open(
                    gru(input().typedInput("lens", whole, -1), "X", 5, 4, List.of("Y"), "", "lens")
                        .output("Y"))))
        .hasSize(1);
  }

  private static void isRefusedAlone(OnnxGraph graph, String node, String... parts) {
    assertThatThrownBy(() -> open(graph).network(node))
        .isInstanceOfAny(OnnxFormatException.class, UnsupportedOnnxException.class)
        .hasMessageStartingWith("net.onnx: node \"" + node + "\"")
        .hasMessageContainingAll(parts);
  }

  /** A node alone is held to what the graph says of it. */
  @Test
  void lengthsAndStatesOfANodeAlone() {
    isRefusedAlone(cut(4, 4, 4), "gru_Y", "of 4 to 4 steps in sequences of 9");
    isRefusedAlone(cut(9, 4, 9), "gru_Y", "of 4 to 9 steps");
    isRefusedAlone(cut(9, 9, 10), "gru_Y", "lies within 9 and 10, expected 0 to 9");
    isRefusedAlone(
        cut(9, 9), "gru_Y", "sequence_lens is tensor \"lens\" of shape [2], expected [3]");
    isRefusedAlone(
        gru(
                input().typedInput("lens", TensorProto.DataType.INT32_VALUE, 7),
                "X",
                5,
                4,
                List.of("Y"),
                "",
                "lens")
            .output("Y"),
        "gru_Y",
        "of shape [7], expected 3 lengths");
    isRefusedAlone(
        lstm(zeros("h", 1, 1, 4), zeros("c", 1, 1, 4)), "lstm_Y", "[1, 1, 4], expected [1, 3, 4]");
    isRefusedAlone(
        lstm(input().input("h", 1, 1, 4).input("c", 1, 1, 4)),
        "lstm_Y",
        "[1, 1, 4], expected [1, 3, 4]");
    isRefusedAlone(
        gru(new OnnxGraph().input("X", STEPS, BATCH, 6), "X", 5, 4, List.of("Y")).output("Y"),
        "gru_Y",
        "X has shape [9, 3, 6], expected three sizes [steps, batch, inputs] of 5 inputs");
    assertThat(open(cut(9, 9, 9)).network("gru_Y").accounts())
        .map(Account::toString)
        .contains("lengths \"lens\": 9, the whole sequence; changes nothing");
    assertThat(open(two(openSteps(), "three", "four")).network("gru_Z").accounts())
        .map(Account::toString)
        .contains(
            "lengths \"four\": 4; the graph ends each sequence there, and so must the caller");
  }

  @Test
  void lengthsThatAreComputedAreTheCallersOfANodeAlone() {
    OnnxGraph graph =
        input()
            .typedInput("given", TensorProto.DataType.INT32_VALUE, BATCH)
            .typedInput("clock", TensorProto.DataType.INT32_VALUE, BATCH)
            .constant(OnnxGraph.ints("one", 1));
    graph.node("Identity", "same", "given").node("Sub", "lens", "same", "one");
    gru(graph, "X", 5, 4, List.of("Y"), "", "lens").output("Y");
    isUnsupported(graph, "sequence_lens (\"lens\") is computed by node \"sub_lens\" (Sub)");
    assertThat(open(graph).network("gru_Y").accounts())
        .map(Account::toString)
        .contains(
            "input \"X\": what the model reads, 5 values a step",
            "input \"given\": not read by the model; the lengths \"lens\" are computed from it",
            "input \"clock\": not read by the model",
            "lengths \"lens\": computed by node \"sub_lens\" (Sub); the caller ends each sequence"
                + " there");
  }

  @Test
  void aFunctionThatIsCalledLikeAnOperator() {
    OnnxGraph graph = gru(input(), "X", 5, 4, List.of("Y")).output("Y");
    for (String domain : List.of("", "ai.onnx")) {
      FunctionProto own = FunctionProto.newBuilder().setName("GRU").setDomain(domain).build();
      assertThatThrownBy(() -> open(graph.model().toBuilder().addFunctions(own).build()))
          .isInstanceOf(UnsupportedOnnxException.class)
          .hasMessageContaining("net.onnx: defines ONNX's operator GRU anew (function)");
    }
    FunctionProto other = FunctionProto.newBuilder().setName("GRU").setDomain("mine").build();
    ModelProto.Builder unused = graph.model().toBuilder().addFunctions(other);
    assertThat(names(open(unused.build()))).containsExactly("gru_Y");
    unused.getGraphBuilder().getNodeBuilder(0).setDomain("mine");
    assertThatThrownBy(() -> open(unused.build()).model())
        .isInstanceOf(UnsupportedOnnxException.class)
        .hasMessageContaining("\"gru_Y\" (mine.GRU)");
    assertThatThrownBy(() -> open(unused.build()).network("gru_Y"))
        .hasMessageContaining("no recurrent node is named \"gru_Y\"");
  }

  @Test
  void versionsOfTheOperatorsThatAreNotKnown() {
    OnnxGraph graph = gru(input(), "X", 5, 4, List.of("Y")).output("Y");
    for (int known : new int[] {1, 14, Graph.NEWEST_OPSET}) {
      assertThat(names(open(graph.model(known)))).hasSize(1);
    }
    for (int unknown : new int[] {-1, 0}) {
      assertThatThrownBy(() -> open(graph.model(unknown)))
          .isInstanceOf(UnsupportedOnnxException.class)
          .hasMessage(
              "net.onnx: is for version %d of ONNX's operators (opset_import); the first is 1"
                  .formatted(unknown));
    }
    assertThat(open(graph.model(Graph.NEWEST_OPSET)).network().accounts())
        .noneMatch(account -> account.part() == Account.Part.OPERATORS);
    assertThat(open(graph.model(Graph.NEWEST_OPSET + 1)).network().accounts())
        .anyMatch(account -> account.toString().startsWith("operators \"24\": a version newer"));
    OperatorSetIdProto.Builder again = OperatorSetIdProto.newBuilder().setDomain("ai.onnx");
    ModelProto twice = graph.model(14).toBuilder().addOpsetImport(again.setVersion(9)).build();
    assertThatThrownBy(() -> open(twice))
        .isInstanceOf(OnnxFormatException.class)
        .hasMessageContaining("names two versions of ONNX's operators (opset_import), 14 and 9");
    assertThat(
            names(open(graph.model(14).toBuilder().addOpsetImport(again.setVersion(14)).build())))
        .hasSize(1);
  }

  @Test
  void aLastStepIsSaid() {
    OnnxGraph graph = gru(input(), "X", 5, 4, List.of("Y", "H"));
    graph.constant(OnnxGraph.longs("axes", 0)).node("Squeeze", "S", "H", "axes");
    OnnxFile file = open(graph.node("Tanh", "P", "S").output("P"));
    assertThat(texts(file))
        .contains("output \"P\": the answer of layer tanh_P, at its last step only");
  }

  @Test
  void aResidualIsNoBias() {
    OnnxGraph graph = new OnnxGraph().input("X", STEPS, 1, 4);
    squeezed(gru(graph, "X", 4, 4, List.of("Y")), "Y", "s");
    isUnsupported(
        graph.node("Add", "Z", "s", "X").output("Z"),
        "node \"add_Z\" (Add): adds the graph's input \"X\"",
        "residual");
    OnnxGraph other = new OnnxGraph().input("X", STEPS, 1, 4).input("E", STEPS, 1, 4);
    squeezed(gru(other, "X", 4, 4, List.of("Y")), "Y", "s");
    isUnsupported(
        other.node("Add", "Z", "E", "s").output("Z"), "its bias (\"E\") is an input of the graph");
  }

  @Test
  void namesThatAreGivenTwice() {
    isMalformed(
        gru(input(), "X", 5, 4, List.of("Y")).output("Y").output("Y"), "has an output twice");
    isMalformed(
        gru(input().input("X", 1, 1, 5), "X", 5, 4, List.of("Y")).output("Y"),
        "two inputs of the graph are called \"X\"");
    isMalformed(
        gru(input(), "X", 5, 4, List.of("Y"))
            .constant(tensor("YW", 1, 12, 5))
            .constant(zeros("YW", 1, 12, 5))
            .output("Y"),
        "two different tensors are called \"YW\"");
    isMalformed(
        gru(input(), "X", 5, 4, List.of("Y")).constant(zeros("Y", 1)).output("Y"),
        "gives value \"Y\", which is an initializer too");
  }

  @Test
  void nodesAreNamedAsTheyAreAskedFor() {
    OnnxFile file = open(gru(input(), "X", 5, 4, List.of("Y")).output("Y"));
    assertThatThrownBy(() -> file.recurrent("nowhere"))
        .hasMessageContaining("it has \"gru_Y\" (GRU)")
        .hasMessageNotContaining("Node[");
  }
}
