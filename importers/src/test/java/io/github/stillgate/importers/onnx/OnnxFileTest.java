package io.github.stillgate.importers.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.importers.onnx.generated.ChainCases;
import io.github.stillgate.importers.onnx.generated.GeneratedCase;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import io.github.stillgate.importers.onnx.generated.RecurrentSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Graphs become layers. */
class OnnxFileTest {
  @TempDir Path folder;

  private OnnxFile open(ModelProto model) throws Exception {
    Path path = folder.resolve("model.onnx");
    Files.write(path, model.toByteArray());
    return OnnxFile.open(path);
  }

  static List<GeneratedCase> chains() {
    return ChainCases.all();
  }

  @ParameterizedTest
  @MethodSource("chains")
  void everyChainIsAModelThatPlansAndSavesAndLoads(GeneratedCase chain) throws Exception {
    Model model = open(chain.model()).model();
    Path saved = folder.resolve("saved.safetensors");
    model.save(saved);
    assertThat(Model.load(saved).fingerprint()).isEqualTo(model.fingerprint());
    try (Plan plan = Plan.compile(model);
        Sequence sequence = Sequence.open(plan)) {
      assertThat(sequence.run(new float[3][model.inputs()])).hasDimensions(3, model.outputs());
    }
  }

  @Test
  void aProductItsBiasAndASoftmaxAreOneLayer() throws Exception {
    ModelProto proto = ChainCases.classifierAtEveryStep().model();
    OnnxFile file = open(proto);
    Model model = file.model();
    assertThat(file.answer()).isEqualTo(OnnxFile.Answer.EVERY_STEP);
    assertThat(model.layers()).hasSize(2);
    assertThat(model.layers().get(0)).isInstanceOf(Lstm.class);
    Dense dense = (Dense) model.layers().get(1);
    assertThat(dense.activation()).isEqualTo(Activation.SOFTMAX);
    float[] kernel = values(proto, "S_K");
    float[] bias = values(proto, "S_b");
    for (int out = 0; out < 7; out++) {
      assertThat(dense.b().at(out, 0)).isEqualTo(bias[out]);
      for (int in = 0; in < 5; in++) {
        assertThat(dense.w().at(out, in)).isEqualTo(kernel[in * 7 + out]);
      }
    }
  }

  private static float[] values(ModelProto model, String name) {
    TensorProto tensor =
        model.getGraph().getInitializerList().stream()
            .filter(t -> t.getName().equals(name))
            .findFirst()
            .orElseThrow();
    return OnnxTensor.of(Path.of("test"), "", name, tensor).floats();
  }

  @Test
  void theWholeChainIsItsStepsInFloat64() throws Exception {
    ModelProto proto = ChainCases.classifierAtEveryStep().model();
    Model model = open(proto).model();
    float[][] x = new float[6][4];
    for (int t = 0; t < 6; t++) {
      Arrays.fill(x[t], 0.3f * t - 1);
    }
    try (Plan whole = Plan.compile(model);
        Plan first = Plan.compile(new Model(List.of(model.layers().get(0))));
        Sequence all = Sequence.open(whole);
        Sequence lstm = Sequence.open(first)) {
      float[][] p = all.run(x);
      float[][] h = lstm.run(x);
      float[] kernel = values(proto, "S_K");
      float[] bias = values(proto, "S_b");
      for (int t = 0; t < 6; t++) {
        double[] e = new double[7];
        for (int out = 0; out < 7; out++) {
          double sum = bias[out];
          for (int in = 0; in < 5; in++) {
            sum += (double) kernel[in * 7 + out] * h[t][in];
          }
          e[out] = Math.exp(sum);
        }
        for (int out = 0; out < 7; out++) {
          assertThat((double) p[t][out]).isCloseTo(e[out] / Arrays.stream(e).sum(), within(2e-6));
        }
      }
    }
  }

  @Test
  void theLastStateIsTheOutputAtTheLastStep() throws Exception {
    OnnxFile forward = open(chain("last state, forward").model());
    assertThat(forward.answer()).isEqualTo(OnnxFile.Answer.LAST_STEP);
    assertThat(forward.model().layers().get(0)).isInstanceOf(Gru.class);
    OnnxFile reverse = open(chain("last state, reverse").model());
    assertThat(reverse.answer()).isEqualTo(OnnxFile.Answer.FIRST_STEP);
    assertThat(reverse.model().layers().get(0)).isInstanceOf(Backward.class);
  }

