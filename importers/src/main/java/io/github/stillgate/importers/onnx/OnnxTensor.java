package io.github.stillgate.importers.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.stillgate.core.weights.RegularFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A tensor of a file, or computed of its tensors, checked: its shape is positive and it has as many
 * values as that says.
 */
final class OnnxTensor {
  private final Path file;
  private final String reader;
  private final String name;
  private final TensorProto proto;
  private final int[] shape;
  private final int size;
  private final @Nullable TensorData computed;
  private final @Nullable Double uniform;

  private OnnxTensor(
      Path file,
      String reader,
      String name,
      TensorProto proto,
      int[] shape,
      int size,
      @Nullable TensorData computed,
      @Nullable Double uniform) {
    this.file = file;
    this.reader = reader;
    this.name = name;
    this.proto = proto;
    this.shape = shape;
    this.size = size;
    this.computed = computed;
    this.uniform = uniform;
  }

  /**
   * A tensor that was computed of constants of {@code file}.
   *
   * @param shape its sizes, from 1 on, whose product is the number of elements
   * @param data its elements, numbers all
   */
  static OnnxTensor computed(Path file, String reader, String name, int[] shape, TensorData data) {
    TensorProto proto = typed(data instanceof TensorData.Floats);
    return new OnnxTensor(file, reader, name, proto, shape.clone(), data.size(), data, null);
  }

  /**
   * The same, where all elements are {@code value}: they take no memory before they are asked for.
   *
   * @param size product of the sizes
   * @param floats whether they are floating-point numbers
   */
  static OnnxTensor uniform(
      Path file, String reader, String name, int[] shape, int size, boolean floats, double value) {
    return new OnnxTensor(file, reader, name, typed(floats), shape.clone(), size, null, value);
  }

  private static TensorProto typed(boolean floats) {
    TensorProto.DataType type = floats ? TensorProto.DataType.FLOAT : TensorProto.DataType.INT64;
    return TensorProto.newBuilder().setDataType(type.getNumber()).build();
  }

  /** The tensor that {@code file} holds alone, the value of {@code name}. */
  static OnnxTensor read(Path file, String name) throws IOException {
    byte[] bytes = RegularFile.read(file);
    return of(
        file,
        "",
        name,
        OnnxProto.parse(
            file, bytes, "a TensorProto", TensorProto.parser(), TensorProto.getDescriptor()));
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
    if (proto.getDimsCount() > TensorLayout.MOST_DIMENSIONS) {
      throw new UnsupportedOnnxException(
          file,
          "%s has %d dimensions; supported are %d"
              .formatted(what, proto.getDimsCount(), TensorLayout.MOST_DIMENSIONS));
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
    return new OnnxTensor(file, reader, name, proto, shape, (int) size, null, null);
  }

  int[] shape() {
    return shape.clone();
  }

  int size() {
    return size;
  }

  /** Whether it holds what {@link #floats} reads. */
  boolean isFloat() {
    return switch (type()) {
      case FLOAT, DOUBLE, FLOAT16, BFLOAT16 -> true;
      default -> false;
    };
  }

  /**
   * How far its floating-point numbers may be from those that were computed, relative: half a step
   * of a 16-bit format, 0 of all others.
   */
  double rounding() {
    return switch (type()) {
      case FLOAT16 -> 0x1p-11;
      case BFLOAT16 -> 0x1p-8;
      default -> 0;
    };
  }

  /** Whether it holds what {@link #integers} reads. */
  boolean isInteger() {
    return type() == TensorProto.DataType.INT32 || type() == TensorProto.DataType.INT64;
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
   * Checks that its values are there, without allocating anything for them.
   *
   * @throws OnnxFormatException if it holds no floating-point numbers, or not as many as its shape
   *     says
   */
  void requireFloats() {
    if (isFloat() && (computed != null || uniform != null)) {
      return;
    }
    switch (type()) {
      case FLOAT -> requireValues(4, proto.getFloatDataCount());
      case DOUBLE -> requireValues(8, proto.getDoubleDataCount());
      case FLOAT16, BFLOAT16 -> requireValues(2, proto.getInt32DataCount());
      default -> throw wrongType("FLOAT, DOUBLE, FLOAT16 or BFLOAT16");
    }
  }

  /** Whether all its values are one number, which takes no memory. */
  boolean isUniform() {
    return uniform != null;
  }

  /**
   * The values from {@code from} to {@code to}, exclusive, as {@link #floats} has them. Of a
   * uniform tensor no others are made.
   */
  float[] floats(int from, int to) {
    if (uniform != null) {
      requireFloats();
      float[] same = new float[to - from];
      Arrays.fill(same, uniform.floatValue());
      return same;
    }
    return Arrays.copyOfRange(floats(), from, to);
  }

  /**
   * Its values as float32, row-major; float64 is rounded, the 16-bit formats are widened.
   *
   * @throws OnnxFormatException as {@link #requireFloats} does
   */
  float[] floats() {
    requireFloats();
    if (computed instanceof TensorData.Floats(float[] values)) {
      return values.clone();
    }
    if (uniform != null) {
      float[] same = new float[size];
      Arrays.fill(same, uniform.floatValue());
      return same;
    }
    float[] values = new float[size];
    switch (type()) {
      case FLOAT -> {
        if (isRaw()) {
          raw().asFloatBuffer().get(values);
        } else {
          fill(values, proto.getFloatDataList());
        }
      }
      case DOUBLE -> {
        if (isRaw()) {
          ByteBuffer raw = raw();
          for (int i = 0; i < size; i++) {
            values[i] = (float) raw.getDouble();
          }
        } else {
          fill(values, proto.getDoubleDataList());
        }
      }
      default -> fillSixteenBits(values, type() == TensorProto.DataType.FLOAT16);
    }
    return values;
  }

  /**
   * The same values, all finite, as weights must be.
   *
   * @throws OnnxFormatException as {@link #floats} does, or if one is not finite
   */
  float[] weights() {
    float[] values = floats();
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new OnnxFormatException(
            file,
            "%s: value %d is %s; weights must be finite"
                .formatted(described(reader), i, values[i]));
      }
    }
    return values;
  }

