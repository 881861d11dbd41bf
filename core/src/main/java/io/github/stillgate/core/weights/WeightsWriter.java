package io.github.stillgate.core.weights;

import io.github.stillgate.core.json.ArrayNode;
import io.github.stillgate.core.json.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Collects tensors and metadata and writes them as one safetensors file.
 *
 * <p>Not safe for several threads.
 */
public final class WeightsWriter {
  private static final String METADATA = SafetensorsHeader.METADATA;

  private static final int CHUNK = 1 << 16;

  private static final int LARGEST_INT8 = 127;

  /** Elements of a tensor that are read in pieces when the file is written. */
  public interface Elements {
    /**
     * Copies {@code count} elements in row-major order, {@code from} the first, to {@code to[at]}
     * and the places after it.
     */
    void copy(int from, int count, float[] to, int at);
  }

  private record Source(DType type, int[] shape, int size, Elements elements) {}

  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Map<String, Source> tensors = new LinkedHashMap<>();

  /** An empty file. */
  public WeightsWriter() {}

  /** Sets one string of the file's {@code __metadata__}. */
  public WeightsWriter metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /**
   * Adds a float32 tensor; {@code values} is row-major and must not change until {@link #write}.
   *
   * @throws IllegalArgumentException if the name is taken or not allowed, or the shape does not fit
   *     the values
   */
  public WeightsWriter tensor(String name, float[] values, int... shape) {
    return tensor(name, DType.F32, values, shape);
  }

  /**
   * Adds a tensor that is stored as {@link DType#F32}, as {@link DType#BF16}, which rounds to the
   * nearest, ties to even, or as {@link DType#I8}, which takes whole numbers from -127 to 127.
   *
   * @throws IllegalArgumentException if the name is taken or not allowed, the shape does not fit
   *     the values, the type is another, a finite value leaves the range of BF16, or I8 cannot hold
   *     one
   */
  public WeightsWriter tensor(String name, DType type, float[] values, int... shape) {
    if (size(name, shape) != values.length) {
      throw new IllegalArgumentException(
          "tensor %s: shape %s does not hold %d values"
              .formatted(name, Arrays.toString(shape), values.length));
    }
    return tensor(
        name, type, (from, count, to, at) -> System.arraycopy(values, from, to, at, count), shape);
  }

  /**
   * Like {@link #tensor(String, DType, float[], int...)}, with elements that are read now, to check
   * their range, and again in {@link #write}.
   */
  public WeightsWriter tensor(String name, DType type, Elements elements, int... shape) {
    if (name.equals(METADATA)) {
      throw new IllegalArgumentException("a tensor cannot be called " + METADATA);
    }
    int size = size(name, shape);
    if (type != DType.F32 && type != DType.BF16 && type != DType.I8) {
      throw new IllegalArgumentException(
          "tensor %s: weights are written as F32, BF16 or I8, not %s".formatted(name, type));
    }
    if (type != DType.F32) {
      requireRange(name, type, elements, size);
    }
    if (tensors.size() == WeightsFile.MAX_TENSORS) {
      throw new IllegalArgumentException(
          "tensor %s is one more than the %d a file may have".formatted(name, tensors.size()));
    }
    if (tensors.putIfAbsent(name, new Source(type, shape.clone(), size, elements)) != null) {
      throw new IllegalArgumentException("tensor %s was added before".formatted(name));
    }
    return this;
  }

