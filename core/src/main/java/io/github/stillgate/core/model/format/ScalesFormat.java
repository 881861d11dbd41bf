package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.AtPositions;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.OperandRole;
import io.github.stillgate.core.model.OperandScales;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;

/** {@code operand_scales} of a layer: an object of operands and their scales. */
final class ScalesFormat {
  static final String FIELD = "operand_scales";

  private ScalesFormat() {}

  /**
   * The scales of one layer.
   *
   * @param layer names it in messages
   * @throws IllegalArgumentException if an operand is not known or its scale is no number; what the
   *     number may be is checked with those of all layers
   */
  static Map<OperandRole, Float> read(JsonNode node, String layer) {
    if (!node.isObject()) {
      throw new IllegalArgumentException(
          "layer %s: \"%s\" is not an object: %s".formatted(layer, FIELD, node));
    }
    Map<OperandRole, Float> scales = new EnumMap<>(OperandRole.class);
    node.properties()
        .forEach(entry -> {
          if (!entry.getValue().isNumber()) {
            throw new IllegalArgumentException(
                "layer %s: the scale of operand %s is %s; expected a number"
                    .formatted(layer, entry.getKey(), entry.getValue()));
          }
          scales.put(role(entry.getKey(), layer), entry.getValue().floatValue());
        });
    return scales;
  }

  private static OperandRole role(String word, String layer) {
    return Arrays.stream(OperandRole.values())
        .filter(role -> role.word().equals(word))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "layer %s: operand \"%s\" is not known (known: %s)"
                    .formatted(
                        layer,
                        word,
                        Arrays.stream(OperandRole.values()).map(OperandRole::word).toList())));
  }

  /** Adds the scales of a layer, and of those in it, to its description. */
  static void describe(Layer layer, String outer, OperandScales scales, ObjectNode node) {
    String place = outer + layer.name();
    switch (layer) {
      case Bidirectional pair -> {
        describe(pair.forward(), place + ".", scales, inner(node, "forward"));
        describe(pair.backward(), place + ".", scales, inner(node, "backward"));
      }
      case Backward backward -> describe(backward.layer(), outer, scales, inner(node, "layer"));
      case AtPositions at -> describe(at.layer(), outer, scales, inner(node, "layer"));
      default -> {
        Map<OperandRole, Float> ofIt = scales.byLayer().getOrDefault(place, Map.of());
        if (!ofIt.isEmpty()) {
          ObjectNode object = node.putObject(FIELD);
          for (OperandRole role : OperandRole.values()) {
            if (ofIt.containsKey(role)) {
              object.put(role.word(), ofIt.get(role).floatValue());
            }
          }
        }
      }
    }
  }

  private static ObjectNode inner(ObjectNode node, String field) {
    return (ObjectNode) node.path(field);
  }
}
