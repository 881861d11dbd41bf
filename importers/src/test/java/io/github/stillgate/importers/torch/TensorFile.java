package io.github.stillgate.importers.torch;

import io.github.stillgate.core.weights.DType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** A safetensors file of any types, written byte by byte, as those of PyTorch are. */
public final class TensorFile {
  private record Entry(DType type, int[] shape, byte[] bytes) {}

  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  TensorFile metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /** A tensor of values rounded to float32. */
  public TensorFile f32(String name, double[] values, int... shape) {
    ByteBuffer bytes = buffer(4 * values.length);
    for (double value : values) {
      bytes.putFloat((float) value);
    }
    return add(name, DType.F32, bytes, shape);
  }

  /** A tensor of float64. */
  public TensorFile f64(String name, double[] values, int... shape) {
    ByteBuffer bytes = buffer(8 * values.length);
    for (double value : values) {
      bytes.putDouble(value);
    }
    return add(name, DType.F64, bytes, shape);
  }

  TensorFile i64(String name, long... values) {
    ByteBuffer bytes = buffer(8 * values.length);
    for (long value : values) {
      bytes.putLong(value);
    }
    return add(name, DType.I64, bytes, values.length);
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private TensorFile add(String name, DType type, ByteBuffer bytes, int... shape) {
    entries.put(name, new Entry(type, shape, bytes.array()));
    return this;
  }

  /** Writes the file. */
  public Path write(Path path) throws IOException {
    StringBuilder header = new StringBuilder("{\"__metadata__\":{");
    header.append(
        metadata.entrySet().stream()
            .map(e -> "\"%s\":\"%s\"".formatted(e.getKey(), e.getValue()))
            .collect(Collectors.joining(",")));
    header.append('}');
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    entries.forEach((name, entry) -> {
      int from = data.size();
      data.writeBytes(entry.bytes());
      header.append(
          ",\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
              .formatted(name, entry.type(), Arrays.toString(entry.shape()), from, data.size()));
    });
    byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer file = buffer(8 + json.length + data.size());
    file.putLong(json.length).put(json).put(data.toByteArray());
    return Files.write(path, file.array());
  }
}
