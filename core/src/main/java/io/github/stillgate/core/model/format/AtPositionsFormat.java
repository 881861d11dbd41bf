package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.AtPositions;
import io.github.stillgate.core.model.Layer;

/**
 * {@code along} and {@code per_position}: a layer in a layer, which has its name.
 *
 * @param <L> which of the two
 */
final class AtPositionsFormat<L extends AtPositions> extends LayerFormat<L> {
  /** Makes the layer. */
  interface Constructor<L> {
    L of(Layer layer, int positions);
  }

  private final Constructor<L> constructor;

  AtPositionsFormat(Class<L> kind, String type, Constructor<L> constructor) {
    super(kind, type);
    this.constructor = constructor;
  }

  @Override
  L read(LayerReader reader) {
    reader.requireTypeAnd("layer", "positions");
    return constructor.of(reader.wrapped("layer"), reader.count("positions"));
  }

  @Override
  void describeFields(L layer, ObjectNode node) {
    node.put("positions", layer.positions());
    LayerFormats.of(layer.layer()).describe(layer.layer(), node.putObject("layer"));
  }

  @Override
  void identifyParts(L layer, Fingerprint fingerprint) {
    fingerprint.count(layer.positions());
    fingerprint.layer(layer.layer());
  }
}
