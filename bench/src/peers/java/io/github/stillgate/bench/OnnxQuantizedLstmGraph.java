package io.github.stillgate.bench;

import ai.onnx.proto.OnnxMl;
import com.google.protobuf.ByteString;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Sums;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.Function;

/**
 * One node {@code com.microsoft DynamicQuantizeLSTM}, ONNX Runtime's LSTM with int8 weights, as its
 * tool for dynamic quantisation makes it of an LSTM: matrices transposed, (columns, 4 n), a scale
 * for each of the 4 n rows, its largest magnitude over 64, and zero points of 0. The runtime
 * quantises x and h in each step.
 *
 * <p>64 is the tool's {@code reduce_range}: on CPUs without VNNI the runtime adds pairs of products
 * in 16 bits, which overflow with weights up to 127 (an output was off by 0.1 on such a CPU). The
 * bytes and the time are the same.
 */
public final class OnnxQuantizedLstmGraph {
  private static final int LARGEST = 64;

  private OnnxQuantizedLstmGraph() {}

  /**
   * The graph of one step of one stream: {@code x}, {@code h0} and {@code c0} to {@code next0} and
   * {@code nextc0}, each (1, 1, width).
   *
   * @param lstm without peepholes, projection or coupled gates
   */
  public static OnnxMl.ModelProto of(Lstm lstm) {
    int n = lstm.cells();
    List<Sums> gates = List.of(lstm.i(), lstm.o(), lstm.f().orElseThrow(), lstm.g());
    OnnxMl.GraphProto.Builder graph =
        OnnxMl.GraphProto.newBuilder()
            .setName("int8 lstm")
            .addInput(OnnxParts.value("x", 1, 1, lstm.inputs()))
            .addInput(OnnxParts.value("h0", 1, 1, n))
            .addInput(OnnxParts.value("c0", 1, 1, n));
    add(graph, "W", gates, Sums::w);
    add(graph, "R", gates, Sums::u);
    float[] none = new float[4 * n];
    List<float[]> biases = gates.stream().map(gate -> gate.b().toArray()).toList();
    graph
        .addInitializer(
            OnnxParts.tensor(
                "B",
                new long[] {1, 8L * n},
                List.of(biases.get(0), biases.get(1), biases.get(2), biases.get(3), none)))
        .addNode(
            OnnxMl.NodeProto.newBuilder()
                .setOpType("DynamicQuantizeLSTM")
                .setDomain("com.microsoft")
                .addAllInput(
                    List.of(
                        "x", "W", "R", "B", "", "h0", "c0", "", "W_scale", "W_zero", "R_scale",
                        "R_zero"))
                .addAllOutput(List.of("", "next0", "nextc0"))
                .addAttribute(OnnxParts.integer("hidden_size", n)))
        .addOutput(OnnxParts.value("next0", 1, 1, n))
        .addOutput(OnnxParts.value("nextc0", 1, 1, n));
    return OnnxParts.model(graph).toBuilder()
        .addOpsetImport(
            OnnxMl.OperatorSetIdProto.newBuilder().setDomain("com.microsoft").setVersion(1))
        .build();
  }

  private static void add(
      OnnxMl.GraphProto.Builder graph,
      String name,
      List<Sums> gates,
      Function<Sums, Matrix> matrix) {
    List<Matrix> matrices = gates.stream().map(matrix).toList();
    int n = matrices.getFirst().rows();
    int columns = matrices.getFirst().columns();
    int rows = matrices.size() * n;
    byte[] weights = new byte[columns * rows];
    float[] scales = new float[rows];
    for (int gate = 0; gate < matrices.size(); gate++) {
      float[] values = matrices.get(gate).toArray();
      for (int unit = 0; unit < n; unit++) {
        float largest = 0;
        for (int k = 0; k < columns; k++) {
          largest = Math.max(largest, Math.abs(values[unit * columns + k]));
        }
        int row = gate * n + unit;
        scales[row] = largest == 0 ? 1 : largest / LARGEST;
        for (int k = 0; k < columns; k++) {
          weights[k * rows + row] = (byte) Math.rint(values[unit * columns + k] / scales[row]);
        }
      }
    }
    ByteBuffer scaleBytes = ByteBuffer.allocate(4 * rows).order(ByteOrder.LITTLE_ENDIAN);
    scaleBytes.asFloatBuffer().put(scales);
    graph
        .addInitializer(tensor(name, OnnxMl.TensorProto.DataType.INT8, weights, 1, columns, rows))
        .addInitializer(
            tensor(name + "_scale", OnnxMl.TensorProto.DataType.FLOAT, scaleBytes.array(), 1, rows))
        .addInitializer(
            tensor(name + "_zero", OnnxMl.TensorProto.DataType.INT8, new byte[rows], 1, rows));
  }

  private static OnnxMl.TensorProto tensor(
      String name, OnnxMl.TensorProto.DataType type, byte[] values, long... shape) {
    OnnxMl.TensorProto.Builder tensor =
        OnnxMl.TensorProto.newBuilder()
            .setName(name)
            .setDataType(type.getNumber())
            .setRawData(ByteString.copyFrom(values));
    for (long extent : shape) {
      tensor.addDims(extent);
    }
    return tensor.build();
  }
}
