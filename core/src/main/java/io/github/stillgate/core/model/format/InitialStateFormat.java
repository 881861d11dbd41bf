package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ArrayNode;
import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.InitialState;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import java.util.Optional;

/**
 * {@code initial_state} of a layer: a list of the states that do not begin with zeros, {@code h}
 * and {@code c}, whose values are the tensors {@code initial.h} and {@code initial.c}.
 */
final class InitialStateFormat {
  static final String FIELD = "initial_state";

  private InitialStateFormat() {}

  /**
   * {@code layer} with the state that its description names.
   *
   * @throws IllegalArgumentException if the field is no such list, or the layer keeps no such state
   */
  static Layer read(Layer layer, LayerReader reader) {
    JsonNode named = reader.field(FIELD);
    Optional<Matrix> h = Optional.empty();
    Optional<Matrix> c = Optional.empty();
    boolean known = named.isArray() && named.size() > 0;
    for (JsonNode state : named) {
      if (state.isTextual() && state.textValue().equals("h") && h.isEmpty()) {
        h = Optional.of(reader.vector("initial.h", layer.outputs()));
      } else if (state.isTextual() && state.textValue().equals("c") && c.isEmpty()) {
        int cells = layer instanceof Lstm lstm ? lstm.cells() : layer.outputs();
        c = Optional.of(reader.vector("initial.c", cells));
      } else {
        known = false;
      }
    }
    if (!known) {
      throw new IllegalArgumentException(
          "layer %s: \"%s\" is %s; expected a list of \"h\", \"c\" or both"
              .formatted(reader.prefix(), FIELD, named));
    }
    return layer.withInitialState(new InitialState(h, c));
  }

  /** Adds the field if a state is there. */
  static void describe(InitialState state, ObjectNode node) {
    if (!state.isZero()) {
      ArrayNode named = node.putArray(FIELD);
      state.h().ifPresent(_ -> named.add("h"));
      state.c().ifPresent(_ -> named.add("c"));
    }
  }
}
