package io.github.stillgate.core.weights;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The validated header of one safetensors file. */
record SafetensorsHeader(Map<String, String> metadata, Map<String, Tensor> tensors) {
  /** The format's own limit on the header, so that a wild length cannot allocate gigabytes. */
  private static final long MAX_HEADER_BYTES = 100_000_000;

  private static final Set<String> ENTRY_FIELDS = Set.of("dtype", "shape", "data_offsets");
  private static final ObjectReader JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(JsonParser.Feature.INCLUDE_SOURCE_IN_LOCATION)
          .build()
          .reader();

  private record Entry(String name, DType type, long[] shape, long begin, long end) {}

  static SafetensorsHeader parse(Path path, MemorySegment file) {
    long size = file.byteSize();
    if (size < 8) {
      throw new WeightsFormatException(
          path,
          "is %d bytes long; a safetensors file starts with 8 bytes of length".formatted(size));
    }
    long length = file.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
    if (length < 2 || length > MAX_HEADER_BYTES || length > size - 8) {
      throw new WeightsFormatException(
          path,
          "header length %s does not fit a file of %d bytes (truncated, or not a safetensors file)"
              .formatted(Long.toUnsignedString(length), size));
    }
    JsonNode root = readJson(path, file.asSlice(8, length));
    MemorySegment data = file.asSlice(8 + length);
    Map<String, String> metadata = new LinkedHashMap<>();
    List<Entry> entries = new ArrayList<>();
    for (Map.Entry<String, JsonNode> field : root.properties()) {
      if (field.getKey().equals("__metadata__")) {
        readMetadata(path, field.getValue(), metadata);
      } else {
        entries.add(readEntry(path, field.getKey(), field.getValue(), data.byteSize()));
      }
    }
    entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    checkTiling(path, entries, data.byteSize());
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Entry e : entries) {
      MemorySegment bytes = data.asSlice(e.begin, e.end - e.begin);
      tensors.put(e.name, new Tensor(e.name, e.type, e.shape, bytes));
    }
    return new SafetensorsHeader(Map.copyOf(metadata), tensors);
  }

  private static JsonNode readJson(Path path, MemorySegment bytes) {
    try {
      String text =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(bytes.toArray(ValueLayout.JAVA_BYTE)))
              .toString();
      if (text.charAt(0) != '{') {
        throw new WeightsFormatException(path, "header does not begin with '{'");
      }
      return JSON.readTree(text);
    } catch (CharacterCodingException e) {
      throw new WeightsFormatException(path, "header is not valid UTF-8", e);
    } catch (JsonProcessingException e) {
      throw new WeightsFormatException(path, "header is not valid JSON: " + e.getMessage(), e);
    }
  }

  private static void readMetadata(Path path, JsonNode node, Map<String, String> metadata) {
    if (!node.isObject()) {
      throw new WeightsFormatException(path, "__metadata__ is not an object");
    }
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      if (!field.getValue().isTextual()) {
        throw new WeightsFormatException(
            path, "__metadata__ field \"%s\" is not a string".formatted(field.getKey()));
      }
      metadata.put(field.getKey(), field.getValue().textValue());
    }
  }

  private static Entry readEntry(Path path, String name, JsonNode node, long dataBytes) {
    if (!node.isObject()) {
      throw new WeightsFormatException(path, "tensor \"%s\" is not an object".formatted(name));
    }
    Set<String> fields = new TreeSet<>();
    node.fieldNames().forEachRemaining(fields::add);
    if (!fields.equals(ENTRY_FIELDS)) {
      throw new WeightsFormatException(
          path,
          "tensor \"%s\" has the fields %s; expected dtype, shape, data_offsets"
              .formatted(name, fields));
    }
    DType type;
    try {
      type = DType.parse(node.get("dtype").asText());
    } catch (IllegalArgumentException e) {
      throw new WeightsFormatException(
          path, "tensor \"%s\": %s".formatted(name, e.getMessage()), e);
    }
    long[] shape = readLongs(path, name, "shape", node.get("shape"));
    long[] offsets = readLongs(path, name, "data_offsets", node.get("data_offsets"));
    long bytes = type.bytes();
    try {
      for (long extent : shape) {
        bytes = Math.multiplyExact(bytes, extent);
      }
    } catch (ArithmeticException e) {
      throw new WeightsFormatException(
          path,
          "tensor \"%s\": the product of shape %s overflows".formatted(name, node.get("shape")),
          e);
    }
    if (offsets.length != 2 || offsets[0] > offsets[1] || offsets[1] > dataBytes) {
      throw new WeightsFormatException(
          path,
          "tensor \"%s\": data_offsets %s do not lie in the file's %d bytes of data"
              .formatted(name, node.get("data_offsets"), dataBytes));
    }
    if (offsets[1] - offsets[0] != bytes) {
      throw new WeightsFormatException(
          path,
          "tensor \"%s\": %s of shape %s take %d bytes, but data_offsets %s span %d"
              .formatted(
                  name,
                  type,
                  node.get("shape"),
                  bytes,
                  node.get("data_offsets"),
                  offsets[1] - offsets[0]));
    }
    return new Entry(name, type, shape, offsets[0], offsets[1]);
  }

  private static long[] readLongs(Path path, String tensor, String field, JsonNode node) {
    if (!node.isArray()) {
      throw new WeightsFormatException(
          path, "tensor \"%s\": %s is not an array".formatted(tensor, field));
    }
    long[] values = new long[node.size()];
    for (int i = 0; i < values.length; i++) {
      JsonNode item = node.get(i);
      if (!item.isIntegralNumber() || !item.canConvertToLong() || item.longValue() < 0) {
        throw new WeightsFormatException(
            path,
            "tensor \"%s\": %s holds %s; expected whole numbers from 0 to 2^63 - 1"
                .formatted(tensor, field, item));
      }
      values[i] = item.longValue();
    }
    return values;
  }

  /** The tensors, sorted by offset, must cover the data without overlap, hole or rest. */
  private static void checkTiling(Path path, List<Entry> entries, long dataBytes) {
    long covered = 0;
    String previous = "the header";
    for (Entry e : entries) {
      if (e.begin != covered) {
        throw new WeightsFormatException(
            path,
            "tensor \"%s\" begins at byte %d, but %s ends at %d (%s)"
                .formatted(
                    e.name, e.begin, previous, covered, e.begin < covered ? "overlap" : "hole"));
      }
      covered = e.end;
      previous = "\"" + e.name + "\"";
    }
    if (covered != dataBytes) {
      throw new WeightsFormatException(
          path,
          "the tensors end at byte %d of %d bytes of data; the rest belongs to none"
              .formatted(covered, dataBytes));
    }
  }
}
