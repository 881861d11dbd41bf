package io.github.stillgate.importers.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.importers.onnx.generated.GeneratedCase;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import io.github.stillgate.importers.onnx.generated.OnnxReference;
import io.github.stillgate.importers.onnx.generated.RecurrentSpec;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every refusal names the file and the node, what was found and what was expected. */
class OnnxRefusalTest {
  @TempDir Path folder;

  private Path write(byte[] bytes) throws Exception {
    Path path = folder.resolve("model.onnx");
    Files.write(path, bytes);
    return path;
  }

  private void refuses(ModelProto model, Class<? extends Exception> type, String... parts)
      throws Exception {
    Path path = write(model.toByteArray());
    assertThatThrownBy(() -> OnnxFile.open(path).model())
        .isInstanceOf(type)
        .hasMessageContainingAll(parts)
        .hasMessageStartingWith(path + ": ");
  }

  private void isMalformed(ModelProto model, String... parts) throws Exception {
    refuses(model, OnnxFormatException.class, parts);
  }

  private void isUnsupported(ModelProto model, String... parts) throws Exception {
    refuses(model, UnsupportedOnnxException.class, parts);
  }

  private static ModelProto with(RecurrentSpec spec, Consumer<ModelProto.Builder> change) {
    ModelProto.Builder model = spec.toCase().model().toBuilder();
    change.accept(model);
    return model.build();
  }

  private static ModelProto withTensor(
      RecurrentSpec spec, String name, Consumer<TensorProto.Builder> change) {
    return with(
        spec,
        model -> {
          for (TensorProto.Builder tensor : model.getGraphBuilder().getInitializerBuilderList()) {
            if (tensor.getName().equals(name)) {
              change.accept(tensor);
            }
          }
        });
  }

  private static Consumer<TensorProto.Builder> shape(long... shape) {
    return tensor -> {
      int size = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
      tensor.clearDims().addAllDims(Arrays.stream(shape).boxed().toList());
      tensor.setRawData(ByteString.copyFrom(new byte[4 * size]));
    };
  }

  private static final RecurrentSpec GRU = RecurrentSpec.of("GRU").with("B");
  private static final RecurrentSpec LSTM = RecurrentSpec.of("LSTM").with("B").with("P");

  @Test
  void aFileCutAnywhere() throws Exception {
    byte[] whole = LSTM.toCase().model().toByteArray();
    for (int length = 0; length < whole.length; length += 1 + length / 20) {
      Path path = write(Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> OnnxFile.open(path).model())
          .as("%d of %d bytes", length, whole.length)
          .isInstanceOf(OnnxFormatException.class)
          .hasMessageStartingWith(path + ": ");
    }
    Path half = write(Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> OnnxFile.open(half)).hasMessageContaining("truncated");
  }

  @Test
  void aFileThatIsNoModel() throws Exception {
    Path text = write("layers: 3".getBytes(StandardCharsets.UTF_8));
    assertThatThrownBy(() -> OnnxFile.open(text)).isInstanceOf(OnnxFormatException.class);
    Path empty = write(new byte[0]);
    assertThatThrownBy(() -> OnnxFile.open(empty)).hasMessageContaining("holds no graph");
    isMalformed(with(GRU, ModelProto.Builder::clearOpsetImport), "opset_import");
  }

