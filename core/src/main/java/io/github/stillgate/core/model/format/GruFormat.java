package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.GateEstimate;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Reset;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;

/** {@code gru}. */
final class GruFormat extends LayerFormat<Gru> {
  private static final String ESTIMATE = "estimate.";

  GruFormat() {
    super(Gru.class, "gru");
  }

  @Override
  Gru read(LayerReader reader) {
    reader.requireWidthsAnd(Set.of(), Set.of("reset", "reset_bias", "activations", "estimate"));
    int d = reader.inputs();
    int n = reader.units();
    Gru.Builder gru =
        Gru.named(reader.name())
            .update(reader.sums("z", n, d, n))
            .reset(reader.sums("r", n, d, n))
            .candidate(reader.sums("c", n, d, n))
            .resetPosition(reset(reader, n));
    if (reader.has("activations")) {
      JsonNode all = reader.activations("update", "reset", "candidate");
      gru.activations(
          new Gru.Activations(
              ActivationFormat.elementwise(all.get("update"), reader.prefix()),
              ActivationFormat.elementwise(all.get("reset"), reader.prefix()),
              ActivationFormat.elementwise(all.get("candidate"), reader.prefix())));
    }
    if (reader.has("estimate")) {
      int k = reader.count("estimate");
      gru.estimate(
          new GateEstimate(
              reader.matrix(ESTIMATE + "W", k, d),
              reader.matrix(ESTIMATE + "U", k, n),
              reader.matrix(ESTIMATE + "V", n, k),
              reader.vector(ESTIMATE + "b", 1).at(0, 0)));
    }
    return gru.build();
  }

  private static Reset reset(LayerReader reader, int n) {
    String layer = reader.prefix();
    boolean bias = reader.flag("reset_bias");
    String where =
        reader.has("reset")
            ? JsonFields.text(reader.field("reset"), layer + ": \"reset\"")
            : "after";
    Reset reset =
        switch (where) {
          case "after" ->
              new Reset.AfterMatrix(bias ? Optional.of(reader.vector("bh", n)) : Optional.empty());
          case "before" -> Reset.BEFORE;
          default ->
              throw new IllegalArgumentException(
                  "layer %s: reset \"%s\" is not known (known: after, before)"
                      .formatted(layer, where));
        };
    if (bias && reset == Reset.BEFORE) {
      throw new IllegalArgumentException(
          "layer %s: \"reset_bias\" belongs to a reset after the matrix".formatted(layer));
    }
    return reset;
  }

  @Override
  void describeFields(Gru layer, ObjectNode node) {
    describeWidths(layer, layer.outputs(), node);
    switch (layer.reset()) {
      case Reset.BeforeMatrix _ -> node.put("reset", "before");
      case Reset.AfterMatrix after -> after.bh().ifPresent(_ -> node.put("reset_bias", true));
    }
    layer.estimate().ifPresent(e -> node.put("estimate", e.rank()));
    if (!layer.activations().equals(Gru.Activations.STANDARD)) {
      ObjectNode activations = node.putObject("activations");
      ActivationFormat.describe(activations, "update", layer.activations().update());
      ActivationFormat.describe(activations, "reset", layer.activations().reset());
      ActivationFormat.describe(activations, "candidate", layer.activations().candidate());
    }
  }

  @Override
  void identifyParts(Gru layer, Fingerprint fingerprint) {
    fingerprint.word(
        switch (layer.reset()) {
          case Reset.BeforeMatrix _ -> "before";
          case Reset.AfterMatrix after -> after.bh().isPresent() ? "reset_bias" : "after";
        });
    fingerprint.activation(layer.activations().update());
    fingerprint.activation(layer.activations().reset());
    fingerprint.activation(layer.activations().candidate());
    // Like the epsilon it serves, an estimate is a way to run a network, and snapshots are good
    // without it.
    SequencedMap<String, Matrix> tensors = layer.tensors();
    tensors.keySet().removeIf(tensor -> tensor.startsWith(ESTIMATE));
    fingerprint.tensors(tensors);
  }
}
