package io.github.stillgate.core.weights;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.json.JsonProblem;
import io.github.stillgate.core.json.StrictJson;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
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
  /** The entry that is no tensor. */
  static final String METADATA = "__metadata__";

  private static final Set<String> ENTRY_FIELDS = Set.of("dtype", "shape", "data_offsets");

  /** The object, a tensor in it, its shape; more would be refused anyway, but with a worse word. */
  private static final int MAX_DEPTH = 6;

  /** A tensor's own, its three fields, and what stands in the arrays. */
  private static final int MAX_ENTRY_VALUES = 4 + WeightsFile.MAX_DIMENSIONS + 16;

  private record Entry(String name, DType type, long[] shape, long begin, long end) {}

  static SafetensorsHeader parse(Path path, FileBytes file) {
    long size = file.size();
    byte[] first = new byte[(int) Math.min(size, FileKind.LOOKS_AT)];
    file.read(0, first, first.length);
    if (size < 8) {
      throw refused(
          path,
          first,
          "is %d bytes long; a safetensors file starts with 8 bytes of length".formatted(size));
    }
    long length = ByteBuffer.wrap(first).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (length < 2 || length > size - 8) {
      throw refused(
          path,
          first,
          "header length %s does not fit a file of %d bytes (truncated, or not a safetensors file)"
              .formatted(Long.toUnsignedString(length), size));
    }
    if (length > WeightsFile.MAX_HEADER_BYTES) {
      throw refused(
          path,
          first,
          "header length %d is above the limit of %d bytes"
              .formatted(length, WeightsFile.MAX_HEADER_BYTES));
    }
    if (size > 8 && first[8] != '{') {
      throw refused(path, first, "header does not begin with '{'");
    }
    long dataBytes = size - 8 - length;
    Map<String, String> metadata = new LinkedHashMap<>();
    List<Entry> entries = new ArrayList<>();
    try (Reader text =
            new InputStreamReader(file.stream(8, 8 + length), StandardCharsets.UTF_8.newDecoder());
        StrictJson json = new StrictJson(text, MAX_DEPTH)) {
      String name = json.nextName();
      while (name != null) {
        if (name.equals(METADATA)) {
          readMetadata(path, json.value(WeightsFile.MAX_TENSORS + 1), metadata);
        } else if (entries.size() == WeightsFile.MAX_TENSORS) {
          throw new WeightsFormatException(
              path, "has more than %d tensors, which is the limit".formatted(entries.size()));
        } else {
          entries.add(readEntry(path, name, json.value(MAX_ENTRY_VALUES), dataBytes));
        }
        name = json.nextName();
      }
    } catch (JsonProblem e) {
      throw new WeightsFormatException(path, "header cannot be read as JSON: " + e.getMessage(), e);
    } catch (CharacterCodingException e) {
      throw new WeightsFormatException(path, "header is not valid UTF-8", e);
    } catch (IOException e) {
      throw new WeightsFormatException(path, "header cannot be read", e);
    }
    entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    checkTiling(path, entries, dataBytes);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Entry e : entries) {
      long at = 8 + length + e.begin;
      tensors.put(e.name, new Tensor(e.name, e.type, e.shape, file, at, e.end - e.begin));
    }
    return new SafetensorsHeader(Map.copyOf(metadata), tensors);
  }

  /** A file that is none, told by what it is if its first bytes say so. */
  private static WeightsFormatException refused(Path path, byte[] first, String problem) {
    FileKind kind = FileKind.of(path, first);
    return new WeightsFormatException(
        path,
        switch (kind) {
          case SAFETENSORS, UNKNOWN -> problem;
          default -> "%s, not a safetensors file; %s".formatted(kind.what(), kind.cure());
        });
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
    if (node.size() > WeightsFile.MAX_DIMENSIONS) {
      throw new WeightsFormatException(
          path,
          "tensor \"%s\": %s has %d numbers; at most %d are read"
              .formatted(tensor, field, node.size(), WeightsFile.MAX_DIMENSIONS));
    }
    long[] values = new long[node.size()];
    for (int i = 0; i < values.length; i++) {
      JsonNode item = node.get(i);
      if (!item.isLong() || item.longValue() < 0) {
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
