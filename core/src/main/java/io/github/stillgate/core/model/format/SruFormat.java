package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Sru;
import java.util.Optional;
import java.util.Set;

/** {@code sru}: {@code skip} says what goes past the cells. */
final class SruFormat extends LayerFormat<Sru> {
  SruFormat() {
    super(Sru.class, "sru");
  }

  @Override
  Sru read(LayerReader reader) {
    reader.requireWidthsAnd(
        Set.of("skip"), Set.of("scale", "reset_gate", "recurrent", "activation"));
    int d = reader.inputs();
    int n = reader.units();
    String skip = reader.text("skip");
    if (reader.has("scale") && !skip.equals("input")) {
      throw new IllegalArgumentException(
          "layer %s: \"scale\" belongs to \"skip\": \"input\"".formatted(reader.prefix()));
    }
    if (reader.has("reset_gate") && !skip.equals("none")) {
      throw new IllegalArgumentException(
          "layer %s: \"reset_gate\" belongs to \"skip\": \"none\"; any other skip needs the gate"
              .formatted(reader.prefix()));
    }
    return new Sru(
        reader.name(),
        reader.matrix("W", n, d),
        gate(reader, "f", n, d),
        switch (skip) {
          case "input" ->
              new Sru.Highway.FromInput(gate(reader, "r", n, d), reader.number("scale", 1));
          case "matrix" ->
              new Sru.Highway.FromMatrix(gate(reader, "r", n, d), reader.matrix("Wh", n, d));
          case "none" ->
              reader.flag("reset_gate", true)
                  ? new Sru.Highway.GateOnly(gate(reader, "r", n, d))
                  : new Sru.Highway.None();
          default ->
              throw new IllegalArgumentException(
                  "layer %s: skip \"%s\" is not known (known: input, matrix, none)"
                      .formatted(reader.prefix(), skip));
        },
        reader.has("activation") ? reader.elementwise("activation") : Activation.LINEAR);
  }

  private static Sru.Gate gate(LayerReader reader, String gate, int n, int d) {
    return new Sru.Gate(
        reader.matrix("W" + gate, n, d),
        reader.flag("recurrent", true)
            ? Optional.of(reader.vector("v" + gate, n))
            : Optional.empty(),
        reader.vector("b" + gate, n));
  }

  @Override
  void describeFields(Sru layer, ObjectNode node) {
    describeWidths(layer, layer.outputs(), node);
    switch (layer.highway()) {
      case Sru.Highway.FromInput fromInput -> {
        node.put("skip", "input");
        if (fromInput.scale() != 1) {
          node.put("scale", fromInput.scale());
        }
      }
      case Sru.Highway.FromMatrix _ -> node.put("skip", "matrix");
      case Sru.Highway.GateOnly _ -> node.put("skip", "none");
      case Sru.Highway.None _ -> node.put("skip", "none").put("reset_gate", false);
    }
    if (!layer.isRecurrent()) {
      node.put("recurrent", false);
    }
    if (!layer.activation().equals(Activation.LINEAR)) {
      ActivationFormat.describe(node, "activation", layer.activation());
    }
  }

  @Override
  void identifyParts(Sru layer, Fingerprint fingerprint) {
    switch (layer.highway()) {
      case Sru.Highway.FromInput fromInput -> {
        fingerprint.word("input");
        fingerprint.count(Float.floatToRawIntBits(fromInput.scale()));
      }
      case Sru.Highway.FromMatrix _ -> fingerprint.word("matrix");
      case Sru.Highway.GateOnly _, Sru.Highway.None _ -> fingerprint.word("none");
    }
    fingerprint.word(layer.highway().reset().isPresent() ? "" : "reset_gate");
    fingerprint.word(layer.isRecurrent() ? "" : "recurrent");
    fingerprint.activation(layer.activation());
    fingerprint.tensors(layer.tensors());
  }
}
