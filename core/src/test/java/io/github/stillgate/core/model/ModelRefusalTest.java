package io.github.stillgate.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Files whose description or tensors are not those of a network are refused, and the culprit is
 * named.
 */
class ModelRefusalTest extends ModelFiles {
  static Stream<Arguments> badDescriptions() {
    return Stream.of(
        argumentSet("not JSON", replaced("{\"version\"", "{version"), List.of("JSON")),
        argumentSet("empty text", whole(""), List.of("description")),
        argumentSet("an array", whole("[]"), List.of("description", "[]")),
        argumentSet("text behind the object", appended("{}"), List.of("JSON")),
        argumentSet(
            "duplicate field",
            replaced("{\"version\"", "{\"version\":1,\"version\""),
            List.of("JSON")),
        argumentSet("version 2", replaced("\"version\":1", "\"version\":2"), List.of("version 2")),
        argumentSet(
            "version as text",
            replaced("\"version\":1", "\"version\":\"1\""),
            List.of("version \"1\"")),
        argumentSet(
            "no version", replaced("\"version\":1,", ""), List.of("description", "[version]")),
        argumentSet(
            "unknown field",
            replaced("\"version\":1", "\"version\":1,\"dropout\":0.5"),
            List.of("description", "dropout")),
        argumentSet(
            "unknown field of a conditional layer",
            replaced("\"type\":\"conditional_gru\"", "\"type\":\"conditional_gru\",\"clip\":1"),
            List.of("layer", "clip")),
        argumentSet(
            "unknown field of a GRU",
            replaced("\"type\":\"gru\"", "\"type\":\"gru\",\"reset_before\":true"),
            List.of("layer", "reset_before")),
        argumentSet(
            "unknown field of a dense layer",
            replaced("\"type\":\"dense\"", "\"type\":\"dense\",\"slope\":1"),
            List.of("layer", "slope")),
        argumentSet(
            "unknown field of a gating",
            replaced("\"type\":\"unit\"", "\"type\":\"unit\",\"blocks\":2"),
            List.of("gating of layer a", "blocks")),
        argumentSet(
            "missing field of a gating",
            replaced("\"type\":\"unit\",\"rank\":5", "\"type\":\"unit\""),
            List.of("gating of layer a", "rank")),
        argumentSet(
            "activations of a conditional layer that lack one",
            replaced(
                "\"rank\":5}",
                "\"rank\":5},\"activations\":{\"reset\":\"sigmoid\",\"candidate\":\"tanh\"}"),
            List.of("activations of layer a", "missing fields [bottleneck]")),
        argumentSet(
            "activations of a conditional layer with one too many",
            replaced(
                "\"rank\":5}",
                "\"rank\":5},\"activations\":{\"bottleneck\":\"relu\",\"reset\":\"sigmoid\","
                    + "\"candidate\":\"tanh\",\"gate\":\"tanh\"}"),
            List.of("activations of layer a", "unknown fields [gate]")),
        argumentSet(
            "a softmax in a bottleneck",
            replaced(
                "\"rank\":5}",
                "\"rank\":5},\"activations\":{\"bottleneck\":\"softmax\","
                    + "\"reset\":\"sigmoid\",\"candidate\":\"tanh\"}"),
            List.of("layer a", "softmax", "all values together")),
        argumentSet(
            "activations that are a word",
            replaced("\"rank\":5}", "\"rank\":5},\"activations\":\"relu\""),
            List.of("activations of layer a", "not an object")),
        argumentSet(
            "gating is null",
            replaced("{\"type\":\"unit\",\"rank\":5}", "null"),
            List.of("layer a", "gating", "missing")),
        argumentSet(
            "unknown layer type",
            replaced("\"type\":\"gru\"", "\"type\":\"qrnn\""),
            List.of("\"qrnn\"", "conditional_gru, gru, lstm, sru")),
        argumentSet(
            "layer type in capitals",
            replaced("\"type\":\"gru\"", "\"type\":\"GRU\""),
            List.of("\"GRU\"")),
        argumentSet(
            "layer without a type",
            replaced("\"type\":\"gru\",", ""),
            List.of("layer", "\"type\" is missing")),
        argumentSet(
            "layer is a number", replaced("\"layers\":[", "\"layers\":[3,"), List.of("\"type\"")),
        argumentSet(
            "unknown gating",
            replaced("\"type\":\"unit\"", "\"type\":\"blocks\""),
            List.of("layer a", "\"blocks\"", "full, unit, block, hybrid")),
        argumentSet(
            "fields of another gating",
            replaced("\"type\":\"unit\"", "\"type\":\"block\""),
            List.of("gating of layer a", "missing fields [blocks]", "unknown fields [rank]")),
        argumentSet(
            "unknown activation",
            replaced("\"linear\"", "\"gelu\""),
            List.of("layer c", "\"gelu\"", "linear", "softmax")),
        argumentSet("activation is a number", replaced("\"linear\"", "1"), List.of("layer c", "1")),
        argumentSet("no layers", withLayers("[]"), List.of("at least one layer")),
        argumentSet("layers are an object", withLayers("{}"), List.of("\"layers\"", "array")),
        argumentSet(
            "blank name", replaced("\"name\":\"b\"", "\"name\":\" \\t\""), List.of("blank")),
        argumentSet(
            "name is a number", replaced("\"name\":\"b\"", "\"name\":7"), List.of("\"name\"", "7")),
        argumentSet(
            "zero units", replaced("\"units\":16", "\"units\":0"), List.of("\"units\"", "0")),
        argumentSet(
            "negative inputs",
            replaced("\"inputs\":16", "\"inputs\":-16"),
            List.of("inputs", "-16")),
        argumentSet(
            "fractional rank", replaced("\"rank\":5", "\"rank\":5.0"), List.of("\"rank\"", "5.0")),
        argumentSet(
            "units beyond an int",
            replaced("\"units\":16", "\"units\":4294967312"),
            List.of("\"units\"", "4294967312")),
        argumentSet(
            "units of another shape",
            replaced("\"units\":16", "\"units\":15"),
            List.of("b.Wz", "[16, 7]", "[15, 7]")),
        argumentSet(
            "rank of another shape",
            replaced("\"rank\":5", "\"rank\":6"),
            List.of("a.Wu", "[5, 4]", "[6, 4]")),
        argumentSet(
            "tensor that does not exist",
            replaced("\"name\":\"b\"", "\"name\":\"bb\""),
            List.of("\"bb.Wz\"", "b.Wz")),
        argumentSet(
            "widths that do not chain",
            replaced("{\"type\":\"gru\",\"name\":\"b\",\"inputs\":7,\"units\":16},", ""),
            List.of("layer c reads 16", "layer a gives 7")),
        argumentSet(
            "layer used twice",
            replaced(
                "{\"type\":\"dense\"",
                "{\"type\":\"dense\",\"name\":\"c\",\"inputs\":16,\"units\":4,"
                    + "\"activation\":\"linear\"},{\"type\":\"dense\""),
            List.of("c.W belongs to two layers")),
        argumentSet(
            "vocabulary too small",
            replaced("\"wxyz\"", "\"wxy\""),
            List.of("layer a reads 4", "vocabulary gives 3")),
        argumentSet(
            "vocabulary too large",
            replaced("\"wxyz\"", "\"vwxyz\""),
            List.of("layer a reads 4", "vocabulary gives 5")),
        argumentSet(
            "character twice", replaced("\"wxyz\"", "\"wxyx\""), List.of("\"x\" occurs twice")),
        argumentSet(
            "empty vocabulary", replaced("\"wxyz\"", "\"\""), List.of("at least one character")),
        argumentSet(
            "half a surrogate pair",
            replaced("\"wxyz\"", "\"wx\\ud83dz\""),
            List.of("vocabulary", "d83d")),
        argumentSet("vocabulary is null", replaced("\"wxyz\"", "null"), List.of("vocabulary")),
        argumentSet(
            "vocabulary is a number", replaced("\"wxyz\"", "4"), List.of("vocabulary", "4")));
  }

