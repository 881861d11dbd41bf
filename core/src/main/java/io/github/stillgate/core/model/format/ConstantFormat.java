package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Constant;

/** {@code constant}. */
final class ConstantFormat extends LayerFormat<Constant> {
  ConstantFormat() {
    super(Constant.class, "constant");
  }

  @Override
  Constant read(LayerReader reader) {
    reader.requireTypeAnd("name", "units");
    return new Constant(reader.name(), reader.vector("values", reader.units()));
  }

  @Override
  void describeFields(Constant layer, ObjectNode node) {
    node.put("name", layer.name()).put("units", layer.outputs());
  }

  @Override
  void identifyParts(Constant layer, Fingerprint fingerprint) {
    fingerprint.tensors(layer.tensors());
  }
}
