package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Along;

/** {@code along}: a layer in a layer, which has its name. */
final class AlongFormat extends LayerFormat<Along> {
  AlongFormat() {
    super(Along.class, "along");
  }

  @Override
  Along read(LayerReader reader) {
    reader.requireTypeAnd("layer", "positions");
    return new Along(reader.wrapped("layer"), reader.count("positions"));
  }

  @Override
  void describeFields(Along layer, ObjectNode node) {
    node.put("positions", layer.positions());
    LayerFormats.of(layer.layer()).describe(layer.layer(), node.putObject("layer"));
  }

  @Override
  void identifyParts(Along layer, Fingerprint fingerprint) {
    fingerprint.count(layer.positions());
    fingerprint.layer(layer.layer());
  }
}
