package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Normalise;

/** {@code normalise}. */
final class NormaliseFormat extends LayerFormat<Normalise> {
  NormaliseFormat() {
    super(Normalise.class, "normalise");
  }

  @Override
  Normalise read(LayerReader reader) {
    reader.requireTypeAnd("name", "rows", "columns", "epsilon");
    return new Normalise(
        reader.name(), reader.count("rows"), reader.count("columns"), reader.number("epsilon", 0));
  }

  @Override
  void describeFields(Normalise layer, ObjectNode node) {
    node.put("name", layer.name())
        .put("rows", layer.rows())
        .put("columns", layer.columns())
        .put("epsilon", layer.epsilon());
  }

  @Override
  void identifyParts(Normalise layer, Fingerprint fingerprint) {
    fingerprint.count(layer.rows());
    fingerprint.count(layer.columns());
    fingerprint.count(Float.floatToRawIntBits(layer.epsilon()));
  }
}
