package io.github.stillgate.importers.keras;

import static io.github.stillgate.importers.Float64Cells.columns;
import static io.github.stillgate.importers.keras.KerasModels.floats;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.importers.Float64Cells;
import io.github.stillgate.importers.ImportedNetwork;
import io.github.stillgate.importers.UnsupportedNetworkException;
import io.jhdf.HdfFile;
import io.jhdf.WritableHdfFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class KerasFileTest {
  private static final int UNITS = 5;

  /** Keras 2. */
  private static final DoubleUnaryOperator HARD_SIGMOID =
      v -> Math.min(1, Math.max(0, 0.2 * v + 0.5));

  @TempDir private Path directory;

  private final Random random = new Random(13);

  private Path path() {
    return directory.resolve("model.h5");
  }

  private ImportedNetwork read(KerasModels model, String... outputs) throws IOException {
    return KerasFile.read(model.write(path(), outputs));
  }

  private double[][] matrix(int rows, int columns) {
    return Float64Cells.random(rows, columns, random);
  }

  private double[] vector(int count) {
    return Float64Cells.random(count, random);
  }

  private static KerasModels recurrent(
      KerasModels model, String kind, String name, boolean sequences, Object... options) {
    Object[] all = Arrays.copyOf(options, options.length + 6);
    all[options.length] = "units";
    all[options.length + 1] = UNITS;
    all[options.length + 2] = "activation";
    all[options.length + 3] = "tanh";
    all[options.length + 4] = "return_sequences";
    all[options.length + 5] = sequences;
    return model.layer(kind, name, all);
  }

  @Test
  void anLstmAndADenseLayer() throws IOException {
    double[][] x = matrix(30, 3);
    double[][] kernel = matrix(3, 4 * UNITS);
    double[][] state = matrix(UNITS, 4 * UNITS);
    double[] bias = vector(4 * UNITS);
    double[][] w = matrix(UNITS, 2);
    double[] b = vector(2);
    double[][] y =
        Float64Cells.lstm(
            columns(kernel),
            columns(state),
            bias,
            Float64Cells.SIGMOID,
            new double[UNITS],
            new double[UNITS],
            x);
    y = Float64Cells.dense(columns(w), b, v -> Math.max(0, v), y);
    KerasModels model = new KerasModels().layer("InputLayer", "input");
    recurrent(model, "LSTM", "lstm", true, "recurrent_activation", "sigmoid", "use_bias", true)
        .layer("Dropout", "drop", "rate", 0.5)
        .layer("Dense", "out", "units", 2, "activation", "linear")
        .layer("Activation", "relu", "activation", "relu")
        .arrays("lstm", floats(kernel), floats(state), floats(bias))
        .arrays("out", floats(w), floats(b));
    ImportedNetwork network = read(model);
    Float64Cells.assertGives(network.model(), x, y);
    assertThat(network.model().layers()).hasSize(2);
    assertThat(network.remarks())
        .containsExactly("layer drop (Dropout) does nothing when a model runs");
  }

  /** With the reset behind the matrix and two biases, or before it and one. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aGru(boolean after) throws IOException {
    double[][] x = matrix(30, 3);
    double[][] kernel = matrix(3, 3 * UNITS);
    double[][] state = matrix(UNITS, 3 * UNITS);
    double[][] biases = matrix(2, 3 * UNITS);
    double[][] y =
        Float64Cells.gru(
            columns(kernel),
            columns(state),
            biases[0],
            after ? biases[1] : null,
            0,
            1,
            HARD_SIGMOID,
            x);
    KerasModels model = new KerasModels();
    recurrent(
            model,
            "GRU",
            "gru",
            false,
            "reset_after",
            after,
            "recurrent_activation",
            "hard_sigmoid")
        .arrays("gru", floats(kernel), floats(state), after ? floats(biases) : floats(biases[0]));
    ImportedNetwork network = read(model);
    Float64Cells.assertGives(network.model(), x, y);
    assertThat(network.remarks()).containsExactly("layer gru answers at the last step only");
  }

  /** Of Keras 2.0 to 2.1: no {@code reset_after}, and nothing around the list of layers. */
  @Test
  void aSimpleRnnWithoutABias() throws IOException {
    double[][] x = matrix(20, 2);
    double[][] kernel = matrix(2, UNITS);
    double[][] state = matrix(UNITS, UNITS);
    double[][] y =
        Float64Cells.simple(columns(kernel), columns(state), new double[UNITS], Math::tanh, x);
    KerasModels model = new KerasModels();
    recurrent(model, "SimpleRNN", "rnn", true, "use_bias", false)
        .arrays("rnn", floats(kernel), floats(state));
    Float64Cells.assertGives(read(model).model(), x, y);
  }

  @Test
  void anEmbeddingReadsTokens() throws IOException {
    double[][] table = matrix(7, 3);
    double[][] w = matrix(3, 2);
    double[] b = vector(2);
    KerasModels model =
        new KerasModels()
            .layer("Embedding", "emb", "input_dim", 7, "output_dim", 3, "mask_zero", true)
            .layer(
                "TimeDistributed",
                "each",
                "layer",
                KerasModels.layerOf("Dense", "inner", "units", 2, "activation", "softmax"))
            .arrays("emb", (Object) floats(table))
            .arrays("each", floats(w), floats(b));
    ImportedNetwork network = read(model);
    assertThat(network.remarks())
        .containsExactly("layer emb masks token 0: Keras leaves out such steps, so do not feed it");
    double[][] sums = Float64Cells.dense(columns(w), b, v -> v, new double[][] {table[4]});
    double whole = Math.exp(sums[0][0]) + Math.exp(sums[0][1]);
    float[] y = new float[2];
    try (Plan plan =
            Plan.compile(network.model(), PlanOptions.defaults().withBackend("reference"));
        Session session = Session.open(plan)) {
      session.step(4, y);
    }
    assertThat((double) y[0]).isCloseTo(Math.exp(sums[0][0]) / whole, within(1e-6));
  }

  @Test
  void bothDirections() throws IOException {
    double[][] x = matrix(12, 2);
    double[][][] kernel = {matrix(2, 4 * UNITS), matrix(2, 4 * UNITS)};
    double[][][] state = {matrix(UNITS, 4 * UNITS), matrix(UNITS, 4 * UNITS)};
    double[][] bias = matrix(2, 4 * UNITS);
    double[][][] y = new double[2][][];
    for (int d = 0; d < 2; d++) {
      double[][] turned = d == 0 ? x : List.of(x).reversed().toArray(double[][]::new);
      y[d] =
          Float64Cells.lstm(
              columns(kernel[d]),
              columns(state[d]),
              bias[d],
              Float64Cells.SIGMOID,
              new double[UNITS],
              new double[UNITS],
              turned);
    }
    Object inner =
        KerasModels.layerOf(
            "LSTM",
            "lstm",
            "units",
            UNITS,
            "activation",
            "tanh",
            "recurrent_activation",
            "sigmoid",
            "return_sequences",
            true);
    KerasModels model =
        new KerasModels()
            .layer("Bidirectional", "both", "merge_mode", "concat", "layer", inner)
            .arrays(
                "both",
                floats(kernel[0]),
                floats(state[0]),
                floats(bias[0]),
                floats(kernel[1]),
                floats(state[1]),
                floats(bias[1]));
    Model read = read(model).model();
    float[][] input = floats(x);
    try (Plan plan = Plan.compile(read, PlanOptions.defaults().withBackend("reference"));
        Sequence sequence = Sequence.open(plan)) {
      float[][] output = sequence.run(input);
      for (int t = 0; t < output.length; t++) {
        for (int i = 0; i < UNITS; i++) {
          assertThat((double) output[t][i]).isCloseTo(y[0][t][i], within(2e-6));
          assertThat((double) output[t][UNITS + i])
              .isCloseTo(y[1][output.length - 1 - t][i], within(2e-6));
        }
      }
    }
  }

  private static KerasModels dense(KerasModels model, String name, Object... options) {
    Object[] all = Arrays.copyOf(options, options.length + 4);
    all[options.length] = "units";
    all[options.length + 1] = 1;
    all[options.length + 2] = "activation";
    all[options.length + 3] = "linear";
    return model.layer("Dense", name, all).arrays(name, new float[][] {{2}}, new float[] {0.5f});
  }

  private static KerasModels dense() {
    return dense(new KerasModels(), "out");
  }

  @Test
  void aFunctionalModelThatIsAChain() throws IOException {
    KerasModels model = new KerasModels().layer("InputLayer", "in").from();
    dense(model, "a").from("in");
    dense(model, "b").from("a");
    Float64Cells.assertGives(
        read(model, "b").model(), new double[][] {{1}}, new double[][] {{2 * 2.5 + 0.5}});
  }

  /** Activations of Keras 3 that are others in Keras 2, and one that stands alone. */
  @ParameterizedTest
  @ValueSource(strings = {"2.15.0", "3.6.0"})
  void activationsByTheVersion(String version) throws IOException {
    boolean isKeras3 = version.startsWith("3");
    KerasModels model =
        dense()
            .version(version)
            .layer("Activation", "gate", "activation", "hard_sigmoid")
            .layer("LeakyReLU", "leak", isKeras3 ? "negative_slope" : "alpha", 0.25);
    ImportedNetwork network = read(model);
    double gate = isKeras3 ? (2 * 0.25 + 0.5 + 3) / 6 : 0.2 * (2 * 0.25 + 0.5) + 0.5;
    Float64Cells.assertGives(network.model(), new double[][] {{0.25}}, new double[][] {{gate}});
    assertThat(network.remarks())
        .containsExactly("layer leak, an activation, became a dense layer of its own");
  }

  static Stream<Arguments> wrong() {
    Class<?> broken = WeightsFormatException.class;
    Class<?> unsupported = UnsupportedNetworkException.class;
    float[][] gates = {{1, 1, 1, 1}};
    return Stream.of(
        argumentSet(
            "a convolution",
            new KerasModels().layer("Conv1D", "conv"),
            unsupported,
            "layer conv is a Conv1D: a convolution or pooling"),
        argumentSet(
            "attention",
            dense().layer("AttentionWeightedAverage", "attention"),
            unsupported,
            "layer attention is a AttentionWeightedAverage: attention"),
        argumentSet(
            "a layer for GPUs",
            dense().layer("CuDNNLSTM", "l"),
            unsupported,
            "for GPUs only: build the model with LSTM"),
        argumentSet(
            "a mask", dense().layer("Masking", "m"), unsupported, "a mask that leaves out steps"),
        argumentSet(
            "anything else",
            dense().layer("Flatten", "f"),
            unsupported,
            "layer f is a Flatten: not read; read are SimpleRNN"),
        argumentSet(
            "another activation",
            new KerasModels()
                .layer("Dense", "out", "units", 1, "activation", "gelu")
                .arrays("out", new float[][] {{2}}, new float[1]),
            unsupported,
            "layer out: its activation is gelu; read are"),
        argumentSet(
            "gates that are tanh",
            new KerasModels()
                .layer(
                    "LSTM", "l", "units", 1, "activation", "tanh", "recurrent_activation", "tanh")
                .arrays("l", gates, gates, new float[4]),
            unsupported,
            "its recurrent_activation is \"tanh\", which lies within [-1.0, 1.0]"),
        argumentSet(
            "turned round",
            new KerasModels().layer("LSTM", "l", "units", 1, "go_backwards", true),
            unsupported,
            "\"go_backwards\" is true"),
        argumentSet(
            "an array too few",
            new KerasModels()
                .layer("Dense", "out", "units", 1)
                .arrays("out", (Object) new float[][] {{2}}),
            broken,
            "layer out has 1 arrays of weights, its options make it [kernel, bias]"),
        argumentSet(
            "no arrays",
            new KerasModels().layer("Dense", "out", "units", 1),
            broken,
            "model_weights has no group for layer out"),
        argumentSet(
            "other units",
            new KerasModels()
                .layer("Dense", "out", "units", 2)
                .arrays("out", new float[][] {{2}}, new float[2]),
            broken,
            "layer out: kernel has shape [1, 1], expected [1, 2]"),
        argumentSet(
            "other units of an LSTM",
            new KerasModels()
                .layer("LSTM", "l", "units", 2)
                .arrays("l", new float[1][4], new float[1][4], new float[4]),
            broken,
            "layer l: kernel has shape [1, 4], expected [1, 8]"),
        argumentSet(
            "another state of a GRU",
            new KerasModels()
                .layer("GRU", "g", "units", 2)
                .arrays("g", new float[1][6], new float[1][6], new float[6]),
            broken,
            "layer g: recurrent_kernel has shape [1, 6], expected [2, 6]"),
        argumentSet(
            "another width of an embedding",
            new KerasModels()
                .layer("Embedding", "e", "input_dim", 3, "output_dim", 4)
                .arrays("e", (Object) new float[3][2]),
            broken,
            "layer e: embeddings has shape [3, 2], expected [3, 4]"),
        argumentSet(
            "a layer that reads more than the one before gives",
            dense()
                .layer("Dense", "next", "units", 1, "activation", "tanh")
                .arrays("next", new float[3][1], new float[1]),
            broken,
            "layer next reads 3 values, but layer out gives 1"),
        argumentSet(
            "a kernel of one dimension",
            new KerasModels()
                .layer("Dense", "out", "units", 1)
                .arrays("out", new float[] {2}, new float[1]),
            broken,
            "layer out, array 0: has 1 dimensions, expected 2"),
        argumentSet(
            "whole numbers",
            new KerasModels()
                .layer("Dense", "out", "units", 1)
                .arrays("out", new int[][] {{2}}, new float[1]),
            broken,
            "layer out: kernel holds int; expected float32"),
        argumentSet(
            "NaN",
            new KerasModels()
                .layer("Dense", "out", "units", 1)
                .arrays("out", new float[][] {{Float.NaN}}, new float[1]),
            broken,
            "out.kernel: the weight at row 0, column 0 is NaN"),
        argumentSet(
            "no units",
            new KerasModels()
                .layer("Dense", "out")
                .arrays("out", new float[][] {{2}}, new float[1]),
            broken,
            "out: \"units\" is missing"),
        argumentSet(
            "nothing",
            new KerasModels().layer("InputLayer", "in"),
            broken,
            "no layer that computes anything"),
        argumentSet(
            "an activation that is too wide for a layer of its own",
            new KerasModels()
                .layer("Dense", "out", "units", 9000, "activation", "relu")
                .arrays("out", new float[1][9000], new float[9000])
                .layer("Activation", "a", "activation", "tanh"),
            unsupported,
            "layer a is an activation of 9000 values behind layer out"),
        argumentSet(
            "an activation in front",
            new KerasModels().layer("Activation", "a", "activation", "relu"),
            unsupported,
            "layer a is an activation in front of all others"));
  }

  @ParameterizedTest
  @MethodSource("wrong")
  void whatIsWrongIsRefusedByName(KerasModels model, Class<?> kind, String message) {
    assertThatThrownBy(() -> read(model))
        .isInstanceOf(kind)
        .hasMessageStartingWith(path() + ": ")
        .hasMessageContaining(message);
  }

  @Test
  void aFunctionalModelThatIsNoChain() {
    KerasModels skip = new KerasModels().layer("InputLayer", "in").from();
    dense(skip, "a").from("in");
    dense(skip, "b").from("a", "in");
    assertThatThrownBy(() -> read(skip, "b"))
        .isInstanceOf(UnsupportedNetworkException.class)
        .hasMessageContaining("layer b reads [a, in], but the layer before it is a");
    KerasModels two = new KerasModels().layer("InputLayer", "in").from();
    dense(two, "a").from("in");
    dense(two, "b").from("a");
    assertThatThrownBy(() -> read(two, "a", "b"))
        .isInstanceOf(UnsupportedNetworkException.class)
        .hasMessageContaining("its outputs are [a, b]; expected one");
  }

  @Test
  void weightsAloneAreRefused() {
    try (WritableHdfFile file = HdfFile.write(path())) {
      file.putAttribute("layer_names", new String[] {"rnn_1", "attention"});
      file.putGroup("rnn_1");
    }
    assertThatThrownBy(() -> KerasFile.read(path()))
        .isInstanceOf(UnsupportedNetworkException.class)
        .hasMessageContaining("holds the weights of a Keras model, layers [rnn_1, attention],")
        .hasMessageContaining("model.save(\"model.h5\")");
    try (WritableHdfFile file = HdfFile.write(path())) {
      file.putDataset("temperature", new float[3]);
    }
    assertThatThrownBy(() -> KerasFile.read(path()))
        .isInstanceOf(UnsupportedNetworkException.class)
        .hasMessageContaining("is HDF5, but holds no Keras model");
  }

  /** No part of a good file, and no file with a byte changed, gives anything but our exceptions. */
  @Test
  void damagedFilesAreRefusedByName() throws IOException {
    byte[] good = Files.readAllBytes(dense().write(path()));
    for (int cut = 8; cut < good.length; cut += 97) {
      refuseOrRead(Arrays.copyOf(good, cut));
    }
    for (int round = 0; round < 400; round++) {
      byte[] damaged = good.clone();
      for (int i = 0; i < 1 + round % 4; i++) {
        damaged[8 + random.nextInt(good.length - 8)] = (byte) random.nextInt();
      }
      refuseOrRead(damaged);
    }
    Files.write(path(), Arrays.copyOf(good, 48));
    assertThatThrownBy(() -> KerasFile.read(path()))
        .isInstanceOf(WeightsFormatException.class)
        .hasMessageStartingWith(path() + ": is truncated or damaged");
  }

  private void refuseOrRead(byte[] bytes) throws IOException {
    Files.write(path(), bytes);
    try {
      assertThat(KerasFile.read(path()).model().layers()).isNotEmpty();
    } catch (WeightsFormatException | UnsupportedNetworkException e) {
      assertThat(e).hasMessageStartingWith(path() + ": ");
    }
  }
}
