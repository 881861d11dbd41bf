package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.SimpleRnn;
import java.util.Set;

/** {@code simple_rnn}. */
final class SimpleRnnFormat extends LayerFormat<SimpleRnn> {
  SimpleRnnFormat() {
    super(SimpleRnn.class, "simple_rnn");
  }

  @Override
  SimpleRnn read(LayerReader reader) {
    reader.requireWidthsAnd(Set.of("activation"), Set.of());
    int d = reader.inputs();
    int n = reader.units();
    return new SimpleRnn(
        reader.name(),
        reader.matrix("W", n, d),
        reader.matrix("U", n, n),
        reader.vector("b", n),
        reader.elementwise("activation"));
  }

  @Override
  void describeFields(SimpleRnn layer, ObjectNode node) {
    describeWidths(layer, layer.outputs(), node);
    ActivationFormat.describe(node, "activation", layer.activation());
  }

  @Override
  void identifyParts(SimpleRnn layer, Fingerprint fingerprint) {
    fingerprint.activation(layer.activation());
    fingerprint.tensors(layer.tensors());
  }
}