  /** The upper half of the nearest float32 that has no lower half, ties to even. */
  private static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 1);
    }
    return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
  }

  private static float widened(short half) {
    return Float.intBitsToFloat(half << 16);
  }

  /** Whether a value survives being stored, but for rounding. */
  private static boolean fits(DType type, float value) {
    return type == DType.I8
        ? value >= -LARGEST_INT8 && value <= LARGEST_INT8 && value == (byte) value
        : !Float.isFinite(value) || Float.isFinite(widened(bfloat16(value)));
  }

  private static void requireRange(String name, DType type, Elements elements, int size) {
    float[] chunk = new float[Math.min(size, CHUNK)];
    for (int from = 0; from < size; from += CHUNK) {
      int count = Math.min(CHUNK, size - from);
      elements.copy(from, count, chunk, 0);
      for (int i = 0; i < count; i++) {
        if (!fits(type, chunk[i])) {
          throw new IllegalArgumentException(
              type == DType.I8
                  ? "tensor %s: %s is no whole number from -127 to 127".formatted(name, chunk[i])
                  : "tensor %s: %s is too large for BF16".formatted(name, chunk[i]));
        }
      }
    }
  }

  /** The number of elements of {@code shape}, which must be one that the reader accepts. */
  private static int size(String name, int[] shape) {
    long bytes = DType.F32.bytes();
    for (int extent : shape) {
      if (extent < 0 || Math.multiplyHigh(bytes, extent) != 0 || bytes * extent < 0) {
        throw new IllegalArgumentException(
            "tensor %s: shape %s is none of a tensor".formatted(name, Arrays.toString(shape)));
      }
      bytes *= extent;
    }
    long size = bytes / DType.F32.bytes();
    if (size > Tensor.MAX_ELEMENTS) {
      throw new IllegalArgumentException(
          "tensor %s: shape %s has more than %d elements"
              .formatted(name, Arrays.toString(shape), Tensor.MAX_ELEMENTS));
    }
    return (int) size;
  }

  /**
   * Writes the file whole or not at all, as {@link NewFile} says: an interruption leaves the old
   * file or the new one, never half of one, and only a regular file is replaced.
   *
   * @throws IllegalArgumentException if the header is too long to be read again
   * @throws IOException if the file cannot be written
   */
  public void write(Path path) throws IOException {
    write(NewFile.at(path));
  }

  /** Like {@link #write(Path)}, to a path that was checked before. */
  public void write(NewFile file) throws IOException {
    byte[] header = header();
    file.write(out -> {
      out.write(
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).array());
      out.write(header);
      ByteBuffer chunk = ByteBuffer.allocate(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
      for (Source source : tensors.values()) {
        write(source, chunk, out);
      }
    });
  }

  private static void write(Source source, ByteBuffer chunk, OutputStream out) throws IOException {
    int width = source.type.bytes();
    int most = CHUNK / width;
    float[] values = new float[Math.min(source.size, most)];
    for (int from = 0; from < source.size; from += most) {
      int count = Math.min(most, source.size - from);
      source.elements.copy(from, count, values, 0);
      chunk.clear();
      switch (source.type) {
        case F32 -> chunk.asFloatBuffer().put(values, 0, count);
        case I8 -> {
          for (int i = 0; i < count; i++) {
            chunk.put((byte) values[i]);
          }
        }
        default -> {
          for (int i = 0; i < count; i++) {
            chunk.putShort(bfloat16(values[i]));
          }
        }
      }
      out.write(chunk.array(), 0, count * width);
    }
  }

  private byte[] header() {
    ObjectNode root = new ObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode node = root.putObject(METADATA);
      metadata.forEach(node::put);
    }
    long at = 0;
    for (Map.Entry<String, Source> entry : tensors.entrySet()) {
      ObjectNode node = root.putObject(entry.getKey());
      node.put("dtype", entry.getValue().type.name());
      ArrayNode shape = node.putArray("shape");
      for (int extent : entry.getValue().shape) {
        shape.add(extent);
      }
      long end = at + (long) entry.getValue().type.bytes() * entry.getValue().size;
      node.putArray("data_offsets").add(at).add(end);
      at = end;
    }
    // Spaces behind the JSON keep the data 64-byte aligned in the file.
    byte[] json = root.toString().getBytes(StandardCharsets.UTF_8);
    if (json.length > WeightsFile.MAX_HEADER_BYTES - 64) {
      throw new IllegalArgumentException(
          "the header takes %d bytes; a file may have %d"
              .formatted(json.length, WeightsFile.MAX_HEADER_BYTES));
    }
    byte[] padded = Arrays.copyOf(json, (8 + json.length + 63) / 64 * 64 - 8);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    return padded;
  }
}