  /** Whether all values are 0; throws as {@link #floats} does. */
  boolean isZero() {
    if (uniform != null) {
      return uniform == 0;
    }
    for (float value : floats()) {
      if (value != 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * Its values if they are whole numbers of 32 or 64 bits.
   *
   * @throws OnnxFormatException if it holds others, or not as many as its shape says
   */
  long[] integers() {
    if (computed instanceof TensorData.Integers(long[] values)) {
      return values.clone();
    }
    if (uniform != null && isInteger()) {
      long[] same = new long[size];
      Arrays.fill(same, uniform.longValue());
      return same;
    }
    return switch (type()) {
      case INT64 -> {
        requireValues(8, proto.getInt64DataCount());
        long[] values = new long[size];
        if (isRaw()) {
          raw().asLongBuffer().get(values);
        } else {
          Arrays.setAll(values, proto::getInt64Data);
        }
        yield values;
      }
      case INT32 -> {
        requireValues(4, proto.getInt32DataCount());
        long[] values = new long[size];
        if (isRaw()) {
          ByteBuffer raw = raw();
          Arrays.setAll(values, i -> raw.getInt(4 * i));
        } else {
          Arrays.setAll(values, proto::getInt32Data);
        }
        yield values;
      }
      default -> throw wrongType("INT32 or INT64");
    };
  }

  /**
   * Its values, whole numbers of any width and truth values among them.
   *
   * @throws OnnxFormatException if it holds texts or complex numbers, or not as many values as its
   *     shape says
   */
  TensorData data() {
    if (computed != null) {
      return computed;
    }
    return switch (type()) {
      case INT8, UINT8, INT16, UINT16, BOOL -> new TensorData.Integers(narrow());
      case INT32, INT64 -> new TensorData.Integers(integers());
      default -> new TensorData.Floats(floats());
    };
  }

  /** Whether it has the same numbers, whatever the shape. */
  boolean hasValuesOf(OnnxTensor other) {
    return switch (data()) {
      case TensorData.Floats(float[] values) ->
          other.data() instanceof TensorData.Floats(float[] others)
              && Arrays.equals(values, others);
      case TensorData.Integers(long[] values) ->
          other.data() instanceof TensorData.Integers(long[] others)
              && Arrays.equals(values, others);
      case TensorData.Extents _ -> false;
    };
  }

  private long[] narrow() {
    boolean wide = type() == TensorProto.DataType.INT16 || type() == TensorProto.DataType.UINT16;
    requireValues(wide ? 2 : 1, proto.getInt32DataCount());
    ByteBuffer raw = isRaw() ? raw() : ByteBuffer.allocate(0);
    long[] values = new long[size];
    for (int i = 0; i < size; i++) {
      int value = isRaw() ? wide ? raw.getShort() : raw.get() : proto.getInt32Data(i);
      values[i] =
          switch (type()) {
            case UINT8 -> value & 0xff;
            case UINT16 -> value & 0xffff;
            case BOOL -> value == 0 ? 0 : 1;
            default -> value;
          };
    }
    return values;
  }

  private void fillSixteenBits(float[] values, boolean half) {
    ByteBuffer raw = isRaw() ? raw() : ByteBuffer.allocate(0);
    for (int i = 0; i < size; i++) {
      short bits = isRaw() ? raw.getShort() : (short) proto.getInt32Data(i);
      values[i] = half ? Float.float16ToFloat(bits) : Float.intBitsToFloat(bits << 16);
    }
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

  private ByteBuffer raw() {
    // A view of the file: its own position 0 is this tensor's.
    return proto.getRawData().asReadOnlyByteBuffer().slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  private void requireValues(int bytes, int listed) {
    if (isRaw() && proto.getRawData().size() != (long) bytes * size) {
      throw new OnnxFormatException(
          file,
          "%s has %d bytes, expected %d for %d values of %s"
              .formatted(
                  described(reader), proto.getRawData().size(), (long) bytes * size, size, type()));
    }
    if (!isRaw() && listed != size) {
      throw new OnnxFormatException(
          file,
          "%s has %d values of %s, expected %d".formatted(described(reader), listed, type(), size));
    }
  }

  private OnnxFormatException wrongType(String expected) {
    return new OnnxFormatException(
        file, "%s is %s, expected %s".formatted(described(reader), type(), expected));
  }
}
