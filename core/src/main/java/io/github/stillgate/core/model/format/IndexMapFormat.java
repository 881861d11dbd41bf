package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ArrayNode;
import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Operation;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code index_map}. Its positions stand in the description as runs {@code [first, step, count]}:
 * first, first + step, ... They are few where data is sliced, joined or transposed.
 */
final class IndexMapFormat extends LayerFormat<IndexMap> {
  IndexMapFormat() {
    super(IndexMap.class, "index_map");
  }

  @Override
  IndexMap read(LayerReader reader) {
    reader.requireTypeAnd("name", "inputs", "units", "index");
    String name = reader.name();
    int units = reader.units();
    Operation.requireWidth(name, units);
    int[] index = new int[units];
    int filled = 0;
    for (JsonNode run : array(reader, "index")) {
      int first = number(run, 0, name);
      int step = number(run, 1, name);
      int count = number(run, 2, name);
      if (run.size() != 3 || count < 1 || count > units - filled) {
        throw new IllegalArgumentException(
            "layer %s: %s is no run of positions that fits behind %d of %d; expected [first, step,"
                    .formatted(name, run, filled, units)
                + " count]");
      }
      for (int i = 0; i < count; i++) {
        long position = first + (long) step * i;
        if (position < -1 || position > Integer.MAX_VALUE) {
          throw new IllegalArgumentException(
              "layer %s: %s gives the position %d".formatted(name, run, position));
        }
        index[filled++] = (int) position;
      }
    }
    if (filled < units) {
      throw new IllegalArgumentException(
          "layer %s: \"index\" has %d positions, the description makes it %d"
              .formatted(name, filled, units));
    }
    List<Integer> widths = new ArrayList<>();
    for (JsonNode width : array(reader, "inputs")) {
      if (!width.isInt()) {
        throw new IllegalArgumentException(
            "layer %s: \"inputs\" has %s; expected widths".formatted(name, width));
      }
      widths.add(width.intValue());
    }
    return new IndexMap(name, widths, index);
  }

  private static JsonNode array(LayerReader reader, String field) {
    JsonNode node = reader.field(field);
    if (!node.isArray()) {
      throw new IllegalArgumentException(
          "layer %s: \"%s\" is not an array: %s".formatted(reader.prefix(), field, node));
    }
    return node;
  }

  private static int number(JsonNode run, int at, String layer) {
    if (!run.isArray() || run.size() <= at || !run.get(at).isInt()) {
      throw new IllegalArgumentException(
          "layer %s: %s is no run of positions; expected [first, step, count]"
              .formatted(layer, run));
    }
    return run.get(at).intValue();
  }

  @Override
  void describeFields(IndexMap layer, ObjectNode node) {
    node.put("name", layer.name());
    ArrayNode inputs = node.putArray("inputs");
    layer.inputWidths().forEach(inputs::add);
    node.put("units", layer.outputs());
    ArrayNode runs = node.putArray("index");
    for (int at = 0; at < layer.outputs(); ) {
      int count = run(layer, at);
      int step = count > 1 ? layer.at(at + 1) - layer.at(at) : 0;
      runs.addArray().add(layer.at(at)).add(step).add(count);
      at += count;
    }
  }

  /** How many positions from {@code at} on have one distance. */
  private static int run(IndexMap layer, int at) {
    int count = 1;
    while (at + count < layer.outputs()
        && (count == 1
            || layer.at(at + count) - layer.at(at + count - 1)
                == layer.at(at + 1) - layer.at(at))) {
      count++;
    }
    return count;
  }

  @Override
  void identifyParts(IndexMap layer, Fingerprint fingerprint) {
    fingerprint.count(layer.inputWidths().size());
    layer.inputWidths().forEach(fingerprint::count);
    fingerprint.count(layer.outputs());
    for (int i = 0; i < layer.outputs(); i++) {
      fingerprint.count(layer.at(i));
    }
  }
}
