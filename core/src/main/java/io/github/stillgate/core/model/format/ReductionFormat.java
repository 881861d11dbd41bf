package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Reduction;

/** {@code reduction}. */
final class ReductionFormat extends LayerFormat<Reduction> {
  ReductionFormat() {
    super(Reduction.class, "reduction");
  }

  @Override
  Reduction read(LayerReader reader) {
    reader.requireTypeAnd("name", "rows", "columns", "operation");
    String word = reader.text("operation");
    for (Reduction.Kind kind : Reduction.Kind.values()) {
      if (word(kind).equals(word)) {
        return new Reduction(reader.name(), reader.count("rows"), reader.count("columns"), kind);
      }
    }
    throw new IllegalArgumentException(
        "layer %s: operation \"%s\" is not known (known: sum, mean, maximum, minimum)"
            .formatted(reader.prefix(), word));
  }

  @Override
  void describeFields(Reduction layer, ObjectNode node) {
    node.put("name", layer.name())
        .put("rows", layer.rows())
        .put("columns", layer.columns())
        .put("operation", word(layer.kind()));
  }

  @Override
  void identifyParts(Reduction layer, Fingerprint fingerprint) {
    fingerprint.count(layer.rows());
    fingerprint.count(layer.columns());
    fingerprint.word(word(layer.kind()));
  }

  private static String word(Reduction.Kind kind) {
    return switch (kind) {
      case SUM -> "sum";
      case MEAN -> "mean";
      case MAXIMUM -> "maximum";
      case MINIMUM -> "minimum";
    };
  }
}
