package io.github.stillgate.importers.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** A tensor of a file, checked: its shape is positive and it has as many values as that says. */
final class OnnxTensor {
  private final Path file;
  private final String reader;
  private final String name;
  private final TensorProto proto;
  private final int[] shape;
  private final int size;

  private OnnxTensor(
      Path file, String reader, String name, TensorProto proto, int[] shape, int size) {
    this.file = file;
    this.reader = reader;
    this.name = name;
    this.proto = proto;
    this.shape = shape;
    this.size = size;
  }

  /** The tensor that {@code file} holds alone, the value of {@code name}. */
  static OnnxTensor read(Path file, String name) throws IOException {
    try {
      return of(file, "", name, TensorProto.parseFrom(Files.readAllBytes(file)));
    } catch (InvalidProtocolBufferException e) {
      throw new OnnxFormatException(
          file,
          "truncated, or not a TensorProto (%s); fetch it again".formatted(e.getMessage()),
          e);
    }
  }

  /**
   * The tensor {@code proto} of {@code file}.
   *
   * @param reader which node reads it, for messages; empty if none does
   * @param name its name
   */
  static OnnxTensor of(Path file, String reader, String name, TensorProto proto) {
    String what = what(reader, name);
    if (proto.getExternalDataCount() > 0
        || proto.getDataLocation() == TensorProto.DataLocation.EXTERNAL) {
      throw new OnnxFormatException(
          file,
          "%s has its values in another file (external data); save the model in one file:"
                  .formatted(what)
              + " onnx.save_model(model, path, save_as_external_data=False)");
    }
    if (proto.hasSegment()) {
      throw new UnsupportedOnnxException(file, what + " is a segment of one; store it whole");
    }
    long size = 1;
    int[] shape = new int[proto.getDimsCount()];
    for (int i = 0; i < shape.length; i++) {
      long extent = proto.getDims(i);
      if (extent < 1 || extent > Integer.MAX_VALUE || size * extent > Integer.MAX_VALUE) {
        throw new OnnxFormatException(
            file,
            "%s has shape %s; expected sizes from 1 on and less than 2^31 values"
                .formatted(what, proto.getDimsList()));
      }
      shape[i] = (int) extent;
      size *= extent;
    }
    return new OnnxTensor(file, reader, name, proto, shape, (int) size);
  }

  int[] shape() {
    return shape.clone();
  }

  int size() {
    return size;
  }

  /** What it is and its shape, for messages. */
  @Override
  public String toString() {
    return described("");
  }

  private String described(String by) {
    return "%s of shape %s".formatted(what(by, name), Arrays.toString(shape));
  }

  private static String what(String reader, String name) {
    return "%stensor \"%s\"".formatted(reader.isEmpty() ? "" : reader + ": ", name);
  }

  /**
   * Its values as float32, row-major; float64 is rounded, the 16-bit formats are widened.
   *
   * @throws OnnxFormatException if it holds no floating-point numbers, or not as many as its shape
   *     says
   */
  float[] floats() {
    return switch (type()) {
      case FLOAT -> {
        float[] values = new float[size];
        if (isRaw()) {
          raw(4).asFloatBuffer().get(values);
        } else {
          requireCount(proto.getFloatDataCount());
          fill(values, proto.getFloatDataList());
        }
        yield values;
      }
      case DOUBLE -> {
        float[] values = new float[size];
        if (isRaw()) {
          ByteBuffer raw = raw(8);
          for (int i = 0; i < size; i++) {
            values[i] = (float) raw.getDouble();
          }
        } else {
          requireCount(proto.getDoubleDataCount());
          fill(values, proto.getDoubleDataList());
        }
        yield values;
      }
      case FLOAT16 -> sixteenBits(true);
      case BFLOAT16 -> sixteenBits(false);
      default -> throw wrongType("FLOAT, DOUBLE, FLOAT16 or BFLOAT16");
    };
  }

  /**
   * Its values if they are whole numbers of 32 or 64 bits.
   *
   * @throws OnnxFormatException if it holds others, or not as many as its shape says
   */
  long[] integers() {
    long[] values = new long[size];
    switch (type()) {
      case INT64 -> {
        if (isRaw()) {
          raw(8).asLongBuffer().get(values);
        } else {
          requireCount(proto.getInt64DataCount());
          Arrays.setAll(values, proto::getInt64Data);
        }
      }
      case INT32 -> {
        if (isRaw()) {
          ByteBuffer raw = raw(4);
          Arrays.setAll(values, i -> raw.getInt(4 * i));
        } else {
          requireCount(proto.getInt32DataCount());
          Arrays.setAll(values, proto::getInt32Data);
        }
      }
      default -> throw wrongType("INT32 or INT64");
    }
    return values;
  }

  private float[] sixteenBits(boolean half) {
    float[] values = new float[size];
    ByteBuffer raw = isRaw() ? raw(2) : ByteBuffer.allocate(0);
    if (!isRaw()) {
      requireCount(proto.getInt32DataCount());
    }
    for (int i = 0; i < size; i++) {
      short bits = isRaw() ? raw.getShort() : (short) proto.getInt32Data(i);
      values[i] = half ? Float.float16ToFloat(bits) : Float.intBitsToFloat(bits << 16);
    }
    return values;
  }

  private static void fill(float[] values, List<? extends Number> from) {
    for (int i = 0; i < values.length; i++) {
      values[i] = from.get(i).floatValue();
    }
  }

  private TensorProto.DataType type() {
    TensorProto.DataType type = TensorProto.DataType.forNumber(proto.getDataType());
    return type == null ? TensorProto.DataType.UNDEFINED : type;
  }

  private boolean isRaw() {
    return proto.hasRawData();
  }

  private ByteBuffer raw(int bytes) {
    ByteString raw = proto.getRawData();
    if (raw.size() != (long) bytes * size) {
      throw new OnnxFormatException(
          file,
          "%s has %d bytes, expected %d for %d values of %s"
              .formatted(described(reader), raw.size(), (long) bytes * size, size, type()));
    }
    return raw.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  private void requireCount(int count) {
    if (count != size) {
      throw new OnnxFormatException(
          file,
          "%s has %d values of %s, expected %d".formatted(described(reader), count, type(), size));
    }
  }

  private OnnxFormatException wrongType(String expected) {
    return new OnnxFormatException(
        file, "%s is %s, expected %s".formatted(described(reader), type(), expected));
  }
}
