package io.github.stillgate.core.model;

import io.github.stillgate.core.kernel.Int8;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;

/**
 * Scales of what a network's layers multiply in int8, as they were found on data: an int8 plan
 * rounds a value v to {@code rint(v / scale)}, and clamps and counts what is beyond 127 scales.
 * They are a way to run a network and no part of it: the fingerprint does not have them, and a plan
 * uses one only where it cannot prove that the operand lies within [-1, 1].
 *
 * <p>Immutable; any thread may use it.
 *
 * @param byLayer scales by the layer's name, before which the name of a pair of directions stands
 *     with a dot, and by the operand
 */
public record OperandScales(Map<String, Map<OperandRole, Float>> byLayer) {
  /** No scales. */
  public static final OperandScales NONE = new OperandScales(Map.of());

  /**
   * Copies the maps.
   *
   * @throws IllegalArgumentException if a scale is not a number from 2^-107 to 2^121
   */
  public OperandScales {
    Map<String, Map<OperandRole, Float>> copy = new LinkedHashMap<>();
    byLayer.forEach((layer, scales) -> {
      Map<OperandRole, Float> ofIt = new EnumMap<>(OperandRole.class);
      scales.forEach((role, scale) -> {
        Int8Scale.require("layer %s: the scale of operand %s".formatted(layer, role.word()), scale);
        ofIt.put(role, scale);
      });
      if (!ofIt.isEmpty()) {
        copy.put(layer, Map.copyOf(ofIt));
      }
    });
    byLayer = Collections.unmodifiableMap(copy);
  }

  /**
   * These with one more, or another one.
   *
   * @throws IllegalArgumentException as above
   */
  public OperandScales with(String layer, OperandRole role, float scale) {
    Map<String, Map<OperandRole, Float>> more = new LinkedHashMap<>(byLayer);
    Map<OperandRole, Float> ofIt = new EnumMap<>(OperandRole.class);
    ofIt.putAll(more.getOrDefault(layer, Map.of()));
    ofIt.put(role, scale);
    more.put(layer, ofIt);
    return new OperandScales(more);
  }

  /** The scale for values of magnitude up to {@code largest}: {@code largest / 127}. */
  public static float reaching(float largest) {
    return Int8.scale(largest);
  }

  /** The scale of a layer's operand, if it has one. */
  public OptionalDouble scale(String layer, OperandRole role) {
    Float scale = byLayer.getOrDefault(layer, Map.of()).get(role);
    return scale == null ? OptionalDouble.empty() : OptionalDouble.of(scale);
  }

  /** Whether there are none. */
  public boolean isEmpty() {
    return byLayer.isEmpty();
  }

  /** Those of layers and operands that {@code layers} have. */
  public OperandScales of(List<Layer> layers) {
    Map<String, Map<OperandRole, Float>> some = new LinkedHashMap<>();
    places(layers)
        .forEach((name, layer) -> {
          Map<OperandRole, Float> ofIt = new EnumMap<>(OperandRole.class);
          ofIt.putAll(byLayer.getOrDefault(name, Map.of()));
          ofIt.keySet().retainAll(OperandRole.of(layer));
          some.put(name, ofIt);
        });
    return new OperandScales(some);
  }

  /**
   * Refuses scales of layers or operands that {@code layers} do not have.
   *
   * @throws IllegalArgumentException if there is one
   */
  void requireWithin(List<Layer> layers) {
    SequencedMap<String, Layer> places = places(layers);
    byLayer.forEach((name, scales) -> {
      Layer layer = places.get(name);
      if (layer == null) {
        throw new IllegalArgumentException(
            "scales of operands are given for layer %s, which the network does not have"
                .formatted(name));
      }
      Set<OperandRole> known = OperandRole.of(layer);
      for (OperandRole role : scales.keySet()) {
        if (!known.contains(role)) {
          throw new IllegalArgumentException(
              "layer %s multiplies no operand %s, for which a scale is given; it has %s"
                  .formatted(
                      name,
                      role.word(),
                      new TreeSet<>(known).stream().map(OperandRole::word).toList()));
        }
      }
    });
  }

  /** The layers by the names that scales go by, directions of a pair one by one. */
  private static SequencedMap<String, Layer> places(List<Layer> layers) {
    SequencedMap<String, Layer> places = new LinkedHashMap<>();
    for (Layer layer : layers) {
      if ((layer instanceof Along along ? along.layer() : layer) instanceof Bidirectional pair) {
        for (Layer direction : List.of(pair.forward(), pair.backward())) {
          places.put(pair.name() + "." + direction.name(), direction);
        }
      } else {
        places.put(layer.name(), layer);
      }
    }
    return places;
  }
}
