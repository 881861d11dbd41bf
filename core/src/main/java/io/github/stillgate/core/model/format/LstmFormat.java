package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Lstm;
import java.util.Set;

/** {@code lstm}: its {@code units} are the cells. */
final class LstmFormat extends LayerFormat<Lstm> {
  LstmFormat() {
    super(Lstm.class, "lstm");
  }

  @Override
  Lstm read(LayerReader reader) {
    reader.requireWidthsAnd(
        Set.of(), Set.of("projection", "peepholes", "coupled_gates", "activations"));
    int d = reader.inputs();
    int n = reader.units();
    boolean projected = reader.has("projection");
    int p = projected ? reader.count("projection") : n;
    Lstm.Builder lstm = Lstm.named(reader.name());
    if (reader.has("activations")) {
      JsonNode all = reader.activations("gates", "cell", "hidden");
      lstm.activations(
          new Lstm.Activations(
              ActivationFormat.elementwise(all.get("gates"), reader.prefix()),
              ActivationFormat.elementwise(all.get("cell"), reader.prefix()),
              ActivationFormat.elementwise(all.get("hidden"), reader.prefix())));
    }
    lstm.input(reader.sums("i", n, d, p));
    if (reader.flag("coupled_gates")) {
      lstm.coupledGates();
    } else {
      lstm.forget(reader.sums("f", n, d, p));
    }
    lstm.output(reader.sums("o", n, d, p)).cell(reader.sums("g", n, d, p));
    if (reader.flag("peepholes")) {
      lstm.peepholes(
          Lstm.Peepholes.toInput(reader.vector("pi", n))
              .toForget(reader.vector("pf", n))
              .toOutput(reader.vector("po", n)));
    }
    if (projected) {
      lstm.projection(reader.matrix("Wp", p, n));
    }
    return lstm.build();
  }

  @Override
  void describeFields(Lstm layer, ObjectNode node) {
    describeWidths(layer, layer.cells(), node);
    layer.projection().ifPresent(wp -> node.put("projection", wp.rows()));
    layer.peepholes().ifPresent(_ -> node.put("peepholes", true));
    if (layer.f().isEmpty()) {
      node.put("coupled_gates", true);
    }
    if (!layer.activations().equals(Lstm.Activations.STANDARD)) {
      ObjectNode activations = node.putObject("activations");
      ActivationFormat.describe(activations, "gates", layer.activations().gates());
      ActivationFormat.describe(activations, "cell", layer.activations().cell());
      ActivationFormat.describe(activations, "hidden", layer.activations().hidden());
    }
  }

  @Override
  void identifyParts(Lstm layer, Fingerprint fingerprint) {
    fingerprint.word(layer.f().isEmpty() ? "coupled_gates" : "");
    fingerprint.word(layer.peepholes().isPresent() ? "peepholes" : "");
    fingerprint.word(layer.projection().isPresent() ? "projection" : "");
    fingerprint.activation(layer.activations().gates());
    fingerprint.activation(layer.activations().cell());
    fingerprint.activation(layer.activations().hidden());
    fingerprint.tensors(layer.tensors());
  }
}
