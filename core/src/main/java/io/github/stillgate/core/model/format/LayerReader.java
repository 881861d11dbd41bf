package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.OperandRole;
import io.github.stillgate.core.model.Sums;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The description of one layer, and the tensors that belong to it.
 *
 * <p>Every method throws {@link IllegalArgumentException} for a field, or {@link
 * io.github.stillgate.core.weights.WeightsFormatException} for a tensor, that is missing or wrong.
 */
final class LayerReader {
  private final JsonNode node;
  private final String outer;
  private final TensorReader tensors;
  private final Map<String, Map<OperandRole, Float>> scales;

  /**
   * Reads {@code node}.
   *
   * @param outer what its tensors' names begin with before its own name
   * @param scales receives those of its operands
   */
  LayerReader(
      JsonNode node,
      String outer,
      TensorReader tensors,
      Map<String, Map<OperandRole, Float>> scales) {
    this.node = node;
    this.outer = outer;
    this.tensors = tensors;
    this.scales = scales;
  }

  /** The layer. */
  Layer read() {
    String type = JsonFields.text(node.path("type"), "a layer's \"type\"");
    Layer layer = LayerFormats.ofType(type).read(this);
    if (node.has(InitialStateFormat.FIELD)) {
      layer = InitialStateFormat.read(layer, this);
    }
    if (node.has(ScalesFormat.FIELD)) {
      scales.put(prefix(), ScalesFormat.read(node.get(ScalesFormat.FIELD), prefix()));
    }
    return layer;
  }

  /** Refuses other fields than type, name, inputs, units, initial state, scales, and these. */
  void requireWidthsAnd(Set<String> required, Set<String> optional) {
    Set<String> all = new HashSet<>(required);
    all.addAll(Set.of("type", "name", "inputs", "units"));
    Set<String> more = new HashSet<>(optional);
    more.addAll(Set.of(InitialStateFormat.FIELD, ScalesFormat.FIELD));
    JsonFields.require(node, "layer", all, more);
  }

  /** Refuses other fields than type and these. */
  void requireTypeAnd(String... fields) {
    Set<String> all = new HashSet<>(Set.of(fields));
    all.add("type");
    JsonFields.require(node, "layer", all, Set.of());
  }

  String name() {
    String name = JsonFields.text(node.get("name"), "a layer's \"name\"");
    if (name.isBlank()) {
      throw new IllegalArgumentException("a layer's \"name\" is blank");
    }
    return name;
  }

  /** What its tensors' names begin with, without the last dot; it names the layer in messages. */
  String prefix() {
    return outer + name();
  }

  int inputs() {
    return count(node, "inputs");
  }

  int units() {
    return count(node, "units");
  }

  boolean has(String field) {
    return node.has(field);
  }

  JsonNode field(String field) {
    return node.path(field);
  }

  /** A whole number from 1 on. */
  int count(String field) {
    return count(node, field);
  }

  static int count(JsonNode node, String field) {
    JsonNode value = node.get(field);
    if (!value.isInt() || value.intValue() < 1) {
      throw new IllegalArgumentException(
          "\"%s\" is %s; expected a whole number from 1 on".formatted(field, value));
    }
    return value.intValue();
  }

  /** False if it is not there. */
  boolean flag(String field) {
    return flag(field, false);
  }

  /** {@code absent} if it is not there. */
  boolean flag(String field, boolean absent) {
    JsonNode value = node.path(field);
    if (!value.isMissingNode() && !value.isBoolean()) {
      throw new IllegalArgumentException(
          "\"%s\" is %s; expected true or false".formatted(field, value));
    }
    return value.isBoolean() ? value.booleanValue() : absent;
  }

  /** {@code absent} if it is not there. */
  float number(String field, float absent) {
    JsonNode value = node.path(field);
    if (value.isMissingNode()) {
      return absent;
    }
    if (!value.isNumber()) {
      throw new IllegalArgumentException(
          "layer %s: \"%s\" is %s; expected a number".formatted(prefix(), field, value));
    }
    return value.floatValue();
  }

  /** A word. */
  String text(String field) {
    return JsonFields.text(node.get(field), "layer %s: \"%s\"".formatted(prefix(), field));
  }

  Activation activation(String field) {
    return ActivationFormat.activation(node.get(field), prefix());
  }

  Activation.Elementwise elementwise(String field) {
    return ActivationFormat.elementwise(node.get(field), prefix());
  }

  /** The field {@code activations}, an object of exactly these. */
  JsonNode activations(String... names) {
    JsonNode all = node.get("activations");
    JsonFields.require(all, "activations of layer " + prefix(), Set.of(names), Set.of());
    return all;
  }

  /** A matrix of the layer, by its name in the formulas. */
  Matrix matrix(String tensor, int rows, int columns) {
    return tensors.read(prefix() + "." + tensor, rows, columns);
  }

  /** A vector of the layer, by its name in the formulas. */
  Matrix vector(String tensor, int rows) {
    return tensors.read(prefix() + "." + tensor, rows);
  }

  /** W n x d, U n x p and b n of one gate. */
  Sums sums(String gate, int n, int d, int p) {
    return new Sums(matrix("W" + gate, n, d), matrix("U" + gate, n, p), vector("b" + gate, n));
  }

  /** A layer in this one, whose tensors' names begin as this one's do. */
  Layer wrapped(String field) {
    return new LayerReader(node.get(field), outer, tensors, scales).read();
  }

  /** A layer in this one, before whose tensors' names stands this one's name. */
  Layer inner(String field) {
    return new LayerReader(node.get(field), prefix() + ".", tensors, scales).read();
  }
}
