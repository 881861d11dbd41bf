package io.github.stillgate.importers.onnx;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Small graphs of GRUs, and what the tests ask of them. */
final class GruGraphs {
  private GruGraphs() {}

  static final int STEPS = 9;
  static final int BATCH = 3;

  static OnnxFile open(OnnxGraph graph) {
    return open(graph.model());
  }

  static OnnxFile open(ModelProto model) {
    return OnnxFile.parse(Path.of("net.onnx"), model.toByteArray());
  }

  static List<String> names(OnnxFile file) {
    return file.model().layers().stream().map(Layer::name).toList();
  }

  /** A GRU called after its outputs. */
  static OnnxGraph gru(
      OnnxGraph graph, String from, int inputs, int units, List<String> to, String... more) {
    String key = String.join("", to);
    graph.constant(tensor(key + "W", 1, 3L * units, inputs));
    graph.constant(tensor(key + "R", 1, 3L * units, units));
    List<String> read = new ArrayList<>(List.of(from, key + "W", key + "R"));
    read.addAll(List.of(more));
    return graph.node("GRU", read, to, Map.of("hidden_size", units));
  }

  static TensorProto tensor(String name, long... shape) {
    float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    Arrays.fill(values, 0.25f);
    return OnnxGraph.tensor(name, shape, values);
  }

  static TensorProto zeros(String name, long... shape) {
    return OnnxGraph.tensor(
        name, shape, new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)]);
  }

  static OnnxGraph input() {
    return new OnnxGraph().input("X", STEPS, BATCH, 5);
  }

  static OnnxGraph squeezed(OnnxGraph graph, String from, String to) {
    return graph.constant(OnnxGraph.longs(to + "_axes", 1)).node("Squeeze", to, from, to + "_axes");
  }

  static void isUnsupported(OnnxGraph graph, String... parts) {
    assertThatThrownBy(() -> open(graph).model())
        .isInstanceOf(UnsupportedOnnxException.class)
        .hasMessageStartingWith("net.onnx: ")
        .hasMessageContainingAll(parts);
  }

  static void isMalformed(OnnxGraph graph, String... parts) {
    assertThatThrownBy(() -> open(graph).model())
        .isInstanceOf(OnnxFormatException.class)
        .hasMessageStartingWith("net.onnx: ")
        .hasMessageContainingAll(parts);
  }

  static List<String> texts(OnnxFile file) {
    return file.network().accounts().stream().map(Account::toString).toList();
  }

  static OnnxGraph lstm(TensorProto h, TensorProto c) {
    return lstm(input().constant(h).constant(c));
  }

  static OnnxGraph lstm(OnnxGraph graph) {
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
}