  @Test
  void weightsOfAWrongShape() throws Exception {
    isMalformed(
        withTensor(GRU, "W", shape(1, 20, 4)),
        "node \"gru_Y_Y_h\" (GRU)",
        "(GRU): W is tensor \"W\" of shape [1, 20, 4], expected [1, 15, inputs]: 1 direction, 3 gates of 5 units");
    isMalformed(
        withTensor(GRU, "W", shape(1, 4, 15)), "[1, 4, 15]", "[1, 15, inputs]", "looks transposed");
    isMalformed(withTensor(GRU, "W", shape(15, 4)), "[15, 4]", "[1, 15, inputs]");
    isMalformed(withTensor(GRU, "W", shape(1, 15, 3)), "W reads 3 values a step, X gives 4");
    isMalformed(
        withTensor(LSTM, "R", shape(1, 15, 5)),
        "node \"lstm_Y_Y_h_Y_c\" (LSTM)",
        "R is",
        "[1, 15, 5], expected [1, 20, 5]");
    isMalformed(withTensor(LSTM, "B", shape(1, 20)), "B is", "[1, 20], expected [1, 40]");
    isMalformed(withTensor(LSTM, "P", shape(1, 20)), "P is", "[1, 20], expected [1, 15]");
    isMalformed(
        with(
            GRU.with("direction", "bidirectional"),
            model -> shape(1, 15, 4).accept(model.getGraphBuilder().getInitializerBuilder(0))),
        "[1, 15, 4], expected [2, 15, inputs]: 2 directions");
  }

  @Test
  void tensorsThatAreNotWhatTheySay() throws Exception {
    isMalformed(
        withTensor(GRU, "W", t -> t.setDataType(TensorProto.DataType.INT64_VALUE)),
        "node \"gru_Y_Y_h\" (GRU)",
        "tensor \"W\"",
        "is INT64, expected FLOAT");
    isMalformed(
        withTensor(GRU, "W", t -> t.setRawData(ByteString.copyFrom(new byte[7]))),
        "(GRU): tensor \"W\"",
        "has 7 bytes, expected 240");
    isMalformed(
        withTensor(GRU, "W", t -> t.clearRawData().addFloatData(1)),
        "has 1 values of FLOAT, expected 60");
    isMalformed(withTensor(GRU, "W", t -> t.setDims(1, -15)), "-15", "sizes from 1 on");
    isMalformed(
        withTensor(
            GRU,
            "W",
            t ->
                t.clearRawData()
                    .setDataLocation(TensorProto.DataLocation.EXTERNAL)
                    .addExternalData(
                        StringStringEntryProto.newBuilder()
                            .setKey("location")
                            .setValue("weights.bin"))),
        "tensor \"W\"",
        "external data",
        "weights.bin, which is not there",
        "save_as_external_data=False");
    isMalformed(
        withTensor(
            GRU,
            "B",
            t -> {
              byte[] bytes = t.getRawData().toByteArray();
              Arrays.fill(bytes, 0, 4, (byte) 0xff);
              t.setRawData(ByteString.copyFrom(bytes));
            }),
        "(GRU)",
        "NaN",
        "must be finite");
  }

  @Test
  void attributesThatAreNotSupported() throws Exception {
    isUnsupported(
        GRU.with("output_sequence", 1).toCase().model(),
        "node \"gru_Y_Y_h\" (GRU): attribute output_sequence is not supported",
        "supported are [activation_alpha");
    isUnsupported(GRU.with("input_forget", 1).toCase().model(), "attribute input_forget", "(GRU)");
    isUnsupported(
        GRU.with("activations", List.of("Sigmoid", "Swish")).toCase().model(),
        "(GRU): activation Swish is not supported; supported are Affine");
    isUnsupported(
        LSTM.with("activations", List.of("Tanh", "Tanh", "Tanh")).toCase().model(),
        "its gates (the first activation) lie within [-1.0, 1.0]",
        "supported are");
    isMalformed(
        GRU.with("direction", "sideways").toCase().model(),
        "direction is \"sideways\", expected forward, reverse or bidirectional");
    isMalformed(GRU.with("direction", 1).toCase().model(), "direction is of type INT");
    isMalformed(GRU.with("layout", 2).toCase().model(), "layout is 2, expected 0 or 1");
    isMalformed(GRU.with("clip", -1f).toCase().model(), "clip is -1.0");
    isMalformed(
        GRU.with("activations", List.of("Sigmoid")).toCase().model(), "expected 2 for each of 1");
    isMalformed(
        GRU.with("activation_alpha", List.of(0.5f)).toCase().model(), "activation_alpha [0.5]");
    isMalformed(
        GRU.with("activations", List.of("Sigmoid", "ScaledTanh")).toCase().model(),
        "ScaledTanh has no constant in activation_alpha");
  }

