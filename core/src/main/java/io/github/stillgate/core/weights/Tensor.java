package io.github.stillgate.core.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * One tensor of an open {@link WeightsFile}: row-major, little-endian, its bytes still in the
 * mapped file.
 *
 * <p>Immutable; any thread may read it until the file is closed, after which access throws {@link
 * IllegalStateException}.
 */
public final class Tensor {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String name;
  private final DType type;
  private final long[] shape;
  private final MemorySegment bytes;

  Tensor(String name, DType type, long[] shape, MemorySegment bytes) {
    this.name = name;
    this.type = type;
    this.shape = shape;
    this.bytes = bytes;
  }

  /** Name in the file. */
  public String name() {
    return name;
  }

  /** Element type as stored. */
  public DType type() {
    return type;
  }

  /** A copy of the shape, outermost dimension first. */
  public long[] shape() {
    return shape.clone();
  }

  /** Product of the shape. */
  public long elements() {
    return bytes.byteSize() / type.bytes();
  }

  /** The stored bytes, read-only, not aligned to anything. */
  public MemorySegment bytes() {
    return bytes;
  }

  /**
   * Copies the elements to the heap as float32. BF16 and F16 are widened, which is exact.
   *
   * @throws IllegalArgumentException if the tensor is of another type or too large for an array
   */
  public float[] toFloats() {
    if (elements() > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "tensor %s has %d elements, more than an array holds".formatted(name, elements()));
    }
    float[] values = new float[(int) elements()];
    switch (type) {
      case F32 -> MemorySegment.copy(bytes, FLOAT, 0, values, 0, values.length);
      case BF16 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = Float.intBitsToFloat(bytes.get(SHORT, 2L * i) << 16);
        }
      }
      case F16 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = Float.float16ToFloat(bytes.get(SHORT, 2L * i));
        }
      }
      default ->
          throw new IllegalArgumentException(
              "tensor %s is %s; weights are read from F32, BF16 or F16".formatted(name, type));
    }
    return values;
  }

  /** Name, type and shape, e.g. {@code rnn0.Wu F32 [16, 27]}. */
  @Override
  public String toString() {
    return name + " " + type + " " + Arrays.toString(shape);
  }
}
