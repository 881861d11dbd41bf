package io.github.stillgate.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.weights.DType;
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
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelTest extends ModelFiles {
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
}
