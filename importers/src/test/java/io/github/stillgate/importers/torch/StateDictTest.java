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
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
    assertRefused("gru:rnn", "rnn.bias_ih_l0 is there and rnn.bias_hh_l0 is not", "both or none");
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
        .hasMessageContaining("gru:a: only linear and rnn take an activation");
    assertThatThrownBy(() -> LayerRequest.parse("conv:a"))
        .hasMessageContaining("\"conv\" is not known (known: [dense, emb, embedding, gru")
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> LayerRequest.parse("linear:a:gelu"))
        .hasMessageContaining("\"gelu\" is not known (known: [linear, relu");
    assertThatThrownBy(() -> LayerRequest.parse("rnn:a:softsign"))
        .hasMessageContaining("torch.nn.RNN has tanh and relu");
    assertThatThrownBy(() -> LayerRequest.parse("gru:a,,gru:b")).hasMessageContaining("\"\"");
    assertThatThrownBy(() -> LayerRequest.parse("linear:a:tanh:b"))
        .hasMessageContaining("expected kind:prefix");
  }

  private void assertRefused(String layers, String... parts) {
    assertThatThrownBy(() -> read(layers))
        .isInstanceOf(WeightsFormatException.class)
        .hasMessageContaining("state.safetensors")
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }

  private StateDict.Import read(String layers) throws IOException {
    writer.write(file());
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
