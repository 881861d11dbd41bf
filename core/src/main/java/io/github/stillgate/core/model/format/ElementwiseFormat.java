package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Elementwise;

/** {@code elementwise}. */
final class ElementwiseFormat extends LayerFormat<Elementwise> {
  ElementwiseFormat() {
    super(Elementwise.class, "elementwise");
  }

  @Override
  Elementwise read(LayerReader reader) {
    reader.requireTypeAnd("name", "units", "activation");
    return new Elementwise(reader.name(), reader.units(), reader.elementwise("activation"));
  }

  @Override
  void describeFields(Elementwise layer, ObjectNode node) {
    node.put("name", layer.name()).put("units", layer.width());
    ActivationFormat.describe(node, "activation", layer.function());
  }

  @Override
  void identifyParts(Elementwise layer, Fingerprint fingerprint) {
    fingerprint.count(layer.width());
    fingerprint.activation(layer.function());
  }
}
