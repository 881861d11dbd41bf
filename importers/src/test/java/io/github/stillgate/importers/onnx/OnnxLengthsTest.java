package io.github.stillgate.importers.onnx;

import static io.github.stillgate.importers.onnx.GruGraphs.BATCH;
import static io.github.stillgate.importers.onnx.GruGraphs.STEPS;
import static io.github.stillgate.importers.onnx.GruGraphs.gru;
import static io.github.stillgate.importers.onnx.GruGraphs.input;
import static io.github.stillgate.importers.onnx.GruGraphs.isMalformed;
import static io.github.stillgate.importers.onnx.GruGraphs.isUnsupported;
import static io.github.stillgate.importers.onnx.GruGraphs.lstm;
import static io.github.stillgate.importers.onnx.GruGraphs.names;
import static io.github.stillgate.importers.onnx.GruGraphs.open;
import static io.github.stillgate.importers.onnx.GruGraphs.squeezed;
import static io.github.stillgate.importers.onnx.GruGraphs.texts;
import static io.github.stillgate.importers.onnx.GruGraphs.zeros;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Lengths of sequences that a graph states, takes or computes. */
class OnnxLengthsTest {
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
    OnnxGraph computed = input().typedInput("some", TensorProto.DataType.INT32_VALUE, BATCH);
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
}
