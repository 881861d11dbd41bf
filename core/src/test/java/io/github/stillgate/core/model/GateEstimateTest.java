package io.github.stillgate.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GateEstimateTest {
  private static final Model MODEL = TestModels.estimated(11, 20, 3, 0.25f, 9);

  @TempDir Path folder;

  private static Gru first(Model model) {
    return (Gru) model.layers().get(0);
  }

  @Test
  void aFileKeepsTheEstimate() throws Exception {
    Path file = folder.resolve("estimated.safetensors");
    MODEL.save(file);
    Model loaded = Model.load(file);
    GateEstimate estimate = first(loaded).estimate().orElseThrow();
    GateEstimate original = first(MODEL).estimate().orElseThrow();
    assertThat(estimate.rank()).isEqualTo(3);
    assertThat(estimate.correction()).isEqualTo(0.25f);
    assertThat(estimate.wDown().toArray()).isEqualTo(original.wDown().toArray());
    assertThat(estimate.uDown().toArray()).isEqualTo(original.uDown().toArray());
    assertThat(estimate.up().toArray()).isEqualTo(original.up().toArray());
  }

  @Test
  void theDescriptionMustFitTheTensors() throws Exception {
    Path file = folder.resolve("estimated.safetensors");
    MODEL.save(file);
    assertThatExceptionOfType(WeightsFormatException.class)
        .isThrownBy(() -> Model.load(edited(file, "\"estimate\":3", "\"estimate\":2")))
        .withMessageContaining("rnn0.estimate.W")
        .withMessageContaining("[2, 11]");
    assertThatExceptionOfType(WeightsFormatException.class)
        .isThrownBy(() -> Model.load(edited(file, ",\"estimate\":3", "")))
        .withMessageContaining("no layer uses")
        .withMessageContaining("rnn0.estimate.V");
    assertThatExceptionOfType(WeightsFormatException.class)
        .isThrownBy(() -> Model.load(edited(file, "\"estimate\":3", "\"estimate\":0")))
        .withMessageContaining("estimate");
  }

  private Path edited(Path file, String from, String to) throws Exception {
    Path other = folder.resolve("edited.safetensors");
    WeightsWriter writer = new WeightsWriter();
    try (WeightsFile original = WeightsFile.open(file)) {
      String description = original.metadata().get("stillgate");
      assertThat(description).contains(from);
      writer.metadata("stillgate", description.replace(from, to));
      original
          .tensors()
          .values()
          .forEach(tensor -> {
            int[] shape = new int[tensor.shape().length];
            for (int i = 0; i < shape.length; i++) {
              shape[i] = (int) tensor.shape()[i];
            }
            writer.tensor(tensor.name(), tensor.toFloats(), shape);
          });
      writer.write(other);
    }
    return other;
  }

  @Test
  void matricesThatDoNotFitAreRefused() {
    Gru layer = first(MODEL);
    GateEstimate fits = layer.estimate().orElseThrow();
    Matrix narrow = Matrix.of("narrow", 3, 10, new float[30]);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new GateEstimate(fits.wDown(), narrow, fits.up(), 0))
        .withMessageContaining("narrow");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> layer.withEstimate(new GateEstimate(narrow, fits.uDown(), fits.up(), 0)))
        .withMessageContaining("narrow");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> fits.withCorrection(Float.NaN))
        .withMessageContaining("correction NaN");
  }

  /** Snapshots of a stream are good with and without it. */
  @Test
  void theFingerprintIsThatOfTheNetwork() {
    Gru layer = first(MODEL);
    Model other =
        new Model(
            List.of(
                layer.withEstimate(layer.estimate().orElseThrow().withCorrection(7)),
                MODEL.layers().get(1),
                MODEL.layers().get(2)),
            MODEL.vocabulary().orElseThrow());
    assertThat(other.fingerprint()).isEqualTo(MODEL.fingerprint());
  }
}