  private static UnaryOperator<String> replaced(String old, String by) {
    return text -> {
      String changed = text.replace(old, by);
      assertThat(changed).as("replacing %s", old).isNotEqualTo(text);
      return changed;
    };
  }

  private static UnaryOperator<String> whole(String text) {
    return old -> text;
  }

  private static UnaryOperator<String> appended(String text) {
    return old -> old + text;
  }

  private static UnaryOperator<String> withLayers(String layers) {
    return text -> {
      int at = text.indexOf("\"layers\":") + "\"layers\":".length();
      assertThat(text).endsWith("]}");
      return text.substring(0, at) + layers + "}";
    };
  }

  @Test
  void theGoodDescriptionLoadsUnchanged() throws IOException {
    assertThat(Model.load(write(description(), tensors())).layers()).isEqualTo(good().layers());
  }

  @ParameterizedTest
  @MethodSource("badDescriptions")
  void aBadDescriptionIsRefusedAndTheCulpritNamed(UnaryOperator<String> edit, List<String> mentions)
      throws IOException {
    assertRefused(write(edit.apply(description()), tensors()), mentions);
  }

  @Test
  void aFileWithoutADescriptionIsRefused() throws IOException {
    Path path = directory.resolve("plain.safetensors");
    new WeightsWriter().metadata("format", "pt").tensor("a.W", new float[1], 1).write(path);
    assertRefused(path, List.of("\"stillgate\"", "__metadata__"));
  }

