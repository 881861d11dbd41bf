package io.github.stillgate.core.weights;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Collects float32 tensors and metadata and writes them as one safetensors file.
 *
 * <p>Not safe for several threads.
 */
public final class WeightsWriter {
  private static final String METADATA = "__metadata__";

  private record Source(int[] shape, float[] values) {}

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
    if (name.equals(METADATA)) {
      throw new IllegalArgumentException("a tensor cannot be called " + METADATA);
    }
    if (!fits(shape, values.length)) {
      throw new IllegalArgumentException(
          "tensor %s: shape %s does not hold %d values"
              .formatted(name, Arrays.toString(shape), values.length));
    }
    if (tensors.putIfAbsent(name, new Source(shape.clone(), values)) != null) {
      throw new IllegalArgumentException("tensor %s was added before".formatted(name));
    }
    return this;
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
   * Writes the file through a neighbour that is moved into place when complete, so that an
   * interruption leaves the old file or the new one, never half of one.
   */
  public void write(Path path) throws IOException {
    byte[] header = header();
    Path whole = path.toAbsolutePath();
    Files.createDirectories(whole.getParent());
    Path partial = whole.resolveSibling(whole.getFileName() + ".part");
    try {
      try (OutputStream out = Files.newOutputStream(partial)) {
        out.write(
            ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).array());
        out.write(header);
        for (Source source : tensors.values()) {
          ByteBuffer bytes =
              ByteBuffer.allocate(Math.multiplyExact(4, source.values.length))
                  .order(ByteOrder.LITTLE_ENDIAN);
          bytes.asFloatBuffer().put(source.values);
          out.write(bytes.array());
        }
      }
      Files.move(
          partial, whole, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(partial);
    }
  }

  private byte[] header() {
    ObjectNode root = JsonMapper.builder().build().createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode node = root.putObject(METADATA);
      metadata.forEach(node::put);
    }
    long at = 0;
    for (Map.Entry<String, Source> entry : tensors.entrySet()) {
      ObjectNode node = root.putObject(entry.getKey());
      node.put("dtype", DType.F32.name());
      ArrayNode shape = node.putArray("shape");
      for (int extent : entry.getValue().shape) {
        shape.add(extent);
      }
      long end = at + 4L * entry.getValue().values.length;
      node.putArray("data_offsets").add(at).add(end);
      at = end;
    }
    // Spaces behind the JSON keep the data 64-byte aligned in the file.
    byte[] json = root.toString().getBytes(StandardCharsets.UTF_8);
    byte[] padded = Arrays.copyOf(json, (8 + json.length + 63) / 64 * 64 - 8);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    return padded;
  }
}
