package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.WeightedSum;

/** {@code weighted_sum}. */
final class WeightedSumFormat extends LayerFormat<WeightedSum> {
  WeightedSumFormat() {
    super(WeightedSum.class, "weighted_sum");
  }

  @Override
  WeightedSum read(LayerReader reader) {
    reader.requireTypeAnd("name", "units", "terms", "channels", "activation");
    int channels = reader.count("channels");
    return new WeightedSum(
        reader.name(),
        reader.units(),
        reader.matrix("W", reader.count("terms"), channels),
        reader.vector("b", channels),
        reader.elementwise("activation"));
  }

  @Override
  void describeFields(WeightedSum layer, ObjectNode node) {
    node.put("name", layer.name())
        .put("units", layer.width())
        .put("terms", layer.terms())
        .put("channels", layer.channels());
    ActivationFormat.describe(node, "activation", layer.activation());
  }

  @Override
  void identifyParts(WeightedSum layer, Fingerprint fingerprint) {
    fingerprint.count(layer.width());
    fingerprint.activation(layer.activation());
    fingerprint.tensors(layer.tensors());
  }
}
