package io.github.stillgate.core.model;

import io.github.stillgate.core.json.ArrayNode;
import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.WeightsWriter;

/** Writes what {@link NetworkDescription} reads. */
final class DescriptionWriter {
  private DescriptionWriter() {}

  /**
   * The file of {@code model}.
   *
   * @throws IllegalArgumentException if it could not be read again: it would be beyond a limit
   */
  static WeightsWriter write(Model model, DType type) {
    ObjectNode root = new ObjectNode();
    root.put("version", NetworkDescription.VERSION);
    model.vocabulary().ifPresent(v -> root.put("vocabulary", v.characters()));
    ArrayNode layers = root.putArray("layers");
    WeightsWriter writer = new WeightsWriter();
    for (Layer layer : model.layers()) {
      describe(layers.addObject(), layer);
      layer
          .tensors()
          .forEach((field, m) -> {
            int[] shape = m.isVector() ? new int[] {m.rows()} : new int[] {m.rows(), m.columns()};
            writer.tensor(layer.name() + "." + field, type, m.elements(), shape);
          });
    }
    String text = root.toString();
    if (text.length() > NetworkDescription.MAX_CHARACTERS) {
      throw new IllegalArgumentException(
          "the network's description takes %d characters; a file may have %d"
              .formatted(text.length(), NetworkDescription.MAX_CHARACTERS));
    }
    return writer.metadata(NetworkDescription.KEY, text);
  }

  private static void describe(ObjectNode node, Layer layer) {
    switch (layer) {
      case ConditionalGru gru -> {
        describe(node, "conditional_gru", layer);
        ObjectNode gating = node.putObject("gating");
        switch (gru.gating()) {
          case Gating.Full _ -> gating.put("type", "full");
          case Gating.Unit unit -> gating.put("type", "unit").put("rank", unit.rank());
          case Gating.Block block -> gating.put("type", "block").put("blocks", block.blocks());
          case Gating.Hybrid hybrid ->
              gating.put("type", "hybrid").put("blocks", hybrid.block().blocks());
        }
      }
      case Gru gru -> {
        describe(node, "gru", gru);
        switch (gru.reset()) {
          case Reset.BeforeMatrix _ -> node.put("reset", "before");
          case Reset.AfterMatrix after -> after.bh().ifPresent(_ -> node.put("reset_bias", true));
        }
        gru.estimate().ifPresent(e -> node.put("estimate", e.rank()));
        if (!gru.activations().equals(Gru.Activations.STANDARD)) {
          ObjectNode activations = node.putObject("activations");
          ActivationFormat.describe(activations, "update", gru.activations().update());
          ActivationFormat.describe(activations, "reset", gru.activations().reset());
          ActivationFormat.describe(activations, "candidate", gru.activations().candidate());
        }
      }
      case Lstm lstm -> {
        describe(node, "lstm", lstm);
        node.put("units", lstm.cells());
        lstm.projection().ifPresent(wp -> node.put("projection", wp.rows()));
        lstm.peepholes().ifPresent(_ -> node.put("peepholes", true));
        if (lstm.forget().isEmpty()) {
          node.put("coupled_gates", true);
        }
        if (!lstm.activations().equals(Lstm.Activations.STANDARD)) {
          ObjectNode activations = node.putObject("activations");
          ActivationFormat.describe(activations, "gates", lstm.activations().gates());
          ActivationFormat.describe(activations, "cell", lstm.activations().cell());
          ActivationFormat.describe(activations, "hidden", lstm.activations().hidden());
        }
      }
      case SimpleRnn rnn -> {
        describe(node, "simple_rnn", rnn);
        ActivationFormat.describe(node, "activation", rnn.activation());
      }
      case Embedding embedding -> describe(node, "embedding", embedding);
      case Dense dense -> {
        describe(node, "dense", dense);
        ActivationFormat.describe(node, "activation", dense.activation());
      }
      case Backward backward -> {
        node.put("type", "backward");
        describe(node.putObject("layer"), backward.layer());
      }
      case Bidirectional pair -> {
        node.put("type", "bidirectional").put("name", pair.name());
        describe(node.putObject("forward"), pair.forward());
        describe(node.putObject("backward"), pair.backward());
      }
    }
  }

  private static void describe(ObjectNode node, String type, Layer layer) {
    node.put("type", type)
        .put("name", layer.name())
        .put("inputs", layer.inputs())
        .put("units", layer.outputs());
  }
}
