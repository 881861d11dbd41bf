package io.github.stillgate.cli.rows;

import io.github.stillgate.core.weights.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Rows of an array whose numbers stand one behind the other, little-endian, row-major. */
final class TableReader implements RowReader {
  private static final int BUFFER = 1 << 16;

  /** Bytes of the array, by their places in it. */
  interface Source {
    void read(long from, byte[] to, int count) throws IOException;
  }

  private final String name;
  private final DType type;
  private final long rows;
  private final int width;
  private final Source source;
  private final AutoCloseable owner;
  private final long bytes;
  private final byte[] array;
  private final ByteBuffer buffer;
  private long filled;
  private long next;

  /**
   * Rows of {@code width} values.
   *
   * @param name what to call it in messages
   * @param shape of the array; behind the first come any that make {@code width}, and none is 1
   * @param owner is closed with this
   * @throws IOException if the rows have another width or the type is no number's
   */
  TableReader(String name, DType type, long[] shape, int width, Source source, AutoCloseable owner)
      throws IOException {
    if (!isNumber(type)) {
      throw new IOException(
          "%s holds %s; read are F64, F32, F16, BF16, I32, I16, I8 and U8".formatted(name, type));
    }
    if (shape.length == 0) {
      throw new IOException(
          "%s is a single number; rows are read, of %d values each".formatted(name, width));
    }
    long inRow = Arrays.stream(shape).skip(1).reduce(1, Math::multiplyExact);
    if (inRow != width) {
      throw new IOException(
          "%s has rows of %d values from row 0 on (its shape is %s), the model reads %d a step"
              .formatted(name, inRow, Arrays.toString(shape), width));
    }
    this.name = name;
    this.type = type;
    this.rows = shape[0];
    this.width = width;
    this.source = source;
    this.owner = owner;
    this.bytes = Math.multiplyExact(Math.multiplyExact(rows, width), type.bytes());
    this.array = new byte[BUFFER];
    this.buffer = ByteBuffer.wrap(array).order(ByteOrder.LITTLE_ENDIAN).limit(0);
  }

  private static boolean isNumber(DType type) {
    return switch (type) {
      case F64, F32, F16, BF16, I32, I16, I8, U8 -> true;
      default -> false;
    };
  }

  @Override
  public long rows() {
    return rows;
  }

  @Override
  public void next(float[] row) throws IOException {
    next++;
    for (int i = 0; i < width; i++) {
      if (!buffer.hasRemaining()) {
        // Elements of up to 8 bytes divide the buffer, so none is cut.
        int count = (int) Math.min(BUFFER, bytes - filled);
        source.read(filled, array, count);
        filled += count;
        buffer.position(0).limit(count);
      }
      row[i] =
          switch (type) {
            case F64 -> (float) buffer.getDouble();
            case F32 -> buffer.getFloat();
            case F16 -> Float.float16ToFloat(buffer.getShort());
            case BF16 -> Float.intBitsToFloat(buffer.getShort() << 16);
            case I32 -> buffer.getInt();
            case I16 -> buffer.getShort();
            case U8 -> buffer.get() & 0xff;
            default -> buffer.get();
          };
    }
  }

  @Override
  public String place() {
    return "%s: row %d".formatted(name, next - 1);
  }

  @Override
  public void close() throws IOException {
    try {
      owner.close();
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException(e);
    }
  }
}
