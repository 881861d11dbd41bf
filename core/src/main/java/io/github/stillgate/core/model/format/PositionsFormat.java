package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Positions;

/** {@code positions}. */
final class PositionsFormat extends LayerFormat<Positions> {
  PositionsFormat() {
    super(Positions.class, "positions");
  }

  @Override
  Positions read(LayerReader reader) {
    reader.requireTypeAnd("name", "inputs", "units", "positions", "groups", "activation");
    int units = reader.units();
    return new Positions(
        reader.name(),
        reader.count("positions"),
        reader.count("groups"),
        reader.matrix("W", units, reader.inputs()),
        reader.vector("b", units),
        reader.elementwise("activation"));
  }

  @Override
  void describeFields(Positions layer, ObjectNode node) {
    node.put("name", layer.name())
        .put("inputs", layer.groupInputs())
        .put("units", layer.b().rows())
        .put("positions", layer.positions())
        .put("groups", layer.groups());
    ActivationFormat.describe(node, "activation", layer.activation());
  }

  @Override
  void identifyParts(Positions layer, Fingerprint fingerprint) {
    fingerprint.count(layer.positions());
    fingerprint.count(layer.groups());
    fingerprint.activation(layer.activation());
    fingerprint.tensors(layer.tensors());
  }
}