  @Test
  void weightsThatAreNoConstants() throws Exception {
    isUnsupported(
        with(GRU, model -> model.getGraphBuilder().removeInitializer(0)),
        "(GRU): W (\"W\") is not in the file; supported are constants");
    isUnsupported(
        with(
            GRU,
            model ->
                model
                    .getGraphBuilder()
                    .removeInitializer(0)
                    .addNode(0, node("DequantizeLinear", "W", "X"))),
        "W (\"W\") is computed by node \"DequantizeLinear_0\" (DequantizeLinear)");
  }

  private static NodeProto node(String operator, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(operator)
        .addAllInput(List.of(inputs))
        .addOutput(output)
        .build();
  }

  /** A GRU whose Y goes through more nodes. */
  private static OnnxGraph behind(String direction, Map<String, ?> attributes) {
    RecurrentSpec spec = RecurrentSpec.of("GRU").with("direction", direction);
    OnnxGraph graph = new OnnxGraph().input("X", 6, 3, 4);
    spec.toCase().model().getGraph().getInitializerList().forEach(graph::constant);
    Map<String, Object> all = new HashMap<>(attributes);
    all.put("direction", direction);
    return graph.node("GRU", List.of("X", "W", "R"), List.of("Y", "H"), all).output("Z");
  }

  private static OnnxGraph behind() {
    return behind("forward", Map.of());
  }

  @Test
  void operatorsThatAreNotSupported() throws Exception {
    isUnsupported(
        behind().node("Attention", "Z", "Y").model(),
        "node \"attention_Z\" (Attention)",
        "supported are [Add, BatchNormalization, Cast");
    isUnsupported(
        with(GRU, model -> model.getGraphBuilder().getNodeBuilder(0).setDomain("com.example")),
        "(com.example.GRU)");
    isUnsupported(
        behind().node("Gather", "Z", "W", "Y").model(),
        "node \"gather_Z\" (Gather): takes rows of a constant by what was computed");
    isUnsupported(
        behind().node("Cast", List.of("Y"), List.of("Z"), Map.of("to", 7)).model(),
        "casts to type 7; supported is 1 (FLOAT)");
    isUnsupported(
        behind().node("Softmax", List.of("Y"), List.of("Z"), Map.of("axis", 0)).model(),
        "softmax over axis 0 of 4");
    isMalformed(
        behind().constant(OnnxGraph.longs("a", 0)).node("Squeeze", "Z", "Y", "a").model(),
        "removes dimension 0 of [6, 1, 3, 5]");
    isUnsupported(
        behind().constant(OnnxGraph.longs("s", 9, 10)).node("Reshape", "Z", "Y", "s").model(),
        "[6, 1, 3, 5] to [9, 10] cuts");
    isUnsupported(behind().node("MatMul", "Z", "W", "Y").model(), "reads the constant \"W\"");
    isUnsupported(
        behind("bidirectional", Map.of())
            .constant(OnnxGraph.tensor("K", new long[] {5, 2}, new float[10]))
            .node("MatMul", "Z", "Y", "K")
            .model(),
        "not the whole output of a step (10 values)");
    isUnsupported(
        behind("bidirectional", Map.of()).node("Tanh", "Z", "H").model(),
        "last states (Y_h) of both directions");
    isUnsupported(
        behind().node("Tanh", "T", "Y").output("T").node("Hardmax", "Z", "Y").model(),
        "node \"hardmax_Z\" (Hardmax)");
    isMalformed(
        behind().node("Relu", "Z", "B0").node("Relu", "B0", "Y").model(),
        "reads \"B0\" before node");
  }

  @Test
  void constantStatesThatDifferBetweenStreams() throws Exception {
    RecurrentSpec spec = RecurrentSpec.of("RNN").with("initial_h");
    TensorProto state = spec.toCase().inputs().get(1);
    isUnsupported(
        with(spec, model -> model.getGraphBuilder().addInitializer(state)),
        "(RNN): initial_h is the constant",
        "which differs between streams",
        "Session.state");
  }

