package io.github.stillgate.core.json;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.math.BigInteger;
import org.jspecify.annotations.Nullable;

/** A string, a number, true, false or null; or {@link #MISSING}. */
final class ScalarNode extends JsonNode {
  static final ScalarNode MISSING = new ScalarNode(null);

  private final @Nullable Object value;

  /** Of a String, a Boolean, a Number or null. */
  ScalarNode(@Nullable Object value) {
    this.value = value;
  }

  @Override
  public boolean isTextual() {
    return value instanceof String;
  }

  @Override
  public boolean isBoolean() {
    return value instanceof Boolean;
  }

  @Override
  public boolean isNumber() {
    return value instanceof Number;
  }

  @Override
  public boolean isInt() {
    return value instanceof Integer;
  }

  @Override
  public boolean isLong() {
    return value instanceof Integer || value instanceof Long;
  }

  @Override
  public String textValue() {
    return value instanceof String text ? text : super.textValue();
  }

  @Override
  public boolean booleanValue() {
    return value instanceof Boolean truth ? truth : super.booleanValue();
  }

  @Override
  public long longValue() {
    return value instanceof Number number ? number.longValue() : super.longValue();
  }

  @Override
  public float floatValue() {
    return value instanceof Number number ? number.floatValue() : super.floatValue();
  }

  @Override
  public String asText() {
    return isMissingNode() ? "" : String.valueOf(value);
  }

  @Override
  void write(JsonGenerator text) throws IOException {
    switch (value) {
      case String string -> text.writeString(string);
      case Boolean truth -> text.writeBoolean(truth);
      case Integer number -> text.writeNumber(number);
      case Long number -> text.writeNumber(number);
      case BigInteger number -> text.writeNumber(number);
      case Float number -> text.writeNumber(number);
      case Double number -> text.writeNumber(number);
      case null -> {
        if (!isMissingNode()) {
          text.writeNull();
        }
      }
      default -> throw new AssertionError("no JSON value: " + value.getClass());
    }
  }
}