  private static GeneratedCase chain(String name) {
    return ChainCases.all().stream().filter(c -> c.name().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void oneRecurrentNodeComesOutOfAnyGraph() throws Exception {
    RecurrentSpec spec = RecurrentSpec.of("LSTM").with("direction", "bidirectional").with("P");
    ModelProto.Builder model = spec.toCase().model().toBuilder();
    OnnxGraph strange = new OnnxGraph().node("Attention", "A", "Y");
    model.getGraphBuilder().addNode(strange.model().getGraph().getNode(0));
    model.getGraphBuilder().getOutputBuilder(0).setName("A");
    OnnxFile file = open(model.build());
    assertThat(file.nodes())
        .containsExactly(
            new OnnxFile.Node("lstm_Y_Y_h_Y_c", "LSTM"),
            new OnnxFile.Node("attention_A", "Attention"));
    assertThat(file.recurrentNodes()).hasSize(1);
    Model one = file.recurrent("lstm_Y_Y_h_Y_c");
    assertThat(one.layers()).hasSize(1);
    Bidirectional pair = (Bidirectional) one.layers().get(0);
    assertThat(pair.forward().name()).isEqualTo("forward");
    assertThat(pair.backward().name()).isEqualTo("backward");
    assertThat(((Lstm) pair.backward()).peepholes()).isPresent();
    assertThatThrownBy(file::model)
        .isInstanceOf(UnsupportedOnnxException.class)
        .hasMessageContaining("node \"attention_A\" (Attention)")
        .hasMessageContaining("supported are [Add, BatchNormalization, Cast");
    assertThatThrownBy(() -> file.recurrent("attention_A"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no recurrent node is named \"attention_A\"")
        .hasMessageContaining("lstm_Y_Y_h_Y_c");
  }

  @Test
  void nodesWithoutNamesAreCalledAfterOperatorAndPosition() throws Exception {
    ModelProto.Builder model = RecurrentSpec.of("GRU").toCase().model().toBuilder();
    model.getGraphBuilder().getNodeBuilder(0).clearName();
    OnnxFile file = open(model.build());
    assertThat(file.recurrentNodes()).containsExactly(new OnnxFile.Node("GRU_0", "GRU"));
    assertThat(file.model().layers().get(0).name()).isEqualTo("GRU_0");
  }

  @Test
  void statesTheGraphTakesAreStatesToSet() throws Exception {
    Model model = open(RecurrentSpec.of("RNN").with("initial_h").toCase().model()).model();
    try (Plan plan = Plan.compile(model);
        Session session = Session.open(plan)) {
      session.state("rnn_Y_Y_h.h", new float[] {0.1f, 0.2f, 0.3f, 0.4f, 0.5f});
      assertThat(session.state("rnn_Y_Y_h.h")).startsWith(0.1f, 0.2f);
    }
  }

  @Test
  void weightsMayBeOfAnyFloatingType() throws Exception {
    OnnxFile single = open(RecurrentSpec.of("RNN").toCase().model());
    float[] bias = new float[10];
    Arrays.fill(bias, 0.5f);
    long fingerprint = withBias(OnnxGraph.tensor("B", new long[] {1, 10}, bias));
    assertThat(single.model().fingerprint()).isNotEqualTo(fingerprint);
    TensorProto.Builder empty = TensorProto.newBuilder().setName("B").addDims(1).addDims(10);
    TensorProto.Builder floats = empty.clone().setDataType(TensorProto.DataType.FLOAT_VALUE);
    TensorProto.Builder doubles = empty.clone().setDataType(TensorProto.DataType.DOUBLE_VALUE);
    TensorProto.Builder halves = empty.clone().setDataType(TensorProto.DataType.FLOAT16_VALUE);
    TensorProto.Builder brains = empty.clone().setDataType(TensorProto.DataType.BFLOAT16_VALUE);
    for (float value : bias) {
      floats.addFloatData(value);
      doubles.addDoubleData(value);
      halves.addInt32Data(Float.floatToFloat16(value));
      brains.addInt32Data(Float.floatToIntBits(value) >>> 16);
    }
    TensorProto.Builder rawDoubles = raw(doubles, 8, bytes -> bytes.putDouble(0.5));
    TensorProto.Builder rawHalves =
        raw(halves, 2, bytes -> bytes.putShort(Float.floatToFloat16(0.5f)));
    for (TensorProto.Builder tensor :
        List.of(floats, doubles, halves, brains, rawDoubles, rawHalves)) {
      assertThat(withBias(tensor.build())).isEqualTo(fingerprint);
    }
  }

  private static TensorProto.Builder raw(
      TensorProto.Builder tensor, int size, Consumer<ByteBuffer> put) {
    ByteBuffer bytes = ByteBuffer.allocate(10 * size).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 10; i++) {
      put.accept(bytes);
    }
    return tensor
        .clone()
        .clearInt32Data()
        .clearDoubleData()
        .setRawData(ByteString.copyFrom(bytes.array()));
  }

  @Test
  void constantNodesAreConstants() throws Exception {
    ModelProto stored = RecurrentSpec.of("RNN").toCase().model();
    OnnxGraph graph = new OnnxGraph().input("X", 6, 3, 4);
    for (TensorProto tensor : stored.getGraph().getInitializerList()) {
      String inner = tensor.getName() + "_inner";
      graph
          .node("Constant", List.of(), List.of(inner), Map.of("value", tensor))
          .node("Identity", tensor.getName(), inner);
    }
    graph.node("RNN", "Y", "X", "W", "R").output("Y");
    assertThat(open(graph.model()).model().fingerprint())
        .isEqualTo(open(stored).model().fingerprint());
  }

  /** As exporters give the last states of all layers in one. */
  @Test
  void outputsMadeOfStatesNeedNoLayer() throws Exception {
    ModelProto.Builder model = chain("two layers of cut sequences").model().toBuilder();
    OnnxGraph states =
        new OnnxGraph().node("Concat", List.of("H1", "H1"), List.of("all"), Map.of("axis", 0));
    model.getGraphBuilder().addNode(states.model().getGraph().getNode(0));
    model.getGraphBuilder().getOutputBuilder(1).setName("all");
    assertThat(open(model.build()).model().layers()).hasSize(2);
  }

  private long withBias(TensorProto bias) throws Exception {
    OnnxGraph graph = new OnnxGraph().input("X", 6, 3, 4);
    for (TensorProto tensor :
        RecurrentSpec.of("RNN").toCase().model().getGraph().getInitializerList()) {
      graph.constant(tensor);
    }
    graph
        .constant(bias)
        .node("RNN", List.of("X", "W", "R", "B"), List.of("Y"), Map.of("hidden_size", 5))
        .output("Y");
    return open(graph.model()).model().fingerprint();
  }
}
