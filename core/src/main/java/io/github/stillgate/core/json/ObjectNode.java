package io.github.stillgate.core.json;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A JSON object, which keeps the order of its fields. Built by one thread. */
public final class ObjectNode extends JsonNode {
  private final Map<String, JsonNode> fields = new LinkedHashMap<>();

  /** An object without fields. */
  public ObjectNode() {}

  /** Sets a field. */
  public ObjectNode set(String field, JsonNode value) {
    fields.put(field, value);
    return this;
  }

  /** Sets a field to a string. */
  public ObjectNode put(String field, String value) {
    return set(field, new ScalarNode(value));
  }

  /** Sets a field to a whole number. */
  public ObjectNode put(String field, int value) {
    return set(field, new ScalarNode(value));
  }

  /** Sets a field to a number, written with as many digits as tell it from its neighbours. */
  public ObjectNode put(String field, float value) {
    return set(field, new ScalarNode(value));
  }

  /** Sets a field to true or false. */
  public ObjectNode put(String field, boolean value) {
    return set(field, new ScalarNode(value));
  }

  /** Sets a field to an empty object, which is returned. */
  public ObjectNode putObject(String field) {
    ObjectNode value = new ObjectNode();
    set(field, value);
    return value;
  }

  /** Sets a field to an empty array, which is returned. */
  public ArrayNode putArray(String field) {
    ArrayNode value = new ArrayNode();
    set(field, value);
    return value;
  }

  @Override
  public int size() {
    return fields.size();
  }

  @Override
  public @Nullable JsonNode get(String field) {
    return fields.get(field);
  }

  @Override
  public Set<Map.Entry<String, JsonNode>> properties() {
    return Collections.unmodifiableMap(fields).entrySet();
  }

  @Override
  public Iterator<JsonNode> iterator() {
    return Collections.unmodifiableMap(fields).values().iterator();
  }

  @Override
  void write(JsonGenerator text) throws IOException {
    text.writeStartObject();
    for (Map.Entry<String, JsonNode> field : fields.entrySet()) {
      text.writeFieldName(field.getKey());
      field.getValue().write(text);
    }
    text.writeEndObject();
  }
}