  @Test
  void aMissingTensorIsRefused() throws IOException {
    Map<String, Stored> tensors = tensors();
    assertThat(tensors.remove("b.Uc")).isNotNull();
    assertRefused(write(description(), tensors), List.of("no tensor \"b.Uc\"", "b.Ur"));
  }

  @Test
  void anUnusedTensorIsRefused() throws IOException {
    Map<String, Stored> tensors = tensors();
    tensors.put("a.spare", new Stored(new int[] {1}, new float[1]));
    assertRefused(write(description(), tensors), List.of("no layer uses", "a.spare"));
  }

  @Test
  void aTransposedMatrixIsRefused() throws IOException {
    Map<String, Stored> tensors = tensors();
    tensors.put("c.W", new Stored(new int[] {16, 4}, tensors.get("c.W").values()));
    assertRefused(write(description(), tensors), List.of("c.W", "[16, 4]", "[4, 16]"));
  }

  @Test
  void aVectorStoredAsAMatrixIsRefused() throws IOException {
    Map<String, Stored> tensors = tensors();
    tensors.put("c.b", new Stored(new int[] {4, 1}, tensors.get("c.b").values()));
    assertRefused(write(description(), tensors), List.of("c.b", "[4, 1]", "[4]"));
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void aWeightThatIsNotFiniteIsRefused(float weight) throws IOException {
    float[] values = tensors().get("c.W").values();
    values[2 * 16 + 5] = weight;
    assertRefused(
        write(description(), with("c.W", values)),
        List.of("c.W", "row 2", "column 5", Float.toString(weight)));
    float[] bias = tensors().get("b.br").values();
    bias[15] = weight;
    assertRefused(
        write(description(), with("b.br", bias)), List.of("b.br", "15", Float.toString(weight)));
  }

  /** Their tensors have other names, so only {@code Session.state} would mix them up. */
  @Test
  void aLayerNamedAsADirectionOfAnotherIsRefused() {
    Layer gru = TestModels.gru(3, 2, 1).layers().get(0);
    Matrix u = Matrix.of("U", 2, 2, new float[4]);
    Matrix b = Matrix.vector("b", 0, 0);
    Sums sums = new Sums(Matrix.of("W", 2, 3, new float[6]), u, b);
    SimpleRnn named =
        new SimpleRnn("a.rnn0", Matrix.of("W", 2, 4, new float[8]), u, b, Activation.TANH);
    Gru back = Gru.named("back").update(sums).reset(sums).candidate(sums).build();
    Bidirectional pair = new Bidirectional("a", gru, back);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Model(List.of(pair, named)))
        .withMessageContaining("the name a.rnn0");
  }

  @Test
  void twoLayersOfOneNameAreRefused() throws IOException {
    Matrix w = Matrix.of("W", 2, 2, 1, 2, 3, 4);
    Matrix b = Matrix.vector("b", 0, 1);
    Dense first = new Dense("first", w, b, Activation.LINEAR);
    Dense second = new Dense("second", w, b, Activation.LINEAR);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Model(List.of(first, first)))
        .withMessageContaining("two layers share a name: first");
    Path path = directory.resolve("twins.safetensors");
    new Model(List.of(first, second)).save(path);
    UnaryOperator<String> rename = replaced("\"name\":\"second\"", "\"name\":\"first\"");
    Path renamed = write(rename.apply(descriptionOf(path)), tensorsOf(path));
    assertRefused(renamed, List.of("first.W belongs to two layers"));
  }

  private static void assertRefused(Path path, List<String> mentions) {
    assertThatExceptionOfType(WeightsFormatException.class)
        .isThrownBy(() -> Model.load(path))
        .withMessageStartingWith(path + ": ")
        .satisfies(
            e -> assertThat(e.getMessage().substring((path + ": ").length())).contains(mentions));
  }
}
