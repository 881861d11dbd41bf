package io.github.stillgate.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelTest {
  private static final String DESCRIPTION = "stillgate";

  @TempDir private Path directory;

  /** A conditional layer a of 4 to 7, a GRU b of 7 to 16 and a linear layer c of 16 to 4. */
  private static Model good() {
    return new Model(TestModels.vectors(4, 7, 4, 1).layers(), new Vocabulary("wxyz"));
  }

  static Stream<Model> models() {
    return Stream.of(
        TestModels.conditional(5, 7, 3, 1),
        TestModels.activations(5, 3, 2, 2),
        TestModels.gru(9, 33, 2),
        TestModels.full(7, 9, 4),
        TestModels.block(7, 3, 5, 5),
        TestModels.hybrid(7, 2, 8, 6),
        TestModels.vectors(3, 6, 2, 3),
        new Model(good().layers(), new Vocabulary("\"\\\n\ud83d\ude00")));
  }

  /** bfloat16 keeps 8 bits of a weight, the nearest, ties to even. */
  @ParameterizedTest
  @CsvSource({
    "0x1.fep0, 0x1.fep0",
    "0x1.01p0, 0x1.0p0",
    "0x1.03p0, 0x1.04p0",
    "0x1.010002p0, 0x1.02p0",
    "-0x1.03p-130, -0x1.0p-130",
    "0x1.fffffep126, 0x1.0p127"
  })
  void savingAsBfloat16RoundsToNearest(String weight, String stored) throws IOException {
    Path path = directory.resolve("half.safetensors");
    Matrix w = Matrix.of("W", 1, 2, Float.parseFloat(weight), -0f);
    Model model =
        new Model(List.of(new Dense("a", w, Matrix.vector("b", 0.25f), Activation.LINEAR)));
    model.save(path, DType.BF16);
    Matrix read = ((Dense) Model.load(path).layers().get(0)).w();
    assertThat(read.toArray()).containsExactly(Float.parseFloat(stored), -0f);
    try (WeightsFile file = WeightsFile.open(path)) {
      assertThat(file.tensor("a.W").type()).isEqualTo(DType.BF16);
    }
  }

  @Test
  void aWeightThatBfloat16CannotHoldIsRefused() {
    Matrix w = Matrix.of("W", 1, 1, Float.MAX_VALUE);
    Model model = new Model(List.of(new Dense("a", w, Matrix.vector("b", 0f), Activation.LINEAR)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> model.save(directory.resolve("x.safetensors"), DType.BF16))
        .withMessageContaining("a.W")
        .withMessageContaining("BF16");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> model.save(directory.resolve("x.safetensors"), DType.I16))
        .withMessageContaining("I16");
  }

  /** The values are chosen by hand: they need no more than the 8 bits of a bf16 significand. */
  @Test
  void weightsOfABf16FileAreHeldIn2BytesAndAreTheSameModel() throws IOException {
    float[] w = {1, -2.5f, 0x1.fep127f, -0f, 0x1p-133f, 0.75f};
    float[] b = {3, 0};
    Model wide = dense(Matrix.of("W", 2, 3, w), Matrix.vector("b", b));
    Path path = directory.resolve("half.safetensors");
    wide.save(path, DType.BF16);
    Model half = Model.load(path);
    Matrix loaded = half.layers().get(0).tensors().get("W");
    assertThat(loaded.dtype()).isEqualTo(DType.BF16);
    assertThat(loaded.toArray()).containsExactly(w);
    assertThat(loaded.at(1, 0)).isEqualTo(-0f);
    float[] row = new float[5];
    loaded.copyRow(1, row, 2);
    assertThat(row).containsExactly(0, 0, -0f, 0x1p-133f, 0.75f);
    assertThat(half.layers()).isEqualTo(wide.layers()).hasSameHashCodeAs(wide.layers());
    assertThat(half.fingerprint()).isEqualTo(wide.fingerprint());
    assertThat(half.formerFingerprint()).isEqualTo(wide.formerFingerprint());
    assertThat(loaded.rowNorm()).isEqualTo(1 + 2.5 + 0x1.fep127);
    assertThat(loaded.magnitude()).isEqualTo(0x1.fep127);

    Path wider = directory.resolve("wider.safetensors");
    half.save(wider);
    assertThat(Model.load(wider).layers()).isEqualTo(wide.layers());
    assertThat(Model.load(wider).layers().get(0).tensors().get("W").dtype()).isEqualTo(DType.F32);
    Path again = directory.resolve("again.safetensors");
    half.save(again, DType.BF16);
    assertThat(again).hasSameBinaryContentAs(path);
  }

  /** 32 MiB of weights: were they widened on the way, 64 more would be allocated. */
  @Test
  void aBf16FileIsNotWidenedWhenItIsLoaded() throws IOException {
    int n = 1 << 12;
    Path path = directory.resolve("half.safetensors");
    dense(Matrix.of("W", n, n, new float[n * n]), Matrix.vector("b", new float[n]))
        .save(path, DType.BF16);
    Model.load(path);
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    Model.load(path);
    assertThat(threads.getCurrentThreadAllocatedBytes() - before)
        .isBetween(2L * n * n, 2L * n * n + (4 << 20));
  }

  @ParameterizedTest
  @ValueSource(ints = {0x7f80, 0xff80, 0x7fc0})
  void aBf16WeightThatIsNotFiniteIsRefused(int bits) throws IOException {
    Path path = directory.resolve("half.safetensors");
    dense(Matrix.of("W", 1, 2, 1, 1), Matrix.vector("b", 0)).save(path, DType.BF16);
    byte[] file = Files.readAllBytes(path);
    int second = file.length - 4;
    file[second] = (byte) bits;
    file[second + 1] = (byte) (bits >> 8);
    Files.write(path, file);
    assertThatExceptionOfType(WeightsFormatException.class)
        .isThrownBy(() -> Model.load(path))
        .withMessageContaining("a.W: the weight at row 0, column 1 is");
  }

  @ParameterizedTest
  @ValueSource(strings = {"cube", "scalar", "flat"})
  void aTensorThatIsNeitherMatrixNorVectorIsRefused(String name) throws IOException {
    Path path = directory.resolve("tensors.safetensors");
    new WeightsWriter()
        .tensor("cube", new float[8], 2, 2, 2)
        .tensor("scalar", new float[1])
        .tensor("flat", new float[0], 0, 5)
        .write(path);
    try (WeightsFile file = WeightsFile.open(path)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Matrix.of(file.tensor(name)))
          .withMessageContaining("tensor " + name + " has shape");
    }
  }

  private static Model dense(Matrix w, Matrix b) {
    return new Model(List.of(new Dense("a", w, b, Activation.TANH)));
  }

  @Test
  void aDescriptionBesideAFileMakesTheNetworkThatOneInItMakes() throws IOException {
    Path path = directory.resolve("tensors.safetensors");
    new WeightsWriter()
        .tensor("a.W", new float[] {1, 2, 3, 4, 5, 6}, 2, 3)
        .tensor("a.b", new float[] {7, 8}, 2)
        .write(path);
    try (WeightsFile file = WeightsFile.open(path)) {
      Model model =
          Model.from(
              file,
              """
              {"version": 1, "layers": [
                {"type": "dense", "name": "a", "inputs": 3, "units": 2, "activation": "tanh"}]}
              """);
      assertThat(model.layers())
          .isEqualTo(
              dense(Matrix.of("W", 2, 3, 1, 2, 3, 4, 5, 6), Matrix.vector("b", 7, 8)).layers());
      assertThatExceptionOfType(WeightsFormatException.class)
          .isThrownBy(() -> Model.from(file, "{\"version\": 1, \"layer\": []}"))
          .withMessageContaining("missing fields [layers], unknown fields [layer]");
    }
  }

  @Test
  void aLayerIsNotBuiltWithoutAllItsParts() {
    Sums sums =
        new Sums(
            Matrix.of("W", 2, 3, new float[6]),
            Matrix.of("U", 2, 2, new float[4]),
            Matrix.vector("b", 0, 0));
    assertThatIllegalStateException()
        .isThrownBy(() -> Gru.named("rnn0").update(sums).candidate(sums).build())
        .withMessageContaining("layer rnn0: reset is missing");
    assertThatIllegalStateException()
        .isThrownBy(() -> Lstm.named("rnn0").input(sums).output(sums).cell(sums).build())
        .withMessageContaining("layer rnn0: forget, or coupledGates, is missing");
    assertThatIllegalStateException()
        .isThrownBy(() -> ConditionalGru.named("rnn0").reset(sums).candidate(sums).build())
        .withMessageContaining("layer rnn0: gating is missing");
  }

  @Test
  void aLayerIsMadeOfThePartsItWasGiven() {
    Sums z = sums(1);
    Sums r = sums(2);
    Sums c = sums(3);
    Gru gru = Gru.named("rnn0").candidate(c).reset(r).update(z).build();
    assertThat(List.of(gru.z(), gru.r(), gru.c())).containsExactly(z, r, c);
    assertThat(gru.tensors().get("Wr")).isEqualTo(r.w());
    assertThat(gru.toBuilder().build()).isEqualTo(gru).hasSameHashCodeAs(gru);
    assertThat(gru.toBuilder().reset(c).build()).isNotEqualTo(gru);
    Lstm lstm = Lstm.named("rnn0").cell(z).output(r).forget(c).input(z).build();
    assertThat(lstm.sums()).containsExactly(z, c, r, z);
    assertThat(Lstm.named("rnn0").cell(z).output(r).forget(c).input(z).build()).isEqualTo(lstm);
    assertThat(Lstm.named("rnn0").cell(z).output(r).coupledGates().input(z).build())
        .isNotEqualTo(lstm);
  }

  private static Sums sums(float value) {
    return new Sums(
        Matrix.of("W", 1, 1, value), Matrix.of("U", 1, 1, value), Matrix.vector("b", value));
  }

  @Test
  void blocksMustBeWholeAndGatesFitTheirUnits() {
    Matrix wu = Matrix.of("Wu", 3, 2, new float[6]);
    Matrix bu = Matrix.vector("bu", new float[3]);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> new Gating.Block(new Sums(wu, Matrix.of("Uu", 3, 10, new float[30]), bu), bu))
        .withMessageContaining("10 units cannot be cut into 3 equal blocks");
    Gating.Block block =
        new Gating.Block(new Sums(wu, Matrix.of("Uu", 3, 9, new float[27]), bu), bu);
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            new Gating.Hybrid(
                block, Matrix.of("V", 9, 2, new float[18]), Matrix.vector("e", new float[9])))
        .withMessageContaining("V is 9 x 2, expected 9 x 3");
    Matrix w = Matrix.of("W", 6, 2, new float[12]);
    Matrix u = Matrix.of("U", 6, 6, new float[36]);
    Matrix b = Matrix.vector("b", new float[6]);
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            ConditionalGru.named("a")
                .gating(block)
                .reset(new Sums(w, u, b))
                .candidate(new Sums(w, u, b))
                .build())
        .withMessageContaining("gates are for 9 units behind 2 inputs");
  }

  @ParameterizedTest
  @MethodSource("models")
  void savingAndLoadingKeepsEverything(Model model) throws IOException {
    Path path = directory.resolve("model.safetensors");
    model.save(path);
    Model loaded = Model.load(path);
    assertThat(loaded.layers()).isEqualTo(model.layers());
    assertThat(loaded.vocabulary()).isEqualTo(model.vocabulary());
    assertThat(loaded.fingerprint()).isEqualTo(model.fingerprint());
    assertThat(loaded.inputs()).isEqualTo(model.inputs());
    assertThat(loaded.outputs()).isEqualTo(model.outputs());
    assertThat(loaded.parameters()).isEqualTo(model.parameters());
  }

  /** Without a bottleneck there is nothing to name one for. */
  @Test
  void aBottleneckOfFullGatingIsRefused() throws IOException {
    Path path = directory.resolve("full.safetensors");
    PinnedModels.all().get("conditional_gru full activations").save(path);
    String text = Files.readString(path, StandardCharsets.ISO_8859_1);
    String one = "{\\\"reset\\\":[[\\\"affine\\\",0.2,0.5],[\\\"clamp\\\",0.0,1.0]]";
    String other = "{\\\"bottleneck\\\":\\\"relu\\\",\\\"reset\\\":\\\"relu\\\"";
    assertThat(text).contains(one);
    String changed = text.replace(one, other + " ".repeat(one.length() - other.length()));
    Files.writeString(path, changed, StandardCharsets.ISO_8859_1);
    assertThatExceptionOfType(WeightsFormatException.class)
        .isThrownBy(() -> Model.load(path))
        .withMessageContaining("activations of layer a")
        .withMessageContaining("unknown fields [bottleneck]");
  }

  @Test
  void parametersAreAllWeightsAndBiases() {
    int conditional = 5 * 4 + 5 * 7 + 5 + 7 * 5 + 7 + 2 * (7 * 4 + 7 * 7 + 7);
    int gru = 3 * (16 * 7 + 16 * 16 + 16);
    int dense = 4 * 16 + 4;
    assertThat(good().parameters()).isEqualTo(conditional + gru + dense);
  }

  @Test
  void oneBitOfOneWeightChangesTheFingerprint() throws IOException {
    Map<String, Stored> tensors = tensors();
    Set<Long> fingerprints = new HashSet<>(Set.of(good().fingerprint()));
    for (String name : tensors.keySet()) {
      float[] values = tensors.get(name).values().clone();
      int last = values.length - 1;
      values[last] = Float.intBitsToFloat(Float.floatToRawIntBits(values[last]) ^ 1);
      Model changed = Model.load(write(description(), with(name, values)));
      assertThat(fingerprints.add(changed.fingerprint())).as("%s changed", name).isTrue();
    }
    assertThat(fingerprints).hasSize(1 + 11 + 9 + 2);
  }

  @Test
  void theSignOfZeroAndTheActivationChangeTheFingerprint() {
    Matrix w = Matrix.of("W", 1, 1, 1);
    long linear = fingerprint(new Dense("d", w, Matrix.vector("b", 0f), Activation.LINEAR));
    assertThat(fingerprint(new Dense("d", w, Matrix.vector("b", -0f), Activation.LINEAR)))
        .isNotEqualTo(linear);
    assertThat(fingerprint(new Dense("d", w, Matrix.vector("b", 0f), Activation.SOFTMAX)))
        .isNotEqualTo(linear);
    assertThat(fingerprint(new Dense("other", w, Matrix.vector("b", 0f), Activation.LINEAR)))
        .isEqualTo(linear);
  }

  @Test
  void theShapeChangesTheFingerprint() {
    Dense wide =
        new Dense("d", Matrix.of("W", 1, 2, 1, 2), Matrix.vector("b", 3), Activation.LINEAR);
    Dense more =
        new Dense("d", Matrix.of("W", 2, 1, 1, 2), Matrix.vector("b", 3, 0), Activation.LINEAR);
    Dense tall =
        new Dense(
            "d", Matrix.of("W", 3, 1, 1, 2, 3), Matrix.vector("b", 0, 0, 0), Activation.LINEAR);
    assertThat(Stream.of(wide, more, tall).map(ModelTest::fingerprint)).doesNotHaveDuplicates();
  }

  private static long fingerprint(Layer layer) {
    return new Model(List.of(layer)).fingerprint();
  }

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

  @Test
  void aModelCannotBeChangedThroughTheListsAndArraysItWasMadeOf() {
    float[] values = {1, 2};
    Matrix w = Matrix.of("W", 1, 2, values);
    values[0] = 9;
    w.toArray()[1] = 9;
    assertThat(w.toArray()).containsExactly(1, 2);
    Dense dense = new Dense("d", w, Matrix.vector("b", 0), Activation.LINEAR);
    Layer[] layers = {dense};
    Model model = new Model(Arrays.asList(layers));
    layers[0] = new Dense("e", w, Matrix.vector("b", 0), Activation.LINEAR);
    assertThat(model.layers()).containsExactly(dense);
  }

  @Test
  void aTokenIsThePositionOfACharacter() {
    Vocabulary vocabulary = new Vocabulary("a\ud83d\ude00\u00e9 \ud83d\ude80");
    assertThat(vocabulary.size()).isEqualTo(5);
    int[] codePoints = {'a', 0x1f600, 0xe9, ' ', 0x1f680};
    for (int token = 0; token < codePoints.length; token++) {
      assertThat(vocabulary.token(codePoints[token])).isEqualTo(token);
      assertThat(vocabulary.codePoint(token)).isEqualTo(codePoints[token]);
    }
    assertThat(vocabulary.token('b')).isEqualTo(-1);
    assertThat(vocabulary.token(0xd83d)).isEqualTo(-1);
    assertThat(vocabulary.characters()).isEqualTo("a\ud83d\ude00\u00e9 \ud83d\ude80");
    assertThat(vocabulary).isEqualTo(new Vocabulary(vocabulary.characters()));
    assertThat(vocabulary).isNotEqualTo(new Vocabulary("a"));
    assertThat(new Vocabulary("ab")).hasToString("\"ab\"");
  }

  @Test
  void aVocabularyNeedsDistinctWholeCharacters() {
    assertThatIllegalArgumentException().isThrownBy(() -> new Vocabulary(""));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Vocabulary("\ud83d\ude00a\ud83d\ude00"))
        .withMessageContaining("\"\ud83d\ude00\" occurs twice");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Vocabulary("a\ude00"))
        .withMessageContaining("de00");
  }

  private record Stored(int[] shape, float[] values) {}

  private Path write(String description, Map<String, Stored> tensors) throws IOException {
    WeightsWriter writer = new WeightsWriter().metadata(DESCRIPTION, description);
    tensors.forEach((name, stored) -> writer.tensor(name, stored.values(), stored.shape()));
    Path path = directory.resolve("edited.safetensors");
    writer.write(path);
    return path;
  }

  private Path saved() throws IOException {
    Path path = directory.resolve("good.safetensors");
    good().save(path);
    return path;
  }

  private String description() throws IOException {
    return descriptionOf(saved());
  }

  private Map<String, Stored> tensors() throws IOException {
    return tensorsOf(saved());
  }

  private Map<String, Stored> with(String name, float[] values) throws IOException {
    Map<String, Stored> tensors = tensors();
    tensors.put(name, new Stored(tensors.get(name).shape(), values));
    return tensors;
  }

  private static String descriptionOf(Path path) throws IOException {
    try (WeightsFile file = WeightsFile.open(path)) {
      return file.metadata().get(DESCRIPTION);
    }
  }

  private static Map<String, Stored> tensorsOf(Path path) throws IOException {
    Map<String, Stored> tensors = new LinkedHashMap<>();
    try (WeightsFile file = WeightsFile.open(path)) {
      for (Tensor tensor : file.tensors().values()) {
        int[] shape = Arrays.stream(tensor.shape()).mapToInt(Math::toIntExact).toArray();
        tensors.put(tensor.name(), new Stored(shape, tensor.toFloats()));
      }
    }
    return tensors;
  }
}
