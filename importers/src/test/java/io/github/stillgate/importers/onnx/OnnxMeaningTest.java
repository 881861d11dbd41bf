package io.github.stillgate.importers.onnx;

import static io.github.stillgate.importers.onnx.GruGraphs.BATCH;
import static io.github.stillgate.importers.onnx.GruGraphs.STEPS;
import static io.github.stillgate.importers.onnx.GruGraphs.gru;
import static io.github.stillgate.importers.onnx.GruGraphs.input;
import static io.github.stillgate.importers.onnx.GruGraphs.isMalformed;
import static io.github.stillgate.importers.onnx.GruGraphs.lstm;
import static io.github.stillgate.importers.onnx.GruGraphs.names;
import static io.github.stillgate.importers.onnx.GruGraphs.open;
import static io.github.stillgate.importers.onnx.GruGraphs.squeezed;
import static io.github.stillgate.importers.onnx.GruGraphs.tensor;
import static io.github.stillgate.importers.onnx.GruGraphs.texts;
import static io.github.stillgate.importers.onnx.GruGraphs.zeros;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.FunctionProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Graph.Node;
import io.github.stillgate.core.model.Graph.Value;
import io.github.stillgate.core.model.InitialState;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import io.github.stillgate.importers.onnx.generated.RecurrentSpec;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The network that a graph means, or a refusal that names what would be lost. */
class OnnxMeaningTest {
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

  @Test
  void aStackEndsWithTheLayerWhoseStateIsTheOutput() {
    OnnxGraph graph = gru(input(), "X", 5, 4, List.of("ya", "ha"));
    gru(squeezed(graph, "ya", "s"), "s", 4, 6, List.of("", "hb"));
    assertThat(names(open(graph.output("ha")))).containsExactly("gru_ya_ha");
    assertThat(names(open(graph.output("hb")))).containsExactly("gru_ya_ha", "gru__hb");
  }

  @Test
  void nodesSideBySideAreAGraph() {
    OnnxGraph graph = gru(input(), "X", 5, 4, List.of("", "ha"));
    gru(graph, "X", 5, 6, List.of("", "hb"));
    OnnxFile side = open(graph.output("ha").output("hb"));
    assertThat(side.model().graph().outputs()).containsExactly("ha", "hb");
    assertThat(side.answer()).isEqualTo(OnnxFile.Answer.LAST_STEP);
    OnnxGraph twoInputs = input().input("X2", STEPS, BATCH, 5);
    gru(twoInputs, "X", 5, 4, List.of("", "ha"));
    gru(twoInputs, "X2", 5, 6, List.of("", "hb"));
    Model two = open(twoInputs.output("hb").output("ha")).model();
    assertThat(two.graph().inputs()).extracting(Value::name).containsExactly("X", "X2");
    assertThat(two.graph().outputs()).containsExactly("hb", "ha");
  }

  @Test
  void aStateOfANodeBesideTheChainIsNotLost() {
    OnnxGraph graph = gru(input(), "X", 5, 4, List.of("Y", ""));
    squeezed(graph, "Y", "out").output("out");
    gru(graph, "X", 5, 6, List.of("", "hb"));
    assertThat(names(open(graph))).containsExactly("gru_Y_");
    assertThat(open(graph.output("hb")).model().graph().outputs()).containsExactly("out", "hb");
    // The same within a joint of states.
    OnnxGraph joint = gru(input(), "X", 5, 4, List.of("Y", "ha")).output("Y");
    gru(joint, "X", 5, 4, List.of("", "hb"));
    joint.node("Concat", List.of("ha", "hb"), List.of("h"), Map.of("axis", 0)).output("h");
    assertThat(open(joint).model().graph().outputs()).containsExactly("Y", "h");
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
            "input \"initial_h\": states lstm_Y_Y_h_Y_c.forward.h (initial_h[0]),"
                + " lstm_Y_Y_h_Y_c.backward.h (initial_h[1]), to set; zero after a reset; output"
                + " \"Y_h\" gives them back in the same places",
            "output \"Y\": the answer of layer lstm_Y_Y_h_Y_c, at every step",
            "output \"Y_h\": states lstm_Y_Y_h_Y_c.forward.h (Y_h[0]), lstm_Y_Y_h_Y_c.backward.h"
                + " (Y_h[1])",
            "output \"Y_c\": states lstm_Y_Y_h_Y_c.forward.c (Y_c[0]), lstm_Y_Y_h_Y_c.backward.c"
                + " (Y_c[1])",
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

  /**
   * Learned states of both directions, beyond what the equations reach; [2, 3, 4] and [3, 2, 4].
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aConstantStateIsWhereStreamsBegin(boolean batchFirst) {
    float[] values = new float[24];
    for (int i = 0; i < values.length; i++) {
      int direction = batchFirst ? i / 4 % 2 : i / 12;
      values[i] = direction == 0 ? 0.5f + i % 4 : -0.25f * (i % 4);
    }
    long[] shape = batchFirst ? new long[] {3, 2, 4} : new long[] {2, 3, 4};
    OnnxGraph graph =
        (batchFirst ? new OnnxGraph().input("X", BATCH, STEPS, 5) : input())
            .constant(tensor("W", 2, 16, 5))
            .constant(tensor("R", 2, 16, 4))
            .constant(OnnxGraph.tensor("h0", shape, values));
    OnnxFile file =
        open(
            graph
                .node(
                    "LSTM",
                    List.of("X", "W", "R", "", "", "h0"),
                    List.of("Y"),
                    Map.of(
                        "hidden_size",
                        4,
                        "direction",
                        "bidirectional",
                        "layout",
                        batchFirst ? 1 : 0))
                .output("Y"));
    assertThat(file.network().model().layers().getFirst())
        .isInstanceOfSatisfying(
            Bidirectional.class,
            pair -> {
              InitialState forward = pair.forward().initialState();
              assertThat(forward.h().orElseThrow().toArray())
                  .containsExactly(0.5f, 1.5f, 2.5f, 3.5f);
              assertThat(forward.c()).isEmpty();
              assertThat(pair.backward().initialState().h().orElseThrow().toArray())
                  .containsExactly(-0f, -0.25f, -0.5f, -0.75f);
            });
    assertThat(texts(file))
        .contains("state \"lstm_Y.forward.h\": the constant \"h0\" after a reset");
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
  void aResidualIsASumOfTwoValues() {
    OnnxGraph graph = new OnnxGraph().input("X", STEPS, 1, 4);
    squeezed(gru(graph, "X", 4, 4, List.of("Y")), "Y", "s");
    Model residual = open(graph.node("Add", "Z", "s", "X").output("Z")).model();
    assertThat(residual.graph().nodes().getLast())
        .isEqualTo(new Node(new Combine("Z", 4, Combine.Kind.ADD), List.of("gru_Y", "X")));
    OnnxGraph other = new OnnxGraph().input("X", STEPS, 1, 4).input("E", STEPS, 1, 4);
    squeezed(gru(other, "X", 4, 4, List.of("Y")), "Y", "s");
    assertThat(open(other.node("Add", "Z", "E", "s").output("Z")).model().graph().inputs())
        .extracting(Value::name)
        .containsExactly("X", "E");
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
