package io.github.stillgate.importers.rnnoise;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.importers.Float64Cells;
import io.github.stillgate.importers.UnsupportedNetworkException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Files as rnnoise-nu writes them, and its equations in float64. */
class RnnoiseFileTest {
  private static final String FIRST = "rnnoise-nu model file version 1\n";
  private static final List<DoubleUnaryOperator> FUNCTIONS =
      List.of(Math::tanh, Float64Cells.SIGMOID, v -> Math.max(v, 0));

  private static final int FEATURES = 7;
  private static final int DENSE = 5;
  private static final int VAD = 4;
  private static final int NOISE = 6;
  private static final int DENOISE = 8;

  @TempDir private Path directory;

  private final Random random = new Random(11);
  private final StringBuilder text = new StringBuilder(FIRST);

  /** Writes whole numbers and gives what they stand for, by input. */
  private double[][] put(int inputs, int columns) {
    double[][] values = new double[inputs][columns];
    for (double[] row : values) {
      for (int i = 0; i < columns; i++) {
        int stored = random.nextInt(-128, 128);
        text.append(stored).append(' ');
        row[i] = stored / 256.0;
      }
    }
    text.append('\n');
    return values;
  }

  private void head(int inputs, int units, int function) {
    text.append("%d %d %d\n".formatted(inputs, units, function));
  }

  private interface Run {
    double[][] on(double[][] x);
  }

  private Run dense(int inputs, int units, int function) {
    head(inputs, units, function);
    double[][] kernel = put(inputs, units);
    double[] bias = put(1, units)[0];
    return x -> Float64Cells.dense(Float64Cells.columns(kernel), bias, FUNCTIONS.get(function), x);
  }

  /** Gates z, r and the candidate. */
  private Run gru(int inputs, int units, int function) {
    head(inputs, units, function);
    double[][] kernel = put(inputs, 3 * units);
    double[][] recurrent = put(units, 3 * units);
    double[] bias = put(1, 3 * units)[0];
    return x ->
        Float64Cells.gru(
            Float64Cells.columns(kernel),
            Float64Cells.columns(recurrent),
            bias,
            null,
            0,
            1,
            Float64Cells.SIGMOID,
            FUNCTIONS.get(function),
            x);
  }

  private Path file() throws IOException {
    return Files.writeString(directory.resolve("net.rnnn"), text);
  }

  /** Activations as in RNNoise's own models: tanh, tanh, relu, tanh, sigmoid, sigmoid. */
  @Test
  void theNetworkGivesWhatItsEquationsGive() throws IOException {
    Run dense = dense(FEATURES, DENSE, 0);
    Run vadGru = gru(DENSE, VAD, 0);
    Run noiseGru = gru(DENSE + VAD + FEATURES, NOISE, 2);
    Run denoiseGru = gru(VAD + NOISE + FEATURES, DENOISE, 0);
    Run gains = dense(DENOISE, 3, 1);
    Run vad = dense(VAD, 1, 1);
    double[][] x = Float64Cells.random(50, FEATURES, random);
    double[][] d = dense.on(x);
    double[][] v = vadGru.on(d);
    double[][] n = noiseGru.on(Float64Cells.beside(d, v, x));
    double[][] s = denoiseGru.on(Float64Cells.beside(v, n, x));
    double[][] expected = Float64Cells.beside(gains.on(s), vad.on(v));
    Model model = RnnoiseFile.read(file()).model();
    Float64Cells.assertGives(model, x, expected);
    assertThat(model.graph().inputs()).containsExactly(new Graph.Value("features", FEATURES));
    assertThat(model.graph().outputs()).containsExactly("gains", "vad");
    assertThat(model.layers())
        .map(Layer::name)
        .contains("input_dense", "vad_gru", "noise_gru", "denoise_gru", "gains", "vad");
    Path kept = directory.resolve("net.safetensors");
    model.save(kept);
    assertThat(Model.load(kept).fingerprint()).isEqualTo(model.fingerprint());
  }

  /** One unit everywhere, two features. */
  private static final String SMALL =
      FIRST
          + "2 1 0\n1 2\n3\n"
          + "1 1 0\n1 2 3\n4 5 6\n7 8 9\n"
          + "4 1 0\n1 2 3 4 5 6 7 8 9 10 11 12\n4 5 6\n7 8 9\n"
          + "4 1 0\n1 2 3 4 5 6 7 8 9 10 11 12\n4 5 6\n7 8 9\n"
          + "1 1 1\n1\n2\n"
          + "1 1 1\n1\n-128\n";

  private static UnaryOperator<String> with(String from, String to) {
    assertThat(SMALL).contains(from);
    return _ -> SMALL.replace(from, to);
  }

  static Stream<Arguments> wrong() {
    return Stream.of(
        argumentSet(
            "another version",
            with("version 1", "version 2"),
            UnsupportedNetworkException.class,
            "is an RNNoise model file of version \"2\"; version 1 is read"),
        argumentSet(
            "another file",
            with("rnnoise-nu", "rnnoise-old"),
            WeightsFormatException.class,
            "does not begin with \"rnnoise-nu model file version 1\""),
        argumentSet(
            "another activation",
            with("1 1 1\n1\n2\n", "1 1 3\n1\n2\n"),
            WeightsFormatException.class,
            "layer gains: its activation (0 tanh, 1 sigmoid, 2 relu) is 3; expected 0 to 2"),
        argumentSet(
            "no unit",
            with("2 1 0", "2 0 0"),
            WeightsFormatException.class,
            "layer input_dense: its number of units is 0; expected 1 to 128"),
        argumentSet(
            "a width beyond all",
            with("2 1 0", "2000000000000 1 0"),
            WeightsFormatException.class,
            "layer input_dense: its number of inputs: \"2000000000000\" is no whole number"),
        argumentSet(
            "a weight that is no byte",
            with("-128", "-129"),
            WeightsFormatException.class,
            "layer vad: its bias: value 0 is -129; expected -128 to 127"),
        argumentSet(
            "a word",
            with("7 8 9\n4 1 0", "7 8 nine\n4 1 0"),
            WeightsFormatException.class,
            "layer vad_gru: its bias: \"nine\" is no whole number that is taken"),
        argumentSet(
            "a layer too few",
            with("1 1 1\n1\n-128\n", ""),
            WeightsFormatException.class,
            "layer vad: its number of inputs is missing: the file ends before it"),
        argumentSet(
            "half a layer",
            with("1\n-128\n", "1\n"),
            WeightsFormatException.class,
            "layer vad: its bias: the file ends behind 0 of 1 values"),
        argumentSet(
            "a layer too many",
            with("-128\n", "-128\n1 1 1\n"),
            WeightsFormatException.class,
            "goes on behind its last layer, vad"),
        argumentSet(
            "another width",
            with("2 1 0\n1 2\n", "3 1 0\n1 2 3\n"),
            WeightsFormatException.class,
            "layer noise_gru reads 4 values, the layers before it give 5"));
  }

  @ParameterizedTest
  @MethodSource("wrong")
  void whatIsWrongIsRefusedByName(
      UnaryOperator<String> change, Class<? extends Exception> kind, String message)
      throws IOException {
    text.setLength(0);
    text.append(SMALL);
    assertThat(RnnoiseFile.read(file()).model().layers()).hasSize(8);
    text.setLength(0);
    text.append(change.apply(SMALL));
    Path path = file();
    assertThatThrownBy(() -> RnnoiseFile.read(path))
        .isInstanceOf(kind)
        .hasMessageStartingWith(path + ": ")
        .hasMessageContaining(message);
  }
}
