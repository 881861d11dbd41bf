package io.github.stillgate.importers.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StateDictTest {
  private final Random random = new Random(5);
  private final WeightsWriter writer = new WeightsWriter();

  @TempDir private Path folder;

  @Test
  void findsStackedLayersDirectionsAndProjections() throws IOException {
    matrix("emb.weight", 11, 6);
    recurrent("a", 3, 0, "", 6, 4);
    recurrent("a", 3, 1, "", 4, 4);
    recurrent("b.lstm", 4, 0, "", 4, 5);
    recurrent("b.lstm", 4, 0, "_reverse", 4, 5);
    matrix("c.weight_ih_l0", 12, 10);
    matrix("c.weight_hh_l0", 12, 2);
    matrix("c.weight_hr_l0", 2, 3);
    recurrent("d", 1, 0, "", 2, 7);
    matrix("out.weight", 9, 7);
    vector("out.bias", 9);
    vector("optimizer.step", 1);
    StateDict.Import imported =
        read("emb, gru:a, lstm:b.lstm, lstm:c, rnn:d:relu, linear:out:softmax");
    List<Layer> layers = imported.model().layers();
    assertThat(layers.stream().map(Layer::name))
        .containsExactly("emb", "a.l0", "a.l1", "b.lstm", "c", "d", "out");
    assertThat(layers.get(0)).isInstanceOf(Embedding.class);
    assertThat(layers.get(1)).isInstanceOf(Gru.class);
    assertThat(((Bidirectional) layers.get(3)).backward()).isInstanceOf(Lstm.class);
    Lstm projected = (Lstm) layers.get(4);
    assertThat(projected.cells()).isEqualTo(3);
    assertThat(projected.outputs()).isEqualTo(2);
    assertThat(((SimpleRnn) layers.get(5)).activation().steps()).hasSize(2);
    assertThat(((Dense) layers.get(6)).activation()).isEqualTo(Activation.SOFTMAX);
    assertThat(imported.unused()).containsExactly("optimizer.step");
  }

  /** RTNeural issue 148: a stacked GRU of which one layer was loaded and the rest dropped. */
  @Test
  void whatIsNotUsedIsListed() throws IOException {
    recurrent("rnn", 3, 0, "", 6, 4);
    recurrent("other", 3, 0, "", 4, 4);
    assertThat(read("gru:rnn").unused())
        .containsExactly(
            "other.bias_hh_l0", "other.bias_ih_l0", "other.weight_hh_l0", "other.weight_ih_l0");
  }

  @Test
  void charactersMakeTokens() throws IOException {
    recurrent("rnn", 3, 0, "", 3, 4);
    writer.write(file());
    try (WeightsFile weights = WeightsFile.open(file());
        Plan plan =
            Plan.compile(
                StateDict.read(
                        weights, LayerRequest.parse("gru:rnn"), Optional.of(new Vocabulary("abc")))
                    .model());
        Session session = Session.open(plan)) {
      session.step(2, new float[4]);
    }
  }

  @Test
  void anLstmIsNoGru() {
    recurrent("rnn", 4, 0, "", 6, 5);
    assertRefused(
        "gru:rnn",
        "rnn.weight_ih_l0 is 20 x 6",
        "3 gates of 5 units make 15 rows each",
        "this looks like an lstm");
  }

  @Test
  void aMatrixThatIsTransposed() {
    matrix("rnn.weight_ih_l0", 15, 5);
    matrix("rnn.weight_hh_l0", 5, 15);
    assertRefused("gru:rnn", "rnn.weight_hh_l0 is 5 x 15", "make 45 rows each");
  }

  @Test
  void aSecondBiasThatIsMissing() {
    matrix("rnn.weight_ih_l0", 15, 6);
    matrix("rnn.weight_hh_l0", 15, 5);
    vector("rnn.bias_ih_l0", 15);
    assertRefused("gru:rnn", "rnn.bias_hh_l0 is missing", "both biases or none");
  }

  /** What is left of a stack would be a smaller network. */
  @Test
  void aLayerThatIsMissing() {
    recurrent("rnn", 3, 0, "", 6, 4);
    recurrent("rnn", 3, 2, "", 4, 4);
    assertRefused("gru:rnn", "rnn.bias_hh_l1, rnn.bias_ih_l1, rnn.weight_hh_l1, rnn.weight_ih_l1");
  }

  @Test
  void anyTensorThatIsMissing() throws IOException {
    List<String> parts = List.of("weight_ih", "weight_hh", "bias_ih", "bias_hh");
    for (String direction : List.of("", "_reverse")) {
      for (int layer = 0; layer < 2; layer++) {
        for (String part : parts) {
          String left = "rnn.%s_l%d%s".formatted(part, layer, direction);
          WeightsWriter cut = new WeightsWriter();
          for (String reverse : List.of("", "_reverse")) {
            for (int l = 0; l < 2; l++) {
              for (String p : parts) {
                String name = "rnn.%s_l%d%s".formatted(p, l, reverse);
                int columns = p.equals("weight_ih") ? l == 0 ? 6 : 10 : 5;
                if (!name.equals(left) && p.startsWith("weight")) {
                  cut.tensor(name, values(15 * columns), 15, columns);
                } else if (!name.equals(left)) {
                  cut.tensor(name, values(15), 15);
                }
              }
            }
          }
          cut.write(file());
          try (WeightsFile weights = WeightsFile.open(file())) {
            assertThatThrownBy(
                    () -> StateDict.read(weights, LayerRequest.parse("gru:rnn"), Optional.empty()))
                .isInstanceOf(WeightsFormatException.class)
                .hasMessageContaining(left + " is missing");
          }
        }
      }
    }
  }

  @Test
  void aTensorOfAnotherKind() {
    recurrent("rnn", 3, 0, "", 6, 4);
    matrix("rnn.weight_hr_l0", 4, 4);
    assertRefused("gru:rnn", "rnn.weight_hr_l0 is no tensor of a GRU");
  }

  @Test
  void weightNormIsNoWeight() {
    recurrent("rnn", 3, 0, "", 6, 4);
    matrix("rnn.weight_hh_l0_g", 12, 1);
    assertRefused("gru:rnn", "rnn.weight_hh_l0_g is no tensor of a GRU");
  }

  /** A row of numbers whose product is small can still be longer than an array. */
  @Test
  void extentsBeyondAnInt() throws IOException {
    byte[] header =
        ("{\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[0,3000000000],\"data_offsets\":[0,0]},"
                + "\"g.weight_ih_l0\":{\"dtype\":\"F32\",\"shape\":[3000000000,0],\"data_offsets\":[0,0]},"
                + "\"g.weight_hh_l0\":{\"dtype\":\"F32\",\"shape\":[3000000000,0],\"data_offsets\":[0,0]}}")
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
    Files.write(file(), bytes.putLong(header.length).put(header).array());
    for (String layers : List.of("linear:fc", "gru:g")) {
      try (WeightsFile weights = WeightsFile.open(file())) {
        assertThatThrownBy(
                () -> StateDict.read(weights, LayerRequest.parse(layers), Optional.empty()))
            .isInstanceOf(WeightsFormatException.class)
            .hasMessageContaining("3000000000");
      }
    }
    // A sparse file: 2^31 rows of one bf16.
    byte[] tall =
        "{\"fc.weight\":{\"dtype\":\"BF16\",\"shape\":[2147483648,1],\"data_offsets\":[0,4294967296]}}"
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer begin = ByteBuffer.allocate(8 + tall.length).order(ByteOrder.LITTLE_ENDIAN);
    begin.putLong(tall.length).put(tall);
    try (SeekableByteChannel channel =
        Files.newByteChannel(
            file(),
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.SPARSE)) {
      channel.write(begin.flip());
      channel.position(begin.limit() + (1L << 32) - 1);
      channel.write(ByteBuffer.allocate(1));
    }
    try (WeightsFile weights = WeightsFile.open(file())) {
      assertThatThrownBy(
              () -> StateDict.read(weights, LayerRequest.parse("linear:fc"), Optional.empty()))
          .isInstanceOf(WeightsFormatException.class)
          .hasMessageContaining("fc.weight has shape [2147483648, 1]; supported are extents below");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "_orig_mod.encoder.rnn, encoder.rnn",
    "module.rnn, rnn",
    "model.module._orig_mod.rnn, rnn",
    "encoder._orig_mod.rnn, encoder.rnn",
    "rnn, module.rnn",
    "model.rnn, _orig_mod.model.rnn"
  })
  void whatWrappersPutIntoNamesNeedNotBeSaid(String prefix, String asked) throws IOException {
    recurrent(prefix, 3, 0, "", 6, 4);
    recurrent("other.rnn", 3, 0, "", 4, 4);
    StateDict.Import imported = read("gru:" + asked + ", gru:other.rnn");
    assertThat(imported.model().layers().getFirst().name()).isEqualTo(asked);
    assertThat(imported.remarks())
        .containsExactly("gru:%s is read from %s".formatted(asked, prefix));
    assertThat(imported.unused()).isEmpty();
  }

  @Test
  void aPrefixThatMayBeTwoModulesIsRefused() throws IOException {
    recurrent("model.rnn", 3, 0, "", 6, 4);
    recurrent("module.rnn", 3, 0, "", 6, 4);
    assertRefused("gru:rnn", "gru:rnn may be any of these, so ask for gru:model.rnn or gru:module");
    assertThat(read("gru:model.rnn").remarks()).isEmpty();
  }

  @Test
  void otherPrefixesAreOffered() {
    recurrent("a.rnn", 3, 0, "", 6, 4);
    recurrent("net.encoder.rnn", 3, 0, "", 6, 4);
    assertRefused(
        "gru:encoder.rnn",
        "has no tensor \"encoder.rnn.weight_ih_l0\"",
        "ask for gru:net.encoder.rnn or gru:a.rnn");
    assertRefused(
        "linear:out", "has no tensor \"out.weight\", nor any of a module linear; it has [");
  }

  @Test
  void aModuleThatWasSavedAloneHasNoPrefix() throws IOException {
    matrix("weight_ih_l0", 12, 6);
    matrix("weight_hh_l0", 12, 4);
    assertThat(read("gru:").model().layers().getFirst().name()).isEqualTo("gru");
    assertThat(read("gru:").remarks()).isEmpty();
    assertThat(read("gru").remarks())
        .containsExactly("gru:gru is read from tensors without a prefix");
    assertThat(read("gru").model().fingerprint()).isEqualTo(read("gru:").model().fingerprint());
    assertRefused("gru:encoder", "has no tensor \"encoder.weight_ih_l0\"", "ask for gru:");
  }

  @ParameterizedTest
  @CsvSource({"lstm, 4, net.cell", "gru, 3, net.cell", "rnn, 1, net.cell", "lstm, 4, ''"})
  void aCellIsALayer(String kind, int gates, String prefix) throws IOException {
    String begin = prefix.isEmpty() ? "" : prefix + ".";
    float[] w = values(gates * 5 * 3);
    float[] u = values(gates * 5 * 5);
    float[] b = values(gates * 5);
    WeightsWriter cell = new WeightsWriter();
    WeightsWriter layer = new WeightsWriter();
    for (boolean isCell : new boolean[] {true, false}) {
      String end = isCell ? "" : "_l0";
      (isCell ? cell : layer)
          .tensor(begin + "weight_ih" + end, w, gates * 5, 3)
          .tensor(begin + "weight_hh" + end, u, gates * 5, 5)
          .tensor(begin + "bias_ih" + end, b, gates * 5)
          .tensor(begin + "bias_hh" + end, b, gates * 5);
    }
    StateDict.Import ofCell = read(cell, kind + ":" + prefix);
    assertThat(ofCell.unused()).isEmpty();
    assertThat(ofCell.model().fingerprint())
        .isEqualTo(read(layer, kind + ":" + prefix).model().fingerprint());
  }

  @Test
  void aCellThatIsCut() {
    matrix("cell.weight_ih", 20, 3);
    vector("cell.bias_ih", 20);
    assertRefused("lstm:cell", "cell.bias_hh, cell.weight_hh is missing, while there are [bias_ih");
  }

  @Test
  void aCellAndALayerUnderOnePrefix() {
    recurrent("rnn", 3, 0, "", 6, 4);
    matrix("rnn.weight_ih", 12, 4);
    assertRefused(
        "gru:rnn", "rnn.weight_ih is a tensor of a cell, but there are those of numbered");
  }

  @Test
  void aCellHasNoProjection() {
    matrix("cell.weight_ih", 20, 3);
    matrix("cell.weight_hh", 20, 2);
    matrix("cell.weight_hr", 2, 5);
    assertRefused("lstm:cell", "cell.weight_hr is no tensor of a LSTM");
  }

  /** The same weights as embedding and, with another bias, as output. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void tiedWeightsThatAreStoredOnce(boolean metadata) throws IOException {
    matrix("emb.weight", 7, 4);
    recurrent("rnn", 3, 0, "", 4, 4);
    vector("fc.bias", 7);
    Map<String, String> tied = Map.of("fc.weight", "emb.weight");
    if (metadata) {
      // As save_model of safetensors writes it.
      writer.metadata("fc.weight", "emb.weight").metadata("format", "pt");
    } else {
      assertRefused("emb, gru:rnn, linear:fc", "has no tensor fc.weight", "--tie fc.weight=NAME");
    }
    StateDict.Import imported =
        readWhole("emb, gru:rnn, linear:fc", metadata ? Map.of() : tied, List.of());
    Dense fc = (Dense) imported.model().layers().getLast();
    Embedding emb = (Embedding) imported.model().layers().getFirst();
    assertThat(fc.w()).isEqualTo(emb.tensors().values().iterator().next());
    assertThat(imported.remarks()).containsExactly("fc.weight is tied to emb.weight");
    assertThat(imported.unused()).isEmpty();
  }

  @Test
  void tiesThatDoNotFit() {
    matrix("emb.weight", 7, 4);
    matrix("fc.weight", 7, 4);
    assertNotWhole(
        "emb",
        Map.of("fc.weight", "emb.weight"),
        List.of(),
        "the file has a tensor fc.weight itself");
    assertNotWhole(
        "emb", Map.of("out.weight", "enc.weight"), List.of(), "the file has no tensor enc.weight");
  }

  @Test
  void oneModuleMayBeTwoLayers() throws IOException {
    matrix("emb.weight", 4, 4);
    StateDict.Import imported = read("emb:emb, linear:emb:tanh, linear:emb, relu, linear:emb");
    assertThat(imported.model().layers().stream().map(Layer::name))
        .containsExactly("emb", "emb.2", "emb.3", "emb.4");
  }

  @Test
  void float64IsRoundedOnce() throws IOException {
    double[] w = {1 / 3.0, -2e-3, 0.1, 16777217, 1e-50, -0.0};
    double[] b = {1 + 1e-9, -0.7};
    Path path = new TensorFile().f64("fc.weight", w, 2, 3).f64("fc.bias", b, 2).write(file());
    try (WeightsFile weights = WeightsFile.open(path)) {
      StateDict.Import imported =
          StateDict.read(weights, LayerRequest.parse("linear:fc"), Optional.empty());
      Dense layer = (Dense) imported.model().layers().getFirst();
      assertThat(layer.w().toArray())
          .containsExactly((float) (1 / 3.0), -2e-3f, 0.1f, 16777216, 0, -0f);
      assertThat(layer.b().toArray()).containsExactly(1, -0.7f);
      assertThat(imported.remarks())
          .containsExactly("2 tensors are float64 and were rounded to float32");
    }
    new TensorFile().f64("fc.weight", new double[] {1, 1e39}, 1, 2).write(file());
    try (WeightsFile weights = WeightsFile.open(file())) {
      assertThatThrownBy(
              () -> StateDict.read(weights, LayerRequest.parse("linear:fc"), Optional.empty()))
          .isInstanceOf(WeightsFormatException.class)
          .hasMessageContaining("fc.weight: value 1 is 1.0E39, beyond float32");
    }
  }

  @Test
  void integersAreNoWeights() throws IOException {
    new TensorFile().i64("fc.bias", 1, 2).f32("fc.weight", new double[2], 2, 1).write(file());
    try (WeightsFile weights = WeightsFile.open(file())) {
      assertThatThrownBy(
              () -> StateDict.read(weights, LayerRequest.parse("linear:fc"), Optional.empty()))
          .isInstanceOf(WeightsFormatException.class)
          .hasMessageContaining("tensor fc.bias is I64");
    }
  }

  /** A norm that nobody named would be a network without it. */
  @Test
  void aModuleThatNobodyNamedIsRefused() throws IOException {
    recurrent("rnn", 3, 0, "", 6, 4);
    vector("norm.weight", 4);
    vector("norm.bias", 4);
    vector("bn.running_mean", 4);
    matrix("fc.weight", 2, 4);
    writer.tensor("conv.weight", values(24), 2, 4, 3);
    vector("scale", 1);
    recurrent("head", 3, 0, "", 4, 4);
    assertNotWhole(
        "gru:rnn",
        Map.of(),
        List.of(),
        "the network is likely incomplete, since no layer uses",
        "norm (a LayerNorm, which no layer of a chain computes: bias [4], weight [4])",
        "bn (a BatchNorm: running_mean [4])",
        "fc (a Linear or an Embedding: weight [2, 4])",
        "conv (a Conv1d with a kernel of 3, which no layer of a chain computes: weight [2, 4, 3])",
        "head (a recurrent module: ",
        "the module without a prefix (scale [1])",
        "--ignore scale,bn,conv,fc,head,norm",
        "Export a network that needs what no chain has to ONNX");
    List<String> all = List.of("norm", "bn.running_mean", "fc", "conv", "scale", "head");
    assertThat(readWhole("gru:rnn", Map.of(), all).unused()).hasSize(10);
    assertNotWhole(
        "gru:rnn",
        Map.of(),
        List.of("norm", "bn", "fc", "conv", "scale"),
        "no layer uses head (a recurrent module");
    assertNotWhole(
        "gru:rnn",
        Map.of(),
        List.of("nor"),
        "nothing to ignore: no tensor nor, and none whose name");
    assertNotWhole("gru:rnn", Map.of(), List.of("rnn"), "nothing to ignore: no tensor rnn,");
  }

  @Test
  void countsMayBeLeftOver() throws IOException {
    new TensorFile().f32("fc.weight", new double[2], 2, 1).i64("n_averaged", 7).write(file());
    try (WeightsFile weights = WeightsFile.open(file())) {
      assertThat(
              StateDict.readWhole(
                      weights,
                      LayerRequest.parse("linear:fc"),
                      Optional.empty(),
                      Map.of(),
                      List.of())
                  .unused())
          .containsExactly("n_averaged");
    }
  }

  @Test
  void aBiasOfTheWrongLength() {
    matrix("rnn.weight_ih_l0", 15, 6);
    matrix("rnn.weight_hh_l0", 15, 5);
    vector("rnn.bias_ih_l0", 5);
    vector("rnn.bias_hh_l0", 15);
    assertRefused("gru:rnn", "rnn.bias_ih_l0 has shape [5]; expected [15]");
  }

  @Test
  void aPrefixThatIsNotThere() {
    recurrent("encoder.rnn", 3, 0, "", 6, 4);
    assertRefused("gru:decoder.rnn", "decoder.rnn.weight_ih_l0");
  }

  @Test
  void widthsThatDoNotFit() {
    recurrent("a", 3, 0, "", 6, 4);
    recurrent("b", 3, 0, "", 5, 4);
    assertThatThrownBy(() -> read("gru:a, gru:b"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("layer b reads 5 values, but layer a gives 4");
  }

  @Test
  void requestsSayWhatTheyExpect() {
    assertThatThrownBy(() -> LayerRequest.parse("gru:a:tanh"))
        .hasMessageContaining("gru:a: only linear, conv1d, rnn and sru take an activation")
        .hasMessageContaining("as \"gru:a, relu\"");
    assertThatThrownBy(() -> LayerRequest.parse("conv:a"))
        .hasMessageContaining("\"conv\" is not known (known: [batch_norm, bn, conv1d, dense, emb")
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> LayerRequest.parse("linear:a:gelu"))
        .hasMessageContaining("\"gelu\" is not known (known: [elu, hardsigmoid");
    assertThatThrownBy(() -> LayerRequest.parse("rnn:a:softsign"))
        .hasMessageContaining("torch.nn.RNN has tanh and relu");
    assertThatThrownBy(() -> LayerRequest.parse("gru:a,,gru:b")).hasMessageContaining("\"\"");
    for (String none : List.of("", ":", "::", ":a", " : ", ",", "gru:a,")) {
      assertThatThrownBy(() -> LayerRequest.parse(none))
          .as("\"%s\"", none)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("is no layer; expected kind:prefix");
    }
    assertThatThrownBy(() -> LayerRequest.parse("linear:a:tanh:b"))
        .hasMessageContaining("expected kind:prefix");
    assertThatThrownBy(() -> LayerRequest.parse("relu:a"))
        .hasMessageContaining("\"relu:a\": an activation has no tensors, and so no prefix");
    assertThatThrownBy(() -> LayerRequest.parse("leaky_relu(steep)"))
        .hasMessageContaining("\"steep\" is no number");
    assertThatThrownBy(() -> LayerRequest.parse("tanh(2)"))
        .hasMessageContaining("\"tanh(2)\" is not known");
    assertThatThrownBy(() -> LayerRequest.parse("bn:a:relu"))
        .hasMessageContaining("\"relu\" is no option of a batch_norm; expected bn:prefix");
    assertThatThrownBy(() -> LayerRequest.parse("bn:a:eps=small"))
        .hasMessageContaining("expected a number behind eps=");
    assertThatThrownBy(() -> LayerRequest.parse("bn:a:eps=-1"))
        .hasMessageContaining("batch_norm:a: eps is -1.0; expected a number from 0 on");
    assertThatThrownBy(() -> LayerRequest.parse("bn:a:no_skip"))
        .hasMessageContaining("batch_norm:a: only sru takes [no_skip]");
  }

  private void assertNotWhole(
      String layers, Map<String, String> tied, List<String> ignored, String... parts) {
    assertThatThrownBy(() -> readWhole(layers, tied, ignored))
        .isInstanceOf(WeightsFormatException.class)
        .hasMessageContaining("state.safetensors")
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }

  private StateDict.Import readWhole(String layers, Map<String, String> tied, List<String> ignored)
      throws IOException {
    writer.write(file());
    try (WeightsFile weights = WeightsFile.open(file())) {
      return StateDict.readWhole(
          weights, LayerRequest.parse(layers), Optional.empty(), tied, ignored);
    }
  }

  private void assertRefused(String layers, String... parts) {
    assertThatThrownBy(() -> read(layers))
        .isInstanceOf(WeightsFormatException.class)
        .hasMessageContaining("state.safetensors")
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }

  private StateDict.Import read(String layers) throws IOException {
    return read(writer, layers);
  }

  private StateDict.Import read(WeightsWriter tensors, String layers) throws IOException {
    tensors.write(file());
    try (WeightsFile weights = WeightsFile.open(file())) {
      return StateDict.read(weights, LayerRequest.parse(layers), Optional.empty());
    }
  }

  private Path file() {
    return folder.resolve("state.safetensors");
  }

  private void recurrent(
      String prefix, int gates, int layer, String direction, int inputs, int units) {
    String suffix = "_l" + layer + direction;
    matrix(prefix + ".weight_ih" + suffix, gates * units, inputs);
    matrix(prefix + ".weight_hh" + suffix, gates * units, units);
    vector(prefix + ".bias_ih" + suffix, gates * units);
    vector(prefix + ".bias_hh" + suffix, gates * units);
  }

  private void matrix(String name, int rows, int columns) {
    writer.tensor(name, values(rows * columns), rows, columns);
  }

  private void vector(String name, int length) {
    writer.tensor(name, values(length), length);
  }

  private float[] values(int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return values;
  }
}
