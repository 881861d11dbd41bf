package io.github.stillgate.cli.rows;

import io.github.stillgate.core.weights.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The header of a numpy array (.npy, versions 1 to 3): what stands before its numbers.
 *
 * @see <a href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">its
 *     format</a>
 */
final class NumpyFile {
  private static final int PREFIX = 8;
  private static final int LARGEST_HEADER = 1 << 16;
  private static final int ALIGNMENT = 64;
  private static final Pattern TYPE = Pattern.compile("'descr'\\s*:\\s*'([<>|=]?)(\\w+)'");
  private static final Pattern ORDER = Pattern.compile("'fortran_order'\\s*:\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape'\\s*:\\s*\\(([\\d,\\s]*)\\)");

  private NumpyFile() {}

  /** Opens an array of rows of {@code width} values. */
  static RowReader open(Path path, int width) throws IOException {
    FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
    try {
      int version = Byte.toUnsignedInt(bytes(path, file, 0, PREFIX).get(6));
      int lengthBytes = version == 1 ? 2 : 4;
      ByteBuffer lengthField = bytes(path, file, PREFIX, lengthBytes);
      long length =
          version == 1 ? lengthField.getShort(0) & 0xffff : lengthField.getInt(0) & 0xffff_ffffL;
      if (version < 1 || version > 3 || length > LARGEST_HEADER) {
        throw refused(
            path, "its header (version %d, %d bytes) is none of numpy's", version, length);
      }
      int at = PREFIX + lengthBytes;
      String header = StandardCharsets.UTF_8.decode(bytes(path, file, at, (int) length)).toString();
      long data = at + length;
      DType type = type(path, header);
      Matcher order = ORDER.matcher(header);
      if (order.find() && order.group(1).equals("True")) {
        throw refused(
            path,
            "stands column by column (Fortran order); in Python: numpy.save(OUT,"
                + " numpy.ascontiguousarray(ARRAY))");
      }
      long[] shape = shape(path, header);
      long announced = Arrays.stream(shape).reduce(type.bytes(), Math::multiplyExact);
      if (announced > file.size() - data) {
        throw refused(
            path,
            "is truncated: shape %s takes %d bytes, %d are there; copy it again",
            Arrays.toString(shape),
            announced,
            file.size() - data);
      }
      return new TableReader(path.toString(), type, shape, width, source(path, file, data), file);
    } catch (ArithmeticException e) {
      file.close();
      throw refused(path, "its shape has more values than any file holds");
    } catch (Throwable failure) {
      file.close();
      throw failure;
    }
  }

  private static TableReader.Source source(Path path, FileChannel file, long data) {
    return new TableReader.Source() {
      private final ByteBuffer direct = ByteBuffer.allocateDirect(1 << 16);

      @Override
      public void read(long from, byte[] to, int count) throws IOException {
        direct.clear().limit(count);
        while (direct.hasRemaining()) {
          if (file.read(direct, data + from + direct.position()) < 0) {
            throw refused(path, "became shorter while it was read");
          }
        }
        direct.get(0, to, 0, count);
      }
    };
  }

  private static DType type(Path path, String header) throws IOException {
    Matcher type = TYPE.matcher(header);
    if (!type.find()) {
      throw refused(path, "its header names no type of number: %s", header.strip());
    }
    if (type.group(1).equals(">")) {
      throw refused(path, "is big-endian; in Python: numpy.save(OUT, ARRAY.astype(\"<f4\"))");
    }
    return switch (type.group(2)) {
      case "f8" -> DType.F64;
      case "f4" -> DType.F32;
      case "f2" -> DType.F16;
      case "i4" -> DType.I32;
      case "i2" -> DType.I16;
      case "i1" -> DType.I8;
      case "u1" -> DType.U8;
      default ->
          throw refused(
              path,
              "holds %s; read are f8, f4, f2, i4, i2, i1 and u1: numpy.save(OUT,"
                  + " ARRAY.astype(\"f4\"))",
              type.group(2));
    };
  }

  private static long[] shape(Path path, String header) throws IOException {
    Matcher shape = SHAPE.matcher(header);
    if (!shape.find()) {
      throw refused(path, "its header has no shape: %s", header.strip());
    }
    try {
      return Arrays.stream(shape.group(1).split(","))
          .map(String::strip)
          .filter(extent -> !extent.isEmpty())
          .mapToLong(Long::parseLong)
          .toArray();
    } catch (NumberFormatException e) {
      throw refused(path, "its shape is (%s)", shape.group(1));
    }
  }

  private static ByteBuffer bytes(Path path, FileChannel file, long at, int count)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (file.read(bytes, at + bytes.position()) < 0) {
        throw refused(path, "is truncated: it ends within its header, at byte %d", file.size());
      }
    }
    return bytes.flip();
  }

  private static IOException refused(Path path, String reason, Object... arguments) {
    return new IOException(path + ": " + reason.formatted(arguments));
  }

  /** What stands before the numbers of a float32 array of this shape. */
  static byte[] header(long rows, int width) {
    String fields =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }".formatted(rows, width);
    int whole = Math.ceilDiv(PREFIX + 2 + fields.length() + 1, ALIGNMENT) * ALIGNMENT;
    ByteBuffer header = ByteBuffer.allocate(whole).order(ByteOrder.LITTLE_ENDIAN);
    header.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII));
    header.put((byte) 1).put((byte) 0).putShort((short) (whole - PREFIX - 2));
    header.put(fields.getBytes(StandardCharsets.US_ASCII));
    while (header.position() < whole - 1) {
      header.put((byte) ' ');
    }
    return header.put((byte) '\n').array();
  }
}
