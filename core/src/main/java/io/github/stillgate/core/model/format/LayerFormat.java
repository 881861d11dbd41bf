package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.Layer;

/**
 * How one kind of layer stands in a network description, and what tells it apart in a fingerprint.
 * All that a new kind needs beside its record is a subclass and its entry in {@link LayerFormats}.
 *
 * <p>Stateless; any thread may use it.
 *
 * @param <L> the kind of layer
 */
abstract class LayerFormat<L extends Layer> {
  private final Class<L> kind;
  private final String type;

  /**
   * A format.
   *
   * @param type its word in descriptions and fingerprints, which files and snapshots depend on
   */
  LayerFormat(Class<L> kind, String type) {
    this.kind = kind;
    this.type = type;
  }

  final Class<L> kind() {
    return kind;
  }

  final String type() {
    return type;
  }

  /**
   * Reads the fields and the tensors of a layer.
   *
   * @throws IllegalArgumentException if a field is missing, unknown or wrong
   */
  abstract L read(LayerReader reader);

  /** Writes the fields that {@link #read} reads, except the type. */
  abstract void describeFields(L layer, ObjectNode node);

  /** Adds all that decides what the layer computes, except the type. */
  abstract void identifyParts(L layer, Fingerprint fingerprint);

  final void describe(Layer layer, ObjectNode node) {
    node.put("type", type);
    describeFields(kind.cast(layer), node);
  }

  final void identify(Layer layer, Fingerprint fingerprint) {
    fingerprint.word(type);
    identifyParts(kind.cast(layer), fingerprint);
  }

  /** Writes name, inputs and units, and which states do not begin with zeros. */
  static void describeWidths(Layer layer, int units, ObjectNode node) {
    node.put("name", layer.name()).put("inputs", layer.inputs()).put("units", units);
    InitialStateFormat.describe(layer.initialState(), node);
  }
}
