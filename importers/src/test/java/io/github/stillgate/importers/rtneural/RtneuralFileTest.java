package io.github.stillgate.importers.rtneural;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.importers.Float64Cells;
import io.github.stillgate.importers.ImportedNetwork;
import io.github.stillgate.importers.JsonFile;
import io.github.stillgate.importers.UnsupportedNetworkException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RtneuralFileTest {
  private static final int UNITS = 6;

  @TempDir private Path directory;

  private final Random random = new Random(11);

  private JsonFile json(Object file) throws IOException {
    return json(new ObjectMapper().writeValueAsString(file));
  }

  private JsonFile json(String text) throws IOException {
    Path path = directory.resolve("net.json");
    Files.writeString(path, text);
    return JsonFile.read(path);
  }

  private ImportedNetwork read(Object file) throws IOException {
    JsonFile json = json(file);
    assertThat(RtneuralFile.isOne(json)).isTrue();
    return RtneuralFile.read(json);
  }

  private static Map<String, Object> layer(
      String type, String activation, int outputs, Object... weights) {
    Map<String, Object> layer = new LinkedHashMap<>();
    layer.put("type", type);
    layer.put("activation", activation);
    layer.put("shape", Arrays.asList(null, null, outputs));
    layer.put("weights", List.of(weights));
    return layer;
  }

  private static Map<String, Object> network(int inputs, Object... layers) {
    Map<String, Object> network = new LinkedHashMap<>();
    network.put("in_shape", Arrays.asList(null, null, inputs));
    network.put("layers", List.of(layers));
    return network;
  }

  private double[][] matrix(int rows, int columns) {
    return Float64Cells.random(rows, columns, random);
  }

  private double[] vector(int count) {
    return Float64Cells.random(count, random);
  }

  /**
   * Kernels have a row an input, gates i, f, g, o and z, r, h side by side; a GRU has two biases.
   */
  @Test
  void layersOfKeras() throws IOException {
    double[][] x = matrix(30, 2);
    double[][] w0 = matrix(2, 4);
    double[] b0 = vector(4);
    double[][] kernel = matrix(4, 3 * UNITS);
    double[][] recurrent = matrix(UNITS, 3 * UNITS);
    double[][] biases = matrix(2, 3 * UNITS);
    double[][] kernel2 = matrix(UNITS, 20);
    double[][] recurrent2 = matrix(5, 20);
    double[] bias2 = vector(20);
    double[][] w3 = matrix(5, 3);
    double[] b3 = vector(3);
    double[][] y = Float64Cells.dense(Float64Cells.columns(w0), b0, Math::tanh, x);
    y =
        Float64Cells.gru(
            Float64Cells.columns(kernel),
            Float64Cells.columns(recurrent),
            biases[0],
            biases[1],
            0,
            1,
            Float64Cells.SIGMOID,
            y);
    y =
        Float64Cells.lstm(
            Float64Cells.columns(kernel2),
            Float64Cells.columns(recurrent2),
            bias2,
            Float64Cells.SIGMOID,
            new double[5],
            new double[5],
            y);
    y = Float64Cells.dense(Float64Cells.columns(w3), b3, Float64Cells.SIGMOID, y);
    Map<String, Object> file =
        network(
            2,
            layer("time-distributed-dense", "tanh", 4, w0, b0),
            layer("gru", "tanh", UNITS, kernel, recurrent, biases),
            layer("lstm", "tanh", 5, kernel2, recurrent2, bias2),
            layer("dense", "sigmoid", 3, w3, b3));
    file.put("samplerate", 44100);
    ImportedNetwork network = read(file);
    Float64Cells.assertGives(network.model(), x, y);
    assertThat(network.model().layers())
        .map(Layer::name)
        .containsExactly("l0_time_distributed_dense", "l1_gru", "l2_lstm", "l3_dense");
    assertThat(network.remarks())
        .containsExactly("the fields samplerate are for the player and not applied");
  }

  /** With one bias the reset stands before the matrix. */
  @Test
  void aGruOfKerasWithOneBias() throws IOException {
    double[][] x = matrix(30, 2);
    double[][] kernel = matrix(2, 3 * UNITS);
    double[][] recurrent = matrix(UNITS, 3 * UNITS);
    double[] bias = vector(3 * UNITS);
    double[][] y =
        Float64Cells.gru(
            Float64Cells.columns(kernel),
            Float64Cells.columns(recurrent),
            bias,
            null,
            0,
            1,
            Float64Cells.SIGMOID,
            x);
    Float64Cells.assertGives(
        read(network(2, layer("gru", "tanh", UNITS, kernel, recurrent, bias))).model(), x, y);
  }

  private Map<String, Object> torch(String module, int gates, int inputs, int layer) {
    Map<String, Object> tensors = new LinkedHashMap<>();
    tensors.put(module + ".weight_ih_l" + layer, matrix(gates * UNITS, inputs));
    tensors.put(module + ".weight_hh_l" + layer, matrix(gates * UNITS, UNITS));
    tensors.put(module + ".bias_ih_l" + layer, vector(gates * UNITS));
    tensors.put(module + ".bias_hh_l" + layer, vector(gates * UNITS));
    return tensors;
  }

  private static double[][] matrix(Map<String, Object> tensors, String name) {
    return (double[][]) tensors.get(name);
  }

  private static double[] vector(Map<String, Object> tensors, String name) {
    return (double[]) tensors.get(name);
  }

  private static double[][] run(
      Map<String, Object> tensors, String module, int layer, boolean lstm, double[][] x) {
    Float64Cells.Weights w = Float64Cells.rows(matrix(tensors, module + ".weight_ih_l" + layer));
    Float64Cells.Weights u = Float64Cells.rows(matrix(tensors, module + ".weight_hh_l" + layer));
    double[] bw = vector(tensors, module + ".bias_ih_l" + layer);
    double[] bu = vector(tensors, module + ".bias_hh_l" + layer);
    if (!lstm) {
      // PyTorch's order is r, z, n.
      return Float64Cells.gru(w, u, bw, bu, 1, 0, Float64Cells.SIGMOID, x);
    }
    double[] sum = new double[bw.length];
    Arrays.setAll(sum, i -> bw[i] + bu[i]);
    return Float64Cells.lstm(
        w, u, sum, Float64Cells.SIGMOID, new double[UNITS], new double[UNITS], x);
  }

  private Map<String, Object> guitarMl(String unit, int layers, Map<String, Object> tensors) {
    Map<String, Object> data = new LinkedHashMap<>();
    data.put("model", "SimpleRNN");
    data.put("input_size", 1);
    data.put("skip", 0);
    data.put("output_size", 1);
    data.put("unit_type", unit);
    data.put("num_layers", layers);
    data.put("hidden_size", UNITS);
    data.put("bias_fl", true);
    return new LinkedHashMap<>(Map.of("model_data", data, "state_dict", tensors));
  }

  @ParameterizedTest
  @ValueSource(strings = {"LSTM", "GRU"})
  void theTrainingOfGuitarMl(String unit) throws IOException {
    boolean lstm = unit.equals("LSTM");
    Map<String, Object> tensors = torch("rec", lstm ? 4 : 3, 1, 0);
    tensors.put("lin.weight", matrix(1, UNITS));
    tensors.put("lin.bias", vector(1));
    double[][] x = matrix(40, 1);
    double[][] y =
        Float64Cells.dense(
            Float64Cells.rows(matrix(tensors, "lin.weight")),
            vector(tensors, "lin.bias"),
            v -> v,
            run(tensors, "rec", 0, lstm, x));
    Float64Cells.assertGives(read(guitarMl(unit, 1, tensors)).model(), x, y);
  }

  /** {@code lin(rec(x)) + x[0:skip]}, where one value is added to all. */
  @ParameterizedTest
  @CsvSource({"1, 1, 1", "3, 1, 1", "3, 2, 1", "3, 2, 2", "2, 2, 2"})
  void theInputThatGuitarMlAdds(int inputs, int outputs, int skip) throws IOException {
    Map<String, Object> tensors = torch("rec", 4, inputs, 0);
    tensors.put("lin.weight", matrix(outputs, UNITS));
    tensors.put("lin.bias", vector(outputs));
    double[][] x = matrix(40, inputs);
    double[][] y =
        Float64Cells.dense(
            Float64Cells.rows(matrix(tensors, "lin.weight")),
            vector(tensors, "lin.bias"),
            v -> v,
            run(tensors, "rec", 0, true, x));
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < outputs; i++) {
        y[t][i] += x[t][skip == 1 ? 0 : i];
      }
    }
    Map<String, Object> file = guitarMl("LSTM", 1, tensors);
    @SuppressWarnings("unchecked")
    Map<String, Object> data = (Map<String, Object>) file.get("model_data");
    data.put("input_size", inputs);
    data.put("output_size", outputs);
    data.put("skip", skip);
    ImportedNetwork network = read(file);
    Float64Cells.assertGives(network.model(), x, y);
    assertThat(network.remarks()).contains("the input is added to what the layers give");
  }

  /** AIDA-X adds the audio, the first of its inputs, to the one output. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void theInputThatAidaXAdds(int inputs) throws IOException {
    double[][] kernel = matrix(inputs, 1);
    double[] bias = vector(1);
    double[][] x = matrix(20, inputs);
    double[][] y = Float64Cells.dense(Float64Cells.columns(kernel), bias, Math::tanh, x);
    for (int t = 0; t < x.length; t++) {
      y[t][0] += x[t][0];
    }
    Map<String, Object> file =
        new LinkedHashMap<>(
            Map.of(
                "in_shape",
                List.of(1, inputs),
                "in_skip",
                1,
                "layers",
                List.of(
                    Map.of(
                        "type",
                        "dense",
                        "activation",
                        "tanh",
                        "shape",
                        List.of(1, 1),
                        "weights",
                        List.of(kernel, bias)))));
    Float64Cells.assertGives(read(file).model(), x, y);
  }

  /** Nothing but tensors, of a stack too, taken in the order of the file. */
  @Test
  void aStateDict() throws IOException {
    Map<String, Object> tensors = torch("first", 3, 2, 0);
    tensors.putAll(torch("second", 4, UNITS, 0));
    tensors.putAll(torch("second", 4, UNITS, 1));
    tensors.put("out.weight", matrix(2, UNITS));
    tensors.put("out.bias", vector(2));
    double[][] x = matrix(30, 2);
    double[][] y = run(tensors, "first", 0, false, x);
    y = run(tensors, "second", 0, true, y);
    y = run(tensors, "second", 1, true, y);
    y =
        Float64Cells.dense(
            Float64Cells.rows(matrix(tensors, "out.weight")),
            vector(tensors, "out.bias"),
            v -> v,
            y);
    ImportedNetwork network = read(tensors);
    Float64Cells.assertGives(network.model(), x, y);
    assertThat(network.model().layers())
        .map(Layer::name)
        .containsExactly("first", "second.l0", "second.l1", "out");
    assertThat(network.remarks())
        .singleElement()
        .asString()
        .contains("first, second, out, with nothing between; check with --verify");
  }

  private static final String DENSE =
      """
      {"in_shape":[null,null,2],"layers":[{"type":"dense","activation":"relu","shape":[null,null,1],
      "weights":[[[1],[2]],[0.5]]}]}\
      """;

  private static final String GRU =
      """
      {"in_shape":[null,1],"layers":[{"type":"gru","activation":"tanh","shape":[null,1],
      "weights":[[[1,2,3]],[[1,2,3]],[[1,2,3],[1,2,3]]]}]}\
      """;

  private static final String TORCH =
      """
      {"rec.weight_ih_l0":[[1],[1],[1],[1]],"rec.weight_hh_l0":[[1],[1],[1],[1]],
      "rec.bias_ih_l0":[1,1,1,1],"rec.bias_hh_l0":[1,1,1,1],"lin.weight":[[1]],"lin.bias":[1]}\
      """;

  private static final String GUITARML =
      """
      {"model_data":{"unit_type":"LSTM","skip":0,"input_size":1,"hidden_size":1,"num_layers":1,
      "output_size":1},"state_dict":%s}\
      """
          .formatted(TORCH);

  private static UnaryOperator<String> in(String text, String from, String to) {
    assertThat(text).contains(from);
    return _ -> text.replace(from, to);
  }

  static Stream<Arguments> wrong() {
    Class<?> broken = WeightsFormatException.class;
    Class<?> unsupported = UnsupportedNetworkException.class;
    return Stream.of(
        argumentSet(
            "a ragged kernel",
            in(DENSE, "[2]]", "[2,3]]"),
            broken,
            "layer 0: kernel: 2 values in dimension 1, expected 1"),
        argumentSet(
            "a kernel of other inputs",
            in(DENSE, "[[1],[2]]", "[[1]]"),
            broken,
            "layer 0: kernel: 1 values in dimension 0, expected 2"),
        argumentSet(
            "a word among numbers",
            in(DENSE, "[2]", "[\"2\"]"),
            broken,
            "layer 0: kernel: \"2\" among its numbers"),
        argumentSet(
            "a weight beyond float32",
            in(DENSE, "[2]", "[1e60]"),
            broken,
            "l0_dense.kernel: the weight at row 0, column 1 is Infinity"),
        argumentSet(
            "an array too few",
            in(DENSE, ",[0.5]", ""),
            broken,
            "layer 0: \"weights\" has 1 arrays, expected 2"),
        argumentSet(
            "another width",
            in(DENSE, "[null,null,1]", "[null,null,3]"),
            broken,
            "\"shape\" says that it gives 3 values, its weights 1"),
        argumentSet("no width", in(DENSE, "[null,null,2]", "[]"), broken, "in_shape is []"),
        argumentSet(
            "another activation",
            in(DENSE, "relu", "swish"),
            unsupported,
            "its activation is \"swish\"; read are"),
        argumentSet(
            "a convolution",
            in(DENSE, "\"dense\"", "\"conv1d\""),
            unsupported,
            "layer 0 is a conv1d"),
        argumentSet(
            "a skip of more",
            in(DENSE, "\"layers\"", "\"in_skip\":2,\"layers\""),
            unsupported,
            "\"in_skip\" is 2 with 1 outputs; known are 0, and 1"),
        argumentSet(
            "no layers",
            in(DENSE, "\"layers\":[", "\"layers\":[],\"old\":["),
            broken,
            "\"layers\" is []; expected a list"),
        argumentSet(
            "a GRU with relu",
            in(GRU, "tanh", "relu"),
            unsupported,
            "RTNeural computes tanh whatever it is"),
        argumentSet(
            "a GRU of four gates",
            in(GRU, "[[1,2,3]],[[1,2,3]]", "[[1,2,3,4]],[[1,2,3]]"),
            broken,
            "layer 0: kernel: 4 values in dimension 1, expected 3"),
        argumentSet(
            "a skip of GuitarML",
            in(GUITARML, "\"skip\":0", "\"skip\":2"),
            broken,
            "model_data: \"skip\" is 2: so many values of 1 inputs cannot be added to 1 outputs"),
        argumentSet(
            "a field of GuitarML",
            in(GUITARML, "\"skip\":0", "\"residual\":1"),
            unsupported,
            "model_data has the fields [residual], which say something"),
        argumentSet(
            "a plain RNN",
            in(GUITARML, "LSTM", "RNN"),
            unsupported,
            "\"unit_type\" is RNN; read are LSTM and GRU"),
        argumentSet(
            "gates of another unit",
            in(GUITARML, "LSTM", "GRU"),
            broken,
            "\"unit_type\" is GRU, but rec has the gates of an LSTM"),
        argumentSet(
            "another size",
            in(GUITARML, "\"hidden_size\":1", "\"hidden_size\":2"),
            broken,
            "\"hidden_size\" is 2, its tensors make it 1"),
        argumentSet(
            "a module too many",
            in(GUITARML, "\"lin.bias\"", "\"x.weight\":[[1]],\"lin.bias\""),
            broken,
            "state_dict has the modules [rec, lin, x]"),
        argumentSet(
            "half a layer",
            in(TORCH, "\"rec.bias_hh_l0\":[1,1,1,1],", ""),
            broken,
            "module rec has the tensors [weight_ih_l0, weight_hh_l0, bias_ih_l0]"),
        argumentSet(
            "a gap in a stack",
            in(TORCH, "rec.bias_hh_l0", "rec.bias_hh_l1"),
            broken,
            "module rec has the tensors"),
        argumentSet(
            "both directions",
            in(TORCH, "rec.bias_hh_l0", "rec.bias_hh_l0_reverse"),
            unsupported,
            "tensor rec.bias_hh_l0_reverse is of no module that is read"),
        argumentSet(
            "two gates",
            in(TORCH, "[[1],[1],[1],[1]]", "[[1],[1]]"),
            unsupported,
            "2 gates, where an LSTM has 4"),
        argumentSet(
            "a convolution of PyTorch",
            in(TORCH, "[[1]]", "[[[1]]]"),
            unsupported,
            "weight of shape [1, 1, 1]"),
        argumentSet(
            "widths that do not chain",
            in(TORCH, "[[1]]", "[[1,1]]"),
            broken,
            "layer lin reads 2 values, but layer rec gives 1"),
        argumentSet(
            "something else",
            in(TORCH, "rec.weight_ih_l0", "name"),
            unsupported,
            "is JSON of no kind that is read"),
        argumentSet("NaN", in(DENSE, "[2]", "[NaN]"), broken, "it holds NaN or Infinity"),
        argumentSet(
            "the first half",
            (UnaryOperator<String>) _ -> DENSE.substring(0, 60),
            broken,
            "net.json: cannot be read as JSON"));
  }

  @ParameterizedTest
  @MethodSource("wrong")
  void whatIsWrongIsRefusedByName(UnaryOperator<String> text, Class<?> kind, String message) {
    assertThatThrownBy(() -> RtneuralFile.read(json(text.apply(""))))
        .isInstanceOf(kind)
        .hasMessageStartingWith(directory.resolve("net.json") + ": ")
        .hasMessageContaining(message);
  }

  /** What the wrong ones are made of is right. */
  @ParameterizedTest
  @ValueSource(strings = {DENSE, GRU, TORCH})
  void theyAreRightOtherwise(String text) throws IOException {
    assertThat(RtneuralFile.read(json(text)).model().layers()).isNotEmpty();
    assertThat(RtneuralFile.read(json(GUITARML)).model().layers()).hasSize(2);
  }
}
