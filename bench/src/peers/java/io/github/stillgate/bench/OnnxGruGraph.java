package io.github.stillgate.bench;

import ai.onnx.proto.OnnxMl;
import com.google.protobuf.ByteString;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** A chain of GRU nodes; ONNX's update gate weighs the old state, so ours is negated. */
public final class OnnxGruGraph {
  private OnnxGruGraph() {}

  /**
   * The graph: input {@code x} and states {@code h0, h1, ..} to {@code next0, next1, ..}, each (1,
   * batch, width).
   */
  public static OnnxMl.ModelProto of(List<? extends Layer> layers, int batch) {
    OnnxMl.GraphProto.Builder graph = OnnxMl.GraphProto.newBuilder().setName("gru");
    String from = "x";
    graph.addInput(value("x", 1, batch, layers.get(0).inputs()));
    for (int i = 0; i < layers.size(); i++) {
      Gru gru = (Gru) layers.get(i);
      long units = gru.outputs();
      Matrix none = Matrix.vector("none", new float[gru.outputs()]);
      graph.addInput(value("h" + i, 1, batch, units));
      graph.addInitializer(
          tensor("W" + i, new long[] {1, 3 * units, gru.inputs()}, gru.wz(), gru.wr(), gru.wc()));
      graph.addInitializer(
          tensor("R" + i, new long[] {1, 3 * units, units}, gru.uz(), gru.ur(), gru.uc()));
      graph.addInitializer(
          tensor(
              "B" + i, new long[] {1, 6 * units}, gru.bz(), gru.br(), gru.bc(), none, none, none));
      graph.addNode(
          OnnxMl.NodeProto.newBuilder()
              .setOpType("GRU")
              .addInput(from)
              .addInput("W" + i)
              .addInput("R" + i)
              .addInput("B" + i)
              .addInput("")
              .addInput("h" + i)
              .addOutput("")
              .addOutput("next" + i)
              .addAttribute(integer("hidden_size", units))
              .addAttribute(integer("linear_before_reset", 1)));
      graph.addOutput(value("next" + i, 1, batch, units));
      // (1, batch, n) is the last state and also the sequence of one step that the next layer
      // reads.
      from = "next" + i;
    }
    return OnnxMl.ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OnnxMl.OperatorSetIdProto.newBuilder().setVersion(14))
        .setGraph(graph)
        .build();
  }

  private static OnnxMl.AttributeProto integer(String name, long value) {
    return OnnxMl.AttributeProto.newBuilder()
        .setName(name)
        .setType(OnnxMl.AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  private static OnnxMl.ValueInfoProto value(String name, long... shape) {
    OnnxMl.TensorShapeProto.Builder dimensions = OnnxMl.TensorShapeProto.newBuilder();
    for (long extent : shape) {
      dimensions.addDim(OnnxMl.TensorShapeProto.Dimension.newBuilder().setDimValue(extent));
    }
    return OnnxMl.ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            OnnxMl.TypeProto.newBuilder()
                .setTensorType(
                    OnnxMl.TypeProto.Tensor.newBuilder()
                        .setElemType(OnnxMl.TensorProto.DataType.FLOAT_VALUE)
                        .setShape(dimensions)))
        .build();
  }

  /** The matrices one below the other, the first (the update gate's) negated. */
  private static OnnxMl.TensorProto tensor(String name, long[] shape, Matrix... matrices) {
    int size = 0;
    for (Matrix m : matrices) {
      size += m.rows() * m.columns();
    }
    ByteBuffer bytes = ByteBuffer.allocate(4 * size).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < matrices.length; i++) {
      for (float weight : matrices[i].toArray()) {
        bytes.putFloat(i == 0 ? -weight : weight);
      }
    }
    OnnxMl.TensorProto.Builder tensor =
        OnnxMl.TensorProto.newBuilder()
            .setName(name)
            .setDataType(OnnxMl.TensorProto.DataType.FLOAT_VALUE)
            .setRawData(ByteString.copyFrom(bytes.array()));
    for (long extent : shape) {
      tensor.addDims(extent);
    }
    return tensor.build();
  }
}
