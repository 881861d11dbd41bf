package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Combine;
import java.util.Arrays;
import java.util.List;

/** {@code combine}. */
final class CombineFormat extends LayerFormat<Combine> {
  CombineFormat() {
    super(Combine.class, "combine");
  }

  @Override
  Combine read(LayerReader reader) {
    reader.requireTypeAnd("name", "units", "operation");
    String word = reader.text("operation");
    for (Combine.Kind kind : Combine.Kind.values()) {
      if (word(kind).equals(word)) {
        return new Combine(reader.name(), reader.units(), kind);
      }
    }
    List<String> known =
        Arrays.stream(Combine.Kind.values()).map(CombineFormat::word).sorted().toList();
    throw new IllegalArgumentException(
        "layer %s: operation \"%s\" is not known (known: %s)"
            .formatted(reader.prefix(), word, known));
  }

  @Override
  void describeFields(Combine layer, ObjectNode node) {
    node.put("name", layer.name()).put("units", layer.width()).put("operation", word(layer.kind()));
  }

  @Override
  void identifyParts(Combine layer, Fingerprint fingerprint) {
    fingerprint.count(layer.width());
    fingerprint.word(word(layer.kind()));
  }

  private static String word(Combine.Kind kind) {
    return switch (kind) {
      case ADD -> "add";
      case SUBTRACT -> "subtract";
      case MULTIPLY -> "multiply";
      case DIVIDE -> "divide";
      case MINIMUM -> "minimum";
      case MAXIMUM -> "maximum";
      case POWER -> "power";
      case LEAK -> "leak";
    };
  }
}
