package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.PerPosition;

/** {@code per_position}: a layer in a layer, which has its name. */
final class PerPositionFormat extends LayerFormat<PerPosition> {
  PerPositionFormat() {
    super(PerPosition.class, "per_position");
  }

  @Override
  PerPosition read(LayerReader reader) {
    reader.requireTypeAnd("layer", "positions");
    return new PerPosition(reader.wrapped("layer"), reader.count("positions"));
  }

  @Override
  void describeFields(PerPosition layer, ObjectNode node) {
    node.put("positions", layer.positions());
    LayerFormats.of(layer.layer()).describe(layer.layer(), node.putObject("layer"));
  }

  @Override
  void identifyParts(PerPosition layer, Fingerprint fingerprint) {
    fingerprint.count(layer.positions());
    fingerprint.layer(layer.layer());
  }
}
