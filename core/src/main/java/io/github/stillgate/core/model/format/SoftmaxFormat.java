package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Softmax;

/** {@code softmax}. */
final class SoftmaxFormat extends LayerFormat<Softmax> {
  SoftmaxFormat() {
    super(Softmax.class, "softmax");
  }

  @Override
  Softmax read(LayerReader reader) {
    reader.requireTypeAnd("name", "rows", "columns");
    return new Softmax(reader.name(), reader.count("rows"), reader.count("columns"));
  }

  @Override
  void describeFields(Softmax layer, ObjectNode node) {
    node.put("name", layer.name()).put("rows", layer.rows()).put("columns", layer.columns());
  }

  @Override
  void identifyParts(Softmax layer, Fingerprint fingerprint) {
    fingerprint.count(layer.rows());
    fingerprint.count(layer.columns());
  }
}
