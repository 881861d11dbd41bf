package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Dense;
import java.util.Set;

/** {@code dense}. */
final class DenseFormat extends LayerFormat<Dense> {
  DenseFormat() {
    super(Dense.class, "dense");
  }

  @Override
  Dense read(LayerReader reader) {
    reader.requireWidthsAnd(Set.of("activation"), Set.of());
    int d = reader.inputs();
    int n = reader.units();
    return new Dense(
        reader.name(),
        reader.matrix("W", n, d),
        reader.vector("b", n),
        reader.activation("activation"));
  }

  @Override
  void describeFields(Dense layer, ObjectNode node) {
    describeWidths(layer, layer.outputs(), node);
    ActivationFormat.describe(node, "activation", layer.activation());
  }

  @Override
  void identifyParts(Dense layer, Fingerprint fingerprint) {
    fingerprint.activation(layer.activation());
    fingerprint.tensors(layer.tensors());
  }
}
