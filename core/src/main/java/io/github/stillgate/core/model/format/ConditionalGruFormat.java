package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Gating;
import java.util.Set;

/** {@code conditional_gru}: its gating is an object with a type of its own. */
final class ConditionalGruFormat extends LayerFormat<ConditionalGru> {
  ConditionalGruFormat() {
    super(ConditionalGru.class, "conditional_gru");
  }

  @Override
  ConditionalGru read(LayerReader reader) {
    reader.requireWidthsAnd(Set.of("gating"), Set.of());
    int d = reader.inputs();
    int n = reader.units();
    return ConditionalGru.named(reader.name())
        .gating(gating(reader, d, n))
        .reset(reader.sums("r", n, d, n))
        .candidate(reader.sums("c", n, d, n))
        .build();
  }

  private static Gating gating(LayerReader reader, int d, int n) {
    JsonNode node = reader.field("gating");
    String what = "gating of layer " + reader.prefix();
    String type =
        JsonFields.text(node.path("type"), "layer %s: gating \"type\"".formatted(reader.prefix()));
    switch (type) {
      case "full" -> {
        JsonFields.require(node, what, Set.of("type"), Set.of());
        return new Gating.Full(reader.sums("z", n, d, n));
      }
      case "unit" -> {
        JsonFields.require(node, what, Set.of("type", "rank"), Set.of());
        int g = LayerReader.count(node, "rank");
        return new Gating.Unit(
            reader.sums("u", g, d, n), reader.matrix("Wz", n, g), reader.vector("bz", n));
      }
      case "block" -> {
        JsonFields.require(node, what, Set.of("type", "blocks"), Set.of());
        return block(reader, LayerReader.count(node, "blocks"), d, n);
      }
      case "hybrid" -> {
        JsonFields.require(node, what, Set.of("type", "blocks"), Set.of());
        int g = LayerReader.count(node, "blocks");
        return new Gating.Hybrid(
            block(reader, g, d, n), reader.matrix("V", n, g), reader.vector("e", n));
      }
      default ->
          throw new IllegalArgumentException(
              "layer %s: gating \"%s\" is not known (known: full, unit, block, hybrid)"
                  .formatted(reader.prefix(), type));
    }
  }

  private static Gating.Block block(LayerReader reader, int g, int d, int n) {
    return new Gating.Block(reader.sums("u", g, d, n), reader.vector("bz", g));
  }

  private static String word(Gating gating) {
    return switch (gating) {
      case Gating.Full _ -> "full";
      case Gating.Unit _ -> "unit";
      case Gating.Block _ -> "block";
      case Gating.Hybrid _ -> "hybrid";
    };
  }

  @Override
  void describeFields(ConditionalGru layer, ObjectNode node) {
    describeWidths(layer, layer.outputs(), node);
    ObjectNode gating = node.putObject("gating").put("type", word(layer.gating()));
    switch (layer.gating()) {
      case Gating.Full _ -> {}
      case Gating.Unit unit -> gating.put("rank", unit.rank());
      case Gating.Block block -> gating.put("blocks", block.blocks());
      case Gating.Hybrid hybrid -> gating.put("blocks", hybrid.block().blocks());
    }
  }

  @Override
  void identifyParts(ConditionalGru layer, Fingerprint fingerprint) {
    fingerprint.word(word(layer.gating()));
    fingerprint.tensors(layer.tensors());
  }
}
