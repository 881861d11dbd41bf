package io.github.stillgate.bench;

import ai.onnx.proto.OnnxMl;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sums;
import java.util.ArrayList;
import java.util.List;

/** LSTM nodes one behind the other, each of one direction or two; ONNX stacks i, o, f, g. */
public final class OnnxLstmStack {
  private OnnxLstmStack() {}

  /**
   * The graph of whole sequences from state zero: {@code x}, (steps, batch, d), to {@code y},
   * (steps, batch, outputs).
   *
   * @param model of layers that are LSTMs without peepholes, projection or coupled gates, or pairs
   *     of them
   * @param batch sequences
   * @param steps of each
   */
  public static OnnxMl.ModelProto of(Model model, int batch, int steps) {
    OnnxMl.GraphProto.Builder graph =
        OnnxMl.GraphProto.newBuilder()
            .setName("stack")
            .addInput(OnnxParts.value("x", steps, batch, model.inputs()));
    String from = "x";
    for (int i = 0; i < model.layers().size(); i++) {
      String to = i == model.layers().size() - 1 ? "y" : "layer" + i;
      add(graph, model.layers().get(i), Integer.toString(i), from, to, batch, steps);
      from = to;
    }
    return OnnxParts.model(graph.addOutput(OnnxParts.value("y", steps, batch, model.outputs())));
  }

  private static void add(
      OnnxMl.GraphProto.Builder graph,
      Layer layer,
      String number,
      String from,
      String to,
      int batch,
      int steps) {
    List<Lstm> directions =
        layer instanceof Bidirectional pair
            ? List.of((Lstm) pair.forward(), (Lstm) pair.backward())
            : List.of((Lstm) layer);
    long count = directions.size();
    long n = directions.getFirst().cells();
    List<float[]> w = new ArrayList<>();
    List<float[]> r = new ArrayList<>();
    List<float[]> b = new ArrayList<>();
    for (Lstm lstm : directions) {
      List<Sums> gates = List.of(lstm.i(), lstm.o(), lstm.f().orElseThrow(), lstm.g());
      gates.forEach(gate -> w.add(gate.w().toArray()));
      gates.forEach(gate -> r.add(gate.u().toArray()));
      gates.forEach(gate -> b.add(gate.b().toArray()));
      b.add(new float[(int) (4 * n)]);
    }
    // ONNX keeps the directions apart, (steps, directions, batch, n); the next layer reads them
    // side
    // by side.
    graph
        .addInitializer(
            OnnxParts.tensor("W" + number, new long[] {count, 4 * n, layer.inputs()}, w))
        .addInitializer(OnnxParts.tensor("R" + number, new long[] {count, 4 * n, n}, r))
        .addInitializer(OnnxParts.tensor("B" + number, new long[] {count, 8 * n}, b))
        .addInitializer(OnnxParts.shape("shape" + number, steps, batch, layer.outputs()))
        .addNode(
            OnnxMl.NodeProto.newBuilder()
                .setOpType("LSTM")
                .addAllInput(List.of(from, "W" + number, "R" + number, "B" + number))
                .addOutput("apart" + number)
                .addAttribute(OnnxParts.integer("hidden_size", n))
                .addAttribute(
                    OnnxParts.text("direction", count == 2 ? "bidirectional" : "forward")))
        .addNode(
            OnnxMl.NodeProto.newBuilder()
                .setOpType("Transpose")
                .addInput("apart" + number)
                .addOutput("turned" + number)
                .addAttribute(OnnxParts.integers("perm", 0, 2, 1, 3)))
        .addNode(
            OnnxMl.NodeProto.newBuilder()
                .setOpType("Reshape")
                .addAllInput(List.of("turned" + number, "shape" + number))
                .addOutput(to));
  }
}
