package io.github.stillgate.core.json;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;

/** A JSON array. Built by one thread. */
public final class ArrayNode extends JsonNode {
  private final List<JsonNode> elements = new ArrayList<>();

  /** An array without elements. */
  public ArrayNode() {}

  /** Appends a value. */
  public ArrayNode add(JsonNode value) {
    elements.add(value);
    return this;
  }

  /** Appends a string. */
  public ArrayNode add(String value) {
    return add(new ScalarNode(value));
  }

  /** Appends a whole number. */
  public ArrayNode add(long value) {
    return add(new ScalarNode(value));
  }

  /** Appends a number, written with as many digits as tell it from its neighbours. */
  public ArrayNode add(float value) {
    return add(new ScalarNode(value));
  }

  /** Appends an empty array, which is returned. */
  public ArrayNode addArray() {
    ArrayNode value = new ArrayNode();
    add(value);
    return value;
  }

  /** Appends an empty object, which is returned. */
  public ObjectNode addObject() {
    ObjectNode value = new ObjectNode();
    add(value);
    return value;
  }

  @Override
  public int size() {
    return elements.size();
  }

  @Override
  public JsonNode get(int at) {
    return elements.get(at);
  }

  @Override
  public Iterator<JsonNode> iterator() {
    return Collections.unmodifiableList(elements).iterator();
  }

  @Override
  void write(JsonGenerator text) throws IOException {
    text.writeStartArray();
    for (JsonNode element : elements) {
      element.write(text);
    }
    text.writeEndArray();
  }
}
