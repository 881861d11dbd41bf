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

  private record Source(DType type, int[] shape, float[] values) {}

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
   * Adds a tensor that is stored as {@link DType#F32} or {@link DType#BF16}; the latter rounds to
   * the nearest, ties to even.
   *
   * @throws IllegalArgumentException if the name is taken or not allowed, the shape does not fit
   *     the values, the type is another, or a finite value leaves the range of BF16
   */
  public WeightsWriter tensor(String name, DType type, float[] values, int... shape) {
    if (name.equals(METADATA)) {
      throw new IllegalArgumentException("a tensor cannot be called " + METADATA);
    }
    if (!fits(shape, values.length)) {
      throw new IllegalArgumentException(
          "tensor %s: shape %s does not hold %d values"
              .formatted(name, Arrays.toString(shape), values.length));
    }
    if (type != DType.F32 && type != DType.BF16) {
      throw new IllegalArgumentException(
          "tensor %s: weights are written as F32 or BF16, not %s".formatted(name, type));
    }
    if (type == DType.BF16) {
      for (float value : values) {
        if (Float.isFinite(value) && !Float.isFinite(widened(bfloat16(value)))) {
          throw new IllegalArgumentException(
              "tensor %s: %s is too large for BF16".formatted(name, value));
        }
      }
    }
    if (tensors.size() == WeightsFile.MAX_TENSORS) {
      throw new IllegalArgumentException(
          "tensor %s is one more than the %d a file may have".formatted(name, tensors.size()));
    }
    if (tensors.putIfAbsent(name, new Source(type, shape.clone(), values)) != null) {
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

  /** Whether {@code shape} is one the reader accepts for so many values. */
  private static boolean fits(int[] shape, int values) {
    long bytes = DType.F32.bytes();
    for (int extent : shape) {
      if (extent < 0 || Math.multiplyHigh(bytes, extent) != 0 || bytes * extent < 0) {
        return false;
      }
      bytes *= extent;
    }
    return bytes == (long) DType.F32.bytes() * values;
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
    int from = 0;
    while (from < source.values.length) {
      int count = Math.min(most, source.values.length - from);
      chunk.clear();
      if (source.type == DType.F32) {
        chunk.asFloatBuffer().put(source.values, from, count);
      } else {
        for (int i = 0; i < count; i++) {
          chunk.putShort(bfloat16(source.values[from + i]));
        }
      }
      out.write(chunk.array(), 0, count * width);
      from += count;
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
      long end = at + (long) entry.getValue().type.bytes() * entry.getValue().values.length;
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
