package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Bidirectional;

/** {@code bidirectional}: two layers in one, whose name stands before theirs. */
final class BidirectionalFormat extends LayerFormat<Bidirectional> {
  BidirectionalFormat() {
    super(Bidirectional.class, "bidirectional");
  }

  @Override
  Bidirectional read(LayerReader reader) {
    reader.requireTypeAnd("name", "forward", "backward");
    return new Bidirectional(reader.name(), reader.inner("forward"), reader.inner("backward"));
  }

  @Override
  void describeFields(Bidirectional layer, ObjectNode node) {
    node.put("name", layer.name());
    LayerFormats.of(layer.forward()).describe(layer.forward(), node.putObject("forward"));
    LayerFormats.of(layer.backward()).describe(layer.backward(), node.putObject("backward"));
  }

  @Override
  void identifyParts(Bidirectional layer, Fingerprint fingerprint) {
    fingerprint.layer(layer.forward());
    fingerprint.layer(layer.backward());
  }
}
