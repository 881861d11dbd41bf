package io.github.stillgate.bench;

import ai.onnx.proto.OnnxMl;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Sums;
import java.util.List;

/** One LSTM node; ONNX stacks i, o, f, g. */
public final class OnnxLstmGraph {
  private OnnxLstmGraph() {}

  /**
   * The graph: input {@code x} and states {@code h0} and {@code c0} to {@code next0} and {@code
   * nextc0}, each (1, batch, width), and for several steps all outputs as {@code y}.
   *
   * @param lstm without peepholes, projection or coupled gates
   * @param steps steps of a sequence; x is (steps, batch, width)
   * @param batch streams that step together
   */
  public static OnnxMl.ModelProto of(Lstm lstm, int steps, int batch) {
    long n = lstm.cells();
    List<Sums> gates = List.of(lstm.i(), lstm.o(), lstm.f().orElseThrow(), lstm.g());
    float[] none = new float[(int) (4 * n)];
    List<float[]> biases = gates.stream().map(gate -> gate.b().toArray()).toList();
    return OnnxParts.model(
        OnnxMl.GraphProto.newBuilder()
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
                    .addAllOutput(List.of(steps > 1 ? "y" : "", "next0", "nextc0"))
                    .addAttribute(OnnxParts.integer("hidden_size", n)))
            .addOutput(OnnxParts.value("next0", 1, batch, n))
            .addOutput(OnnxParts.value("nextc0", 1, batch, n))
            .addAllOutput(
                steps > 1 ? List.of(OnnxParts.value("y", steps, 1, batch, n)) : List.of()));
  }
}
