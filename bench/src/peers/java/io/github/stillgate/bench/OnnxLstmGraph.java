package io.github.stillgate.bench;

import ai.onnx.proto.OnnxMl;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Sums;
import java.util.List;

/** One LSTM node; ONNX stacks i, o, f, g. */
public final class OnnxLstmGraph {
  private OnnxLstmGraph() {}

  /**
   * The graph of one step: input {@code x} and states {@code h0} and {@code c0} to {@code next0}
   * and {@code nextc0}, each (1, batch, width).
   *
   * @param lstm without peepholes, projection or coupled gates
   * @param batch streams that step together
   */
  public static OnnxMl.ModelProto of(Lstm lstm, int batch) {
    return OnnxParts.model(graph(lstm, 1, batch, ""));
  }

  /**
   * The graph of a sequence of one stream: {@code x} is (steps, 1, width), and {@code y}, (steps,
   * 1, 1, n), has the outputs of all steps.
   *
   * @param lstm without peepholes, projection or coupled gates
   * @param steps length of the sequence
   */
  public static OnnxMl.ModelProto ofSequence(Lstm lstm, int steps) {
    return OnnxParts.model(
        graph(lstm, steps, 1, "y").addOutput(OnnxParts.value("y", steps, 1, 1, lstm.cells())));
  }

  private static OnnxMl.GraphProto.Builder graph(Lstm lstm, int steps, int batch, String all) {
    long n = lstm.cells();
    List<Sums> gates = List.of(lstm.i(), lstm.o(), lstm.f().orElseThrow(), lstm.g());
    float[] none = new float[(int) (4 * n)];
    List<float[]> biases = gates.stream().map(gate -> gate.b().toArray()).toList();
    return OnnxMl.GraphProto.newBuilder()
        .setName("lstm")
        .addInput(OnnxParts.value("x", steps, batch, lstm.inputs()))
        .addInput(OnnxParts.value("h0", 1, batch, n))
        .addInput(OnnxParts.value("c0", 1, batch, n))
        .addInitializer(
            OnnxParts.tensor(
                "W",
                new long[] {1, 4 * n, lstm.inputs()},
                gates.stream().map(gate -> gate.w().toArray()).toList()))
        .addInitializer(
            OnnxParts.tensor(
                "R",
                new long[] {1, 4 * n, n},
                gates.stream().map(gate -> gate.u().toArray()).toList()))
        .addInitializer(
            OnnxParts.tensor(
                "B",
                new long[] {1, 8 * n},
                List.of(biases.get(0), biases.get(1), biases.get(2), biases.get(3), none)))
        .addNode(
            OnnxMl.NodeProto.newBuilder()
                .setOpType("LSTM")
                .addAllInput(List.of("x", "W", "R", "B", "", "h0", "c0"))
                .addAllOutput(List.of(all, "next0", "nextc0"))
                .addAttribute(OnnxParts.integer("hidden_size", n)))
        .addOutput(OnnxParts.value("next0", 1, batch, n))
        .addOutput(OnnxParts.value("nextc0", 1, batch, n));
  }
}
