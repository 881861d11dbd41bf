package io.github.stillgate.importers.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.contract.SruVectors;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.NetworkOfModules;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.model.Sru;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Proof;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files in the authors' layout; {@code sru/golden.py} of core wrote those with outputs. */
class SruModuleTest {
  private final WeightsWriter writer = new WeightsWriter();

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "two-layers, sru:rnn:tanh:bidirectional",
    "one-direction, sru:rnn",
    "first-version, sru:rnn:tanh",
    "no-skip, sru:rnn:relu:no_skip",
    "projected, sru:rnn:selu",
    "cell, sru:cell:linear"
  })
  void theAuthorsLayoutComputesWhatNumpyDoes(String name, String layers) throws IOException {
    StateDict.Import imported = read(SruVectors.file(getClass(), name, "state"), layers);
    assertThat(imported.unused()).isEmpty();
    ProofVectors vectors = SruVectors.vectors(SruVectors.file(getClass(), name, "vectors"));
    SruVectors.assertFloat64Agrees(imported.model(), vectors);
    try (Plan plan = Plan.compile(imported.model())) {
      Proof.replay(plan, vectors, 1e-5);
    }
  }

  /** What a file says in JSON is what a line says. */
  @Test
  void aDescriptionSaysTheSame() throws IOException {
    NetworkOfModules network =
        NetworkOfModules.parse(
                """
                {"version": 1, "layers": [{"type": "sru", "module": "rnn", "activation": "tanh",
                  "options": ["bidirectional"]}]}
                """)
            .orElseThrow();
    Path state = SruVectors.file(getClass(), "two-layers", "state");
    Model described;
    try (WeightsFile file = WeightsFile.open(state)) {
      described = StateDict.read(file, LayerRequest.of(network), Optional.empty()).model();
    }
    assertThat(described.layers())
        .isEqualTo(read(state, "sru:rnn:tanh:bidirectional").model().layers());
  }

  @Test
  void shapesSayWhichHighwayThereIs() throws IOException {
    Model stack = read(SruVectors.file(getClass(), "one-direction", "state"), "sru:rnn").model();
    assertThat(stack.layers().stream().map(Layer::name)).containsExactly("rnn.l0", "rnn.l1");
    assertThat(sru(stack.layers().get(0)).highway()).isInstanceOf(Sru.Highway.FromMatrix.class);
    assertThat(sru(stack.layers().get(1)).highway())
        .isInstanceOfSatisfying(
            Sru.Highway.FromInput.class,
            highway -> assertThat(highway.scale()).isEqualTo(1.7320508f));
    Model old = read(SruVectors.file(getClass(), "first-version", "state"), "sru:rnn:tanh").model();
    assertThat(sru(old.layers().get(0)).isRecurrent()).isFalse();
    assertThat(sru(old.layers().get(0)).activation()).isEqualTo(Activation.TANH);
    Model both =
        read(SruVectors.file(getClass(), "two-layers", "state"), "sru:rnn:bidirectional").model();
    assertThat(both.layers()).allMatch(layer -> layer instanceof Bidirectional);
  }

  @Test
  void aLinearLayerBeforeItIsAskedFor() throws IOException {
    cell("rnn.rnn_lst.0.", 4, 4, 3);
    writer.tensor("rnn.input_to_hidden.weight", new float[24], 4, 6);
    assertRefused(
        "sru:rnn", "rnn.input_to_hidden.weight", "put linear:rnn.input_to_hidden before it");
    assertThat(written("linear:rnn.input_to_hidden, sru:rnn").model().inputs()).isEqualTo(6);
  }

  @Test
  void whatAnSruDoesNotHaveIsRefusedByName() throws IOException {
    cell("rnn.rnn_lst.0.", 4, 4, 3);
    writer.tensor("rnn.rnn_lst.0.layer_norm.weight", new float[4], 4);
    assertRefused("sru:rnn", "rnn.rnn_lst.0.layer_norm.weight", "layer_norm=False");
  }

  @Test
  void theLayerNormOfAnOlderVersionIsRefused() {
    cell("rnn.rnn_lst.0.", 4, 4, 3);
    writer.tensor("rnn.ln_lst.0.weight", new float[4], 4);
    assertRefused("sru:rnn", "rnn.ln_lst.0.weight", "layer normalisation");
  }

  @Test
  void anotherModuleInThePlaceOfTheMatricesIsRefused() {
    cell("rnn.rnn_lst.0.", 4, 4, 3);
    writer.tensor("rnn.rnn_lst.0.custom_m.linear1.weight", new float[16], 4, 4);
    assertRefused("sru:rnn", "rnn.rnn_lst.0.custom_m.linear1.weight", "not supported");
  }

  @Test
  void aTensorThatIsUnknownIsRefused() {
    cell("rnn.rnn_lst.0.", 4, 4, 3);
    writer.tensor("rnn.rnn_lst.0.alpha", new float[1], 1);
    assertRefused("sru:rnn", "rnn.rnn_lst.0.alpha is no tensor of an SRU", "bias, scale_x, weight");
  }

  @Test
  void aCellWithoutAPrefixStandsBesideOtherModules() throws IOException {
    cell("", 4, 4, 3);
    writer.tensor("out.weight", new float[8], 2, 4);
    assertThat(written("sru:, linear:out").unused()).isEmpty();
    writer.tensor("weight_x", new float[1], 1);
    assertRefused("sru:", "weight_x is no tensor of an SRU");
  }

  @Test
  void aLayerThatIsMissingIsNamed() {
    cell("rnn.rnn_lst.0.", 4, 4, 3);
    cell("rnn.rnn_lst.2.", 4, 4, 3);
    assertRefused("sru:rnn", "rnn.rnn_lst.1.bias is missing");
  }

  @Test
  void aTensorThatOnlyOneLayerHasIsNamed() {
    cell("rnn.rnn_lst.0.", 4, 4, 3);
    cell("rnn.rnn_lst.1.", 4, 4, 3);
    writer.tensor("rnn.rnn_lst.1.scale_x", new float[1], 1);
    assertRefused("sru:rnn", "rnn.rnn_lst.0.scale_x is missing");
  }

  @Test
  void anotherPrefixIsSuggested() {
    cell("net.rnn.rnn_lst.0.", 4, 4, 3);
    assertRefused("sru:rnn", "has no tensor \"rnn.rnn_lst.0.weight\"", "ask for sru:net.rnn");
  }

  @Test
  void columnsThatDoNotFitTheUnits() {
    writer.tensor("rnn.weight", new float[4 * 13], 4, 13).tensor("rnn.bias", new float[8], 8);
    assertRefused(
        "sru:rnn",
        "rnn.weight is 4 x 13 and rnn.bias has 8 values: 4 units, and so 12 columns or 16");
  }

  @Test
  void lengthsThatDoNotFit() {
    cell("rnn.", 4, 4, 3);
    writer.tensor("rnn.weight_c", new float[4], 4);
    assertRefused("sru:rnn", "rnn.weight_c has 4 values; expected 8");
  }

  @Test
  void aScaleThatIsNoNumber() {
    cell("rnn.", 4, 4, 3);
    writer.tensor("rnn.scale_x", new float[4], 4);
    assertRefused("sru:rnn", "rnn.scale_x has 4 values; expected 1");
  }

  @Test
  void aBiasThatIsNotOfTwoDirections() {
    cell("rnn.", 5, 5, 3);
    assertRefused("sru:rnn:bidirectional", "rnn.bias has 10 values", "both directions");
  }

  @Test
  void aProjectionThatDoesNotFit() {
    cell("rnn.", 4, 4, 3);
    writer.tensor("rnn.weight_proj", new float[12], 4, 3);
    assertRefused("sru:rnn", "rnn.weight_proj is 4 x 3 and rnn.weight has 4 rows");
  }

  @Test
  void aHighwayThatIsNotThereIsSaid() {
    cell("rnn.", 3, 4, 3);
    assertRefused("sru:rnn", "3 columns a unit", "ask with no_skip");
  }

  @Test
  void aHighwayThatIsThereIsSaid() {
    cell("rnn.", 3, 4, 4);
    assertRefused("sru:rnn:no_skip", "4 columns a unit", "ask without no_skip");
  }

  @Test
  void requestsOfAnSru() {
    LayerRequest request = LayerRequest.parse("sru:a:tanh:bidirectional:no_skip").get(0);
    assertThat(request.activation()).contains(Activation.TANH);
    assertThat(request.options()).containsExactlyInAnyOrder(LayerRequest.Option.values());
    assertThat(LayerRequest.parse("sru").get(0).prefix()).isEqualTo("sru");
    assertThat(LayerRequest.parse("sru:a:no_skip").get(0).activation()).isEmpty();
    for (String wrong : List.of("sru:a:tanh:tanh", "sru:a:bidirectional:tanh", "sru:a::")) {
      assertThatThrownBy(() -> LayerRequest.parse(wrong))
          .as(wrong)
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> LayerRequest.parse("sru:a:tanh:both"))
        .hasMessageContaining("\"both\" is no option of an sru")
        .hasMessageContaining("[bidirectional, no_skip]");
    assertThatThrownBy(() -> LayerRequest.parse("sru:a:sigmoid"))
        .hasMessageContaining("linear, relu, selu and tanh");
    assertThatThrownBy(() -> LayerRequest.parse("gru:a:tanh:bidirectional"))
        .hasMessageContaining("expected kind:prefix");
  }

  private static Sru sru(Layer layer) {
    return (Sru) layer;
  }

  private void cell(String prefix, int inputs, int units, int kinds) {
    writer
        .tensor(prefix + "weight", new float[inputs * units * kinds], inputs, units * kinds)
        .tensor(prefix + "bias", new float[2 * units], 2 * units);
  }

  private void assertRefused(String layers, String... parts) {
    assertThatThrownBy(() -> written(layers))
        .isInstanceOf(WeightsFormatException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }

  private StateDict.Import written(String layers) throws IOException {
    Path file = folder.resolve("state.safetensors");
    writer.write(file);
    return read(file, layers);
  }

  private static StateDict.Import read(Path path, String layers) throws IOException {
    try (WeightsFile weights = WeightsFile.open(path)) {
      return StateDict.read(weights, LayerRequest.parse(layers), Optional.empty());
    }
  }
}
