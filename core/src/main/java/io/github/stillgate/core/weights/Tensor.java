package io.github.stillgate.core.weights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;

/**
 * One tensor of an open {@link WeightsFile}: row-major, little-endian, its bytes still in the file.
 *
 * <p>Immutable; any thread may read it until the file is closed, after which access throws {@link
 * IllegalStateException}. A file that changes while it is read is refused with a {@link
 * WeightsFormatException}.
 */
public final class Tensor {
  /** The most elements an array of the JVM holds. */
  public static final int MAX_ELEMENTS = Integer.MAX_VALUE - 8;

  private static final int CHUNK = 1 << 16;

  private final String name;
  private final DType type;
  private final long[] shape;
  private final FileBytes file;
  private final long at;
  private final long byteSize;

  /** The tensor whose bytes are {@code [at, at + byteSize)} of {@code file}. */
  Tensor(String name, DType type, long[] shape, FileBytes file, long at, long byteSize) {
    this.name = name;
    this.type = type;
    this.shape = shape;
    this.file = file;
    this.at = at;
    this.byteSize = byteSize;
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
    return byteSize / type.bytes();
  }

  /** Number of bytes it takes in the file. */
  public long byteSize() {
    return byteSize;
  }

  /** A copy of the stored bytes, read-only, off the heap. */
  public MemorySegment bytes() {
    MemorySegment copy = Arena.ofAuto().allocate(byteSize);
    read((bytes, length, from) -> {
      MemorySegment.copy(bytes, 0, copy, ValueLayout.JAVA_BYTE, from, length);
    });
    return copy.asReadOnly();
  }

  /**
   * Copies a piece of the stored bytes, for those who read a tensor that is larger than memory.
   *
   * @param from place of the first in the tensor
   * @param to receives them at its beginning
   * @param count how many
   * @throws IndexOutOfBoundsException if the tensor or the array ends before
   * @throws WeightsFormatException if the file has changed since it was opened
   * @throws IllegalStateException if it is closed
   */
  public void bytes(long from, byte[] to, int count) {
    Objects.checkFromIndexSize(from, count, byteSize);
    Objects.checkFromIndexSize(0, count, to.length);
    file.read(at + from, to, count);
    file.requireUnchanged();
  }

  private interface Sink {
    /** Takes the first {@code length} of {@code bytes}, which begin {@code from} in the tensor. */
    void take(byte[] bytes, int length, long from);
  }

  private void read(Sink sink) {
    byte[] chunk = new byte[(int) Math.min(CHUNK, byteSize)];
    for (long from = 0; from < byteSize; from += chunk.length) {
      int length = (int) Math.min(chunk.length, byteSize - from);
      file.read(at + from, chunk, length);
      sink.take(chunk, length, from);
    }
    file.requireUnchanged();
  }

  /**
   * Copies the elements to the heap as float32. BF16 and F16 are widened, which is exact.
   *
   * @throws IllegalArgumentException if the tensor is of another type, has more than {@link
   *     #MAX_ELEMENTS}, or more than the heap can hold
   * @throws WeightsFormatException if the file has changed since it was opened
   */
  public float[] toFloats() {
    if (type != DType.F32 && type != DType.BF16 && type != DType.F16) {
      throw new IllegalArgumentException(
          "tensor %s is %s; weights are read from F32, BF16 or F16".formatted(name, type));
    }
    float[] values = new float[requireRoom(DType.F32)];
    read((bytes, length, from) -> {
      ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, length).order(ByteOrder.LITTLE_ENDIAN);
      int first = (int) (from / type.bytes());
      int count = length / type.bytes();
      switch (type) {
        case BF16 -> {
          for (int i = 0; i < count; i++) {
            values[first + i] = Float.intBitsToFloat(buffer.getShort(2 * i) << 16);
          }
        }
        case F16 -> {
          for (int i = 0; i < count; i++) {
            values[first + i] = Float.float16ToFloat(buffer.getShort(2 * i));
          }
        }
        default -> buffer.asFloatBuffer().get(values, first, count);
      }
    });
    return values;
  }

  /**
   * Copies the elements to the heap as float64: F64 as it is stored, the others of {@link
   * #toFloats} widened, which is exact. What reads weights files reads no F64; this is for
   * importers, which round once what they make of it.
   *
   * @throws IllegalArgumentException if the tensor is of another type, has more than {@link
   *     #MAX_ELEMENTS}, or more than the heap can hold
   * @throws WeightsFormatException if the file has changed since it was opened
   */
  public double[] toDoubles() {
    double[] values = new double[requireRoom(DType.F64)];
    if (type != DType.F64) {
      float[] narrow = toFloats();
      for (int i = 0; i < values.length; i++) {
        values[i] = narrow[i];
      }
      return values;
    }
    read((bytes, length, from) ->
        ByteBuffer.wrap(bytes, 0, length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .asDoubleBuffer()
            .get(values, (int) (from / Double.BYTES), length / Double.BYTES));
    return values;
  }

  /**
   * Copies the elements to the heap as they are stored: the upper halves of float32 values.
   *
   * @throws IllegalArgumentException if the tensor is not BF16, has more than {@link
   *     #MAX_ELEMENTS}, or more than the heap can hold
   * @throws WeightsFormatException if the file has changed since it was opened
   */
  public short[] toBfloat16s() {
    if (type != DType.BF16) {
      throw new IllegalArgumentException("tensor %s is %s, not BF16".formatted(name, type));
    }
    short[] halves = new short[requireRoom(DType.BF16)];
    read((bytes, length, from) ->
        ByteBuffer.wrap(bytes, 0, length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .asShortBuffer()
            .get(halves, (int) (from / Short.BYTES), length / Short.BYTES));
    return halves;
  }

  /**
   * Copies the elements to the heap as they are stored.
   *
   * @throws IllegalArgumentException if the tensor is not I8, has more than {@link #MAX_ELEMENTS},
   *     or more than the heap can hold
   * @throws WeightsFormatException if the file has changed since it was opened
   */
  public byte[] toInt8s() {
    if (type != DType.I8) {
      throw new IllegalArgumentException("tensor %s is %s, not I8".formatted(name, type));
    }
    byte[] values = new byte[requireRoom(DType.I8)];
    read((bytes, length, from) -> System.arraycopy(bytes, 0, values, (int) from, length));
    return values;
  }

  /** The number of elements, if the heap can hold them in an array of {@code held}. */
  private int requireRoom(DType held) {
    if (elements() > MAX_ELEMENTS) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "tensor %s has %d elements; at most %d are read",
              name,
              elements(),
              MAX_ELEMENTS));
    }
    long most = Runtime.getRuntime().maxMemory();
    if (held.bytes() * elements() > most) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "tensor %s takes %d MiB as %s, the JVM's heap is limited to %d MiB; start it with"
                  + " -Xmx and more",
              name,
              held.bytes() * elements() >> 20,
              held,
              most >> 20));
    }
    return (int) elements();
  }

  /** Name, type and shape, e.g. {@code rnn0.Wu F32 [16, 27]}. */
  @Override
  public String toString() {
    return name + " " + type + " " + Arrays.toString(shape);
  }
}
