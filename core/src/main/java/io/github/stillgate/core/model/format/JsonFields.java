package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.JsonNode;
import java.util.Set;
import java.util.TreeSet;

/** Checks of a description's JSON; each refusal names the field. */
final class JsonFields {
  private JsonFields() {}

  /**
   * Refuses a node that is no object of the given fields.
   *
   * @param what names the node in messages
   * @throws IllegalArgumentException if it is not an object, a required field is missing, or one is
   *     neither required nor optional
   */
  static void require(JsonNode node, String what, Set<String> required, Set<String> optional) {
    if (!node.isObject()) {
      throw new IllegalArgumentException(what + " is not an object: " + node);
    }
    Set<String> missing = new TreeSet<>(required);
    Set<String> unknown = new TreeSet<>();
    node.fieldNames()
        .forEachRemaining(field -> {
          missing.remove(field);
          if (!required.contains(field) && !optional.contains(field)) {
            unknown.add(field);
          }
        });
    if (!missing.isEmpty() || !unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "%s: missing fields %s, unknown fields %s".formatted(what, missing, unknown));
    }
  }

  /**
   * The text of {@code node}.
   *
   * @param what names the node in messages
   * @throws IllegalArgumentException if it is not a string
   */
  static String text(JsonNode node, String what) {
    if (!node.isTextual()) {
      throw new IllegalArgumentException(
          what + (node.isMissingNode() ? " is missing" : " is not a string: " + node));
    }
    return node.textValue();
  }
}