  private OnnxCase.Outcome outcome(RecurrentSpec spec, String file, byte[] bytes) throws Exception {
    Path written = spec.toCase().write(folder.resolve("case"), OnnxReference.outputs(spec));
    Files.write(written.resolve("test_data_set_0").resolve(file), bytes);
    return new OnnxCase(written).run(PlanOptions.defaults(), 1e-5);
  }

  @Test
  void caseFilesThatDoNotFit() throws Exception {
    RecurrentSpec cut = RecurrentSpec.of("GRU").with("sequence_lens").with("initial_h");
    assertThat(outcome(cut, "input_0.pb", new byte[] {8, 6, 8}).toString())
        .startsWith("Failed")
        .contains("input_0.pb: truncated, or not a TensorProto");
    assertThat(outcome(cut, "input_1.pb", OnnxGraph.ints("l", 6, 7, 1).toByteArray()).toString())
        .startsWith("Failed")
        .contains("sequence_lens[1] is 7, expected 0 to 6");
    assertThat(outcome(cut, "input_1.pb", OnnxGraph.ints("l", 6, 1).toByteArray()).toString())
        .startsWith("Failed")
        .contains("expected 3 lengths");
    byte[] floats = OnnxGraph.tensor("l", new long[] {3}, 1, 2, 3).toByteArray();
    assertThat(outcome(cut, "input_1.pb", floats).toString())
        .startsWith("Failed")
        .contains("is FLOAT, expected INT32 or INT64");
    byte[] state = OnnxGraph.tensor("h", new long[] {3, 1, 5}, new float[15]).toByteArray();
    state[state.length - 1] = 1;
    assertThat(outcome(cut, "input_2.pb", state).toString())
        .startsWith("Failed")
        .contains("initial_h is \"initial_h\" of shape [3, 1, 5], expected [1, 3, 5]");
    byte[] flat = OnnxGraph.tensor("X", new long[] {18, 4}, new float[72]).toByteArray();
    assertThat(outcome(cut, "input_0.pb", flat).toString())
        .startsWith("Failed")
        .contains("X has shape [18, 4], expected three sizes [steps, batch, inputs]");
    byte[] y = OnnxGraph.tensor("Y", new long[] {6, 3, 5}, new float[90]).toByteArray();
    assertThat(outcome(cut, "output_0.pb", y).toString())
        .startsWith("Failed")
        .contains("output \"Y\" has shape [6, 1, 3, 5], expected is");
  }

  /** The dense layer would go on behind the end of a sequence. */
  @Test
  void sequencesCutShortBeforeADenseLayer() throws Exception {
    OnnxGraph graph =
        new OnnxGraph()
            .input("X", 6, 3, 4)
            .typedInput("lengths", TensorProto.DataType.INT32_VALUE, 3);
    RecurrentSpec.of("RNN")
        .toCase()
        .model()
        .getGraph()
        .getInitializerList()
        .forEach(graph::constant);
    graph
        .node("RNN", List.of("X", "W", "R", "", "lengths"), List.of("Y"), Map.of())
        .node("Sigmoid", "Z", "Y")
        .output("Z");
    List<TensorProto> inputs =
        List.of(
            OnnxGraph.tensor("X", new long[] {6, 3, 4}, new float[72]),
            OnnxGraph.ints("lengths", 6, 5, 6));
    TensorProto z = OnnxGraph.tensor("Z", new long[] {6, 1, 3, 5}, new float[90]);
    Path written =
        new GeneratedCase("cut", graph.model(), inputs).write(folder.resolve("case"), List.of(z));
    OnnxCase.Outcome outcome = new OnnxCase(written).run(PlanOptions.defaults(), 1e-5);
    assertThat(outcome.toString())
        .startsWith("Unsupported")
        .contains("layer sigmoid_Z goes on behind its end");
  }
}
