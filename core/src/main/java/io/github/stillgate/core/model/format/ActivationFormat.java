package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ArrayNode;
import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Activation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Activations as files write them: a name, or a list of steps. */
public final class ActivationFormat {
  private ActivationFormat() {}

  /** What files call a function; snapshots hang on it through {@link Fingerprint}. */
  public static String name(Activation.Function function) {
    return switch (function) {
      case SIGMOID -> "sigmoid";
      case TANH -> "tanh";
      case AFFINE -> "affine";
      case CLAMP -> "clamp";
      case LEAK -> "leak";
      case THRESHOLD -> "threshold";
      case ELU -> "elu";
      case SOFTSIGN -> "softsign";
      case EXP -> "exp";
      case LOG -> "log";
      case SQRT -> "sqrt";
      case POWER -> "power";
      case RECIPROCAL -> "reciprocal";
      case ABS -> "abs";
      case FLOOR -> "floor";
      case ERF -> "erf";
      case SOFTPLUS -> "softplus";
      case GELU -> "gelu";
      case SILU -> "silu";
    };
  }

  /** An activation that may stand inside a recurrent layer. */
  static Activation.Elementwise elementwise(JsonNode node, String layer) {
    if (activation(node, layer) instanceof Activation.Elementwise function) {
      return function;
    }
    throw new IllegalArgumentException(
        "layer %s: %s works on all values together and cannot stand inside a recurrent layer"
            .formatted(layer, node));
  }

  /**
   * Any activation.
   *
   * @param layer for messages
   * @throws IllegalArgumentException if it is none
   */
  static Activation activation(JsonNode node, String layer) {
    if (node.isArray()) {
      if (node.size() > Activation.Elementwise.MAX_STEPS) {
        throw new IllegalArgumentException(
            "layer %s: an activation of %d steps; at most %d are taken"
                .formatted(layer, node.size(), Activation.Elementwise.MAX_STEPS));
      }
      List<Activation.Step> steps = new ArrayList<>();
      for (JsonNode step : node) {
        steps.add(
            new Activation.Step(pointwise(step, layer), constant(step, 1), constant(step, 2)));
      }
      return new Activation.Elementwise(steps);
    }
    String name = JsonFields.text(node, "layer %s: \"activation\"".formatted(layer));
    Activation named = Activation.NAMED.get(name);
    if (named == null) {
      throw new IllegalArgumentException(
          "layer %s: activation \"%s\" is not known (known: %s, or a list of steps)"
              .formatted(layer, name, Activation.NAMED.keySet()));
    }
    return named;
  }

  private static Activation.Function pointwise(JsonNode step, String layer) {
    for (Activation.Function function : Activation.Function.values()) {
      if (step.isArray() && step.size() == 3 && name(function).equals(step.get(0).asText())) {
        return function;
      }
    }
    throw new IllegalArgumentException(
        "layer %s: %s is no step of an activation; expected [function, a, b] with one of %s"
            .formatted(
                layer,
                step,
                Arrays.stream(Activation.Function.values()).map(ActivationFormat::name).toList()));
  }

  private static float constant(JsonNode step, int at) {
    if (!step.get(at).isNumber()) {
      throw new IllegalArgumentException("%s: %s is not a number".formatted(step, step.get(at)));
    }
    return step.get(at).floatValue();
  }

  /** Writes {@code activation} as {@code field} of {@code node}. */
  static void describe(ObjectNode node, String field, Activation activation) {
    for (Map.Entry<String, Activation> named : Activation.NAMED.entrySet()) {
      if (named.getValue().equals(activation)) {
        node.put(field, named.getKey());
        return;
      }
    }
    ArrayNode steps = node.putArray(field);
    for (Activation.Step step : ((Activation.Elementwise) activation).steps()) {
      steps.addArray().add(name(step.function())).add(step.a()).add(step.b());
    }
  }
}
