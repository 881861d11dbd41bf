package io.github.stillgate.bench;

import ai.onnx.proto.OnnxMl;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Parts of ONNX graphs. */
final class OnnxParts {
  private OnnxParts() {}

  static OnnxMl.AttributeProto integer(String name, long value) {
    return OnnxMl.AttributeProto.newBuilder()
        .setName(name)
        .setType(OnnxMl.AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  static OnnxMl.AttributeProto integers(String name, long... values) {
    OnnxMl.AttributeProto.Builder attribute =
        OnnxMl.AttributeProto.newBuilder()
            .setName(name)
            .setType(OnnxMl.AttributeProto.AttributeType.INTS);
    for (long value : values) {
      attribute.addInts(value);
    }
    return attribute.build();
  }

  static OnnxMl.AttributeProto text(String name, String value) {
    return OnnxMl.AttributeProto.newBuilder()
        .setName(name)
        .setType(OnnxMl.AttributeProto.AttributeType.STRING)
        .setS(ByteString.copyFromUtf8(value))
        .build();
  }

  static OnnxMl.ValueInfoProto value(String name, long... shape) {
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

  /** The arrays one behind the other as one tensor. */
  static OnnxMl.TensorProto tensor(String name, long[] shape, List<float[]> parts) {
    int size = parts.stream().mapToInt(part -> part.length).sum();
    ByteBuffer bytes = ByteBuffer.allocate(4 * size).order(ByteOrder.LITTLE_ENDIAN);
    for (float[] part : parts) {
      for (float value : part) {
        bytes.putFloat(value);
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

  /** A shape, for a node that takes it as an input. */
  static OnnxMl.TensorProto shape(String name, long... extents) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * extents.length).order(ByteOrder.LITTLE_ENDIAN);
    for (long extent : extents) {
      bytes.putLong(extent);
    }
    return OnnxMl.TensorProto.newBuilder()
        .setName(name)
        .setDataType(OnnxMl.TensorProto.DataType.INT64_VALUE)
        .addDims(extents.length)
        .setRawData(ByteString.copyFrom(bytes.array()))
        .build();
  }

  static OnnxMl.ModelProto model(OnnxMl.GraphProto.Builder graph) {
    return OnnxMl.ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OnnxMl.OperatorSetIdProto.newBuilder().setVersion(14))
        .setGraph(graph)
        .build();
  }
}
