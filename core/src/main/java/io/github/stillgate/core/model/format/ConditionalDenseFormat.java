package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.ConditionalDense;
import java.util.Set;

/** {@code conditional_dense}: {@code rank} is the width of its estimate. */
final class ConditionalDenseFormat extends LayerFormat<ConditionalDense> {
  ConditionalDenseFormat() {
    super(ConditionalDense.class, "conditional_dense");
  }

  @Override
  ConditionalDense read(LayerReader reader) {
    reader.requireWidthsAnd(Set.of("rank"), Set.of());
    int d = reader.inputs();
    int h = reader.units();
    int k = reader.count("rank");
    return new ConditionalDense(
        reader.name(),
        new ConditionalDense.Estimate(
            reader.matrix("V", k, d), reader.matrix("U", h, k), reader.vector("e", h)),
        reader.matrix("W", h, d),
        reader.vector("b", h));
  }

  @Override
  void describeFields(ConditionalDense layer, ObjectNode node) {
    describeWidths(layer, layer.outputs(), node);
    node.put("rank", layer.estimate().rank());
  }

  @Override
  void identifyParts(ConditionalDense layer, Fingerprint fingerprint) {
    fingerprint.tensors(layer.tensors());
  }
}
