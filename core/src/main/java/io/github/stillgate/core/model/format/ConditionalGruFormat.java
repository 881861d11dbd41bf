package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Gating;
import java.util.Optional;
import java.util.Set;

/**
 * {@code conditional_gru}: its gating is an object with a type of its own. The activation of the
 * bottleneck, which is the gating's, stands beside those of the units.
 */
final class ConditionalGruFormat extends LayerFormat<ConditionalGru> {
  ConditionalGruFormat() {
    super(ConditionalGru.class, "conditional_gru");
  }

  @Override
  ConditionalGru read(LayerReader reader) {
    reader.requireWidthsAnd(Set.of("gating"), Set.of("activations"));
    int d = reader.inputs();
    int n = reader.units();
    Gating gating = gating(reader, d, n);
    ConditionalGru.Builder gru =
        ConditionalGru.named(reader.name())
            .gating(gating)
            .reset(reader.sums("r", n, d, n))
            .candidate(reader.sums("c", n, d, n));
    if (reader.has("activations")) {
      JsonNode all =
          bottleneck(gating).isPresent()
              ? reader.activations("bottleneck", "reset", "candidate")
              : reader.activations("reset", "candidate");
      gru.activations(
          new ConditionalGru.Activations(
              ActivationFormat.elementwise(all.get("reset"), reader.prefix()),
              ActivationFormat.elementwise(all.get("candidate"), reader.prefix())));
    }
    return gru.build();
  }

  /** The bottleneck's, as {@code activations} has it; that object is checked by {@link #read}. */
  private static Activation.Elementwise readBottleneck(LayerReader reader) {
    JsonNode function = reader.field("activations").path("bottleneck");
    return function.isMissingNode()
        ? Activation.RELU
        : ActivationFormat.elementwise(function, reader.prefix());
  }

  /** What stands in the bottleneck; empty if there is none. */
  private static Optional<Activation.Elementwise> bottleneck(Gating gating) {
    return switch (gating) {
      case Gating.Full _ -> Optional.empty();
      case Gating.Unit unit -> Optional.of(unit.f());
      case Gating.Block block -> Optional.of(block.f());
      case Gating.Hybrid hybrid -> Optional.of(hybrid.block().f());
    };
  }

  /** Whether its functions are the paper's, which files need not name. */
  static boolean isStandard(ConditionalGru layer) {
    return layer.activations().equals(ConditionalGru.Activations.STANDARD)
        && bottleneck(layer.gating()).orElse(Activation.RELU).equals(Activation.RELU);
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
            reader.sums("u", g, d, n),
            reader.matrix("Wz", n, g),
            reader.vector("bz", n),
            readBottleneck(reader));
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
    return new Gating.Block(
        reader.sums("u", g, d, n), reader.vector("bz", g), readBottleneck(reader));
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
    if (!isStandard(layer)) {
      ObjectNode activations = node.putObject("activations");
      bottleneck(layer.gating())
          .ifPresent(f -> ActivationFormat.describe(activations, "bottleneck", f));
      ActivationFormat.describe(activations, "reset", layer.activations().reset());
      ActivationFormat.describe(activations, "candidate", layer.activations().candidate());
    }
  }

  @Override
  void identifyParts(ConditionalGru layer, Fingerprint fingerprint) {
    fingerprint.word(word(layer.gating()));
    // Only where they are not the papers': fingerprints are older than this choice.
    if (!isStandard(layer)) {
      fingerprint.word("activations");
      bottleneck(layer.gating()).ifPresent(fingerprint::activation);
      fingerprint.activation(layer.activations().reset());
      fingerprint.activation(layer.activations().candidate());
    }
    fingerprint.tensors(layer.tensors());
  }
}
