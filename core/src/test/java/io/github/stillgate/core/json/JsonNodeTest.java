package io.github.stillgate.core.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonNodeTest {
  private static JsonNode read(String text) throws JsonProblem {
    return StrictJson.tree(text, 10, 100);
  }

  /** What another reader makes of a text is what it makes of ours. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"b\":[1,-2147483649,99999999999999999999999],\"a\":{\"c\":null,\"d\":[]}}",
        "[true,false,0.5,-0.0,1e300,1E-7,2.5E+3]",
        "\"\\\"\\\\\\u0000\\u00e9\\ud83d\\ude00/\\n\"",
        "{}",
        "null",
        "17"
      })
  void aTextIsWrittenAsAnotherWriterDoes(String text) throws Exception {
    assertThat(read(text)).hasToString(JsonMapper.builder().build().readTree(text).toString());
  }

  @Test
  void anObjectIsBuiltAndRead() {
    ObjectNode root = new ObjectNode();
    root.put("name", "gru").put("units", 3).put("bias", true);
    root.putArray("steps").addArray().add("affine").add(0.1f).add(1L << 40);
    root.putObject("in").putArray("list").addObject();
    assertThat(root)
        .hasToString(
            "{\"name\":\"gru\",\"units\":3,\"bias\":true,\"steps\":[[\"affine\",0.1,1099511627776]],"
                + "\"in\":{\"list\":[{}]}}");
    assertThat(root.get("name").textValue()).isEqualTo("gru");
    assertThat(root.get("units").intValue()).isEqualTo(3);
    assertThat(root.get("bias").booleanValue()).isTrue();
    assertThat(root.get("steps").get(0).get(1).floatValue()).isEqualTo(0.1f);
    assertThat(root.get("steps").get(0).get(2).longValue()).isEqualTo(1L << 40);
    assertThat(root.fieldNames())
        .toIterable()
        .containsExactly("name", "units", "bias", "steps", "in");
    assertThat(root).hasSize(5);
  }

  @Test
  void eachValueIsOfOneKind() throws JsonProblem {
    JsonNode all =
        read("{\"i\":7,\"l\":2147483648,\"b\":9223372036854775808,\"f\":7.0,\"n\":null}");
    assertThat(all.get("i").isInt()).isTrue();
    assertThat(all.get("l").isInt()).isFalse();
    assertThat(all.get("l").isLong()).isTrue();
    assertThat(all.get("b").isLong()).isFalse();
    assertThat(all.get("b").isNumber()).isTrue();
    assertThat(all.get("f").isLong()).isFalse();
    assertThat(all.get("f").isNumber()).isTrue();
    assertThat(all.get("n").isNumber()).isFalse();
    assertThat(all.get("n").isMissingNode()).isFalse();
    assertThat(all.get("n").asText()).isEqualTo("null");
    assertThat(all.get("none")).isNull();
    assertThat(all.has("none")).isFalse();
    assertThat(all.path("none").isMissingNode()).isTrue();
    assertThat(all.path("none").path("more").isMissingNode()).isTrue();
    assertThat(all.path("none")).hasToString("").isEmpty();
    assertThatIllegalStateException()
        .isThrownBy(() -> all.get("i").textValue())
        .withMessage("7 is no string");
    assertThatIllegalStateException().isThrownBy(() -> all.get("n").longValue());
    assertThatIllegalStateException().isThrownBy(all::booleanValue);
    assertThatThrownBy(() -> all.get(0)).isInstanceOf(IndexOutOfBoundsException.class);
  }
}
