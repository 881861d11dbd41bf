package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Backward;

/** {@code backward}: a layer in a layer, which has its name. */
final class BackwardFormat extends LayerFormat<Backward> {
  BackwardFormat() {
    super(Backward.class, "backward");
  }

  @Override
  Backward read(LayerReader reader) {
    reader.requireTypeAnd("layer");
    return new Backward(reader.wrapped("layer"));
  }

  @Override
  void describeFields(Backward layer, ObjectNode node) {
    LayerFormats.of(layer.layer()).describe(layer.layer(), node.putObject("layer"));
  }

  @Override
  void identifyParts(Backward layer, Fingerprint fingerprint) {
    fingerprint.layer(layer.layer());
  }
}
