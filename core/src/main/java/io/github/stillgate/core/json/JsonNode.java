package io.github.stillgate.core.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.util.Collections;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One value of a JSON text. What a value is not, it answers as if it were empty: a string has no
 * fields and no elements. Trees that {@link StrictJson} read are not changed any more and may then
 * be used by several threads.
 */
public abstract sealed class JsonNode implements Iterable<JsonNode>
    permits ObjectNode, ArrayNode, ScalarNode {
  private static final JsonFactory FACTORY = new JsonFactory();

  JsonNode() {}

  /** Whether it is an object. */
  public final boolean isObject() {
    return this instanceof ObjectNode;
  }

  /** Whether it is an array. */
  public final boolean isArray() {
    return this instanceof ArrayNode;
  }

  /** Whether it stands for a field that is not there; see {@link #path}. */
  public final boolean isMissingNode() {
    return this == ScalarNode.MISSING;
  }

  /** Whether it is a string. */
  public boolean isTextual() {
    return false;
  }

  /** Whether it is true or false. */
  public boolean isBoolean() {
    return false;
  }

  /** Whether it is a number. */
  public boolean isNumber() {
    return false;
  }

  /** Whether it is a number without a fraction or an exponent that an int holds. */
  public boolean isInt() {
    return false;
  }

  /** Whether it is a number without a fraction or an exponent that a long holds. */
  public boolean isLong() {
    return false;
  }

  /**
   * The string.
   *
   * @throws IllegalStateException if it is none
   */
  public String textValue() {
    throw wrongKind("string");
  }

  /**
   * Whether it is true.
   *
   * @throws IllegalStateException if it is neither true nor false
   */
  public boolean booleanValue() {
    throw wrongKind("truth value");
  }

  /**
   * The number as a long, rounded towards zero.
   *
   * @throws IllegalStateException if it is no number
   */
  public long longValue() {
    throw wrongKind("number");
  }

  /**
   * The number as an int, which {@link #isInt} says it is.
   *
   * @throws IllegalStateException if it is no number
   */
  public final int intValue() {
    return (int) longValue();
  }

  /**
   * The number rounded to a float.
   *
   * @throws IllegalStateException if it is no number
   */
  public float floatValue() {
    throw wrongKind("number");
  }

  private IllegalStateException wrongKind(String expected) {
    return new IllegalStateException("%s is no %s".formatted(this, expected));
  }

  /** The string itself, the text of a number, true, false or null; "" for all else. */
  public String asText() {
    return "";
  }

  /** How many fields or elements it has. */
  public int size() {
    return 0;
  }

  /** The value of a field, or null if there is none. */
  public @Nullable JsonNode get(String field) {
    return null;
  }

  /** The value of a field, or one that {@link #isMissingNode} if there is none. */
  public final JsonNode path(String field) {
    JsonNode value = get(field);
    return value == null ? ScalarNode.MISSING : value;
  }

  /** Whether it is an object with this field. */
  public final boolean has(String field) {
    return get(field) != null;
  }

  /**
   * An element of an array.
   *
   * @throws IndexOutOfBoundsException if there is none
   */
  public JsonNode get(int at) {
    throw new IndexOutOfBoundsException("element %s of %s".formatted(at, this));
  }

  /** Fields with their values, in the order of the text. */
  public Set<Map.Entry<String, JsonNode>> properties() {
    return Set.of();
  }

  /** Names of the fields, in the order of the text. */
  public final Iterator<String> fieldNames() {
    return properties().stream().map(Map.Entry::getKey).iterator();
  }

  /** The values of the fields, or the elements. */
  @Override
  public Iterator<JsonNode> iterator() {
    return Collections.emptyIterator();
  }

  abstract void write(JsonGenerator text) throws IOException;

  /** The value as JSON, without spaces. */
  @Override
  public final String toString() {
    StringWriter text = new StringWriter();
    try (JsonGenerator generator = FACTORY.createGenerator(text)) {
      write(generator);
    } catch (IOException e) {
      throw new AssertionError("a string is written without input or output", e);
    }
    return text.toString();
  }
}
