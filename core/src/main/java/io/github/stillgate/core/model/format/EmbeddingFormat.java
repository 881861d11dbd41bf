package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Embedding;
import java.util.Set;

/** {@code embedding}. */
final class EmbeddingFormat extends LayerFormat<Embedding> {
  EmbeddingFormat() {
    super(Embedding.class, "embedding");
  }

  @Override
  Embedding read(LayerReader reader) {
    reader.requireWidthsAnd(Set.of(), Set.of());
    return new Embedding(reader.name(), reader.matrix("E", reader.inputs(), reader.units()));
  }

  @Override
  void describeFields(Embedding layer, ObjectNode node) {
    describeWidths(layer, layer.outputs(), node);
  }

  @Override
  void identifyParts(Embedding layer, Fingerprint fingerprint) {
    fingerprint.tensors(layer.tensors());
  }
}
