package io.github.stillgate.importers.nam;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.importers.Float64Cells;
import io.github.stillgate.importers.ImportedNetwork;
import io.github.stillgate.importers.JsonFile;
import io.github.stillgate.importers.UnsupportedNetworkException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class NamFileTest {
  private static final int CELLS = 5;

  @TempDir private Path directory;

  private final List<Double> weights = new ArrayList<>();

  private double[] put(double[] values) {
    for (double value : values) {
      weights.add(value);
    }
    return values;
  }

  private static Map<String, Object> file(int layers, List<Double> weights) {
    Map<String, Object> file = new LinkedHashMap<>();
    file.put("version", "0.5.4");
    file.put("metadata", Map.of("loudness", -20.5));
    file.put("architecture", "LSTM");
    file.put(
        "config",
        new LinkedHashMap<>(Map.of("input_size", 1, "hidden_size", CELLS, "num_layers", layers)));
    file.put("weights", weights);
    file.put("sample_rate", 48000);
    return file;
  }

  private ImportedNetwork read(Map<String, Object> file) throws IOException {
    Path path = directory.resolve("amp.nam");
    Files.writeString(path, new ObjectMapper().writeValueAsString(file));
    JsonFile json = JsonFile.read(path);
    assertThat(NamFile.isOne(json)).isTrue();
    return NamFile.read(json);
  }

  /** Weights in the order in which Neural Amp Modeler writes and reads them, states of any size. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void anLstmBeginsInItsStoredState(int layers) throws IOException {
    Random random = new Random(7);
    double[][] x = Float64Cells.random(40, 1, random);
    double[][] y = x;
    for (int i = 0; i < layers; i++) {
      int inputs = y[0].length;
      double[][] both = Float64Cells.random(4 * CELLS, inputs + CELLS, random);
      for (double[] row : both) {
        put(row);
      }
      double[] bias = put(Float64Cells.random(4 * CELLS, random));
      double[] h = put(scaled(Float64Cells.random(CELLS, random), 4));
      double[] c = put(scaled(Float64Cells.random(CELLS, random), 8));
      y =
          Float64Cells.lstm(
              Float64Cells.rows(both),
              (output, input) -> both[output][inputs + input],
              bias,
              Float64Cells.SIGMOID,
              h,
              c,
              y);
    }
    double[] head = put(Float64Cells.random(CELLS, random));
    double[] bias = put(Float64Cells.random(1, random));
    y = Float64Cells.dense((_, input) -> head[input], bias, v -> v, y);
    ImportedNetwork network = read(file(layers, weights));
    Float64Cells.assertGives(network.model(), x, y);
    assertThat(network.model().layers()).hasSize(layers + 1);
    assertThat(network.remarks()).contains("a step is one sample at 48000 Hz");
  }

  private static double[] scaled(double[] values, int factor) {
    for (int i = 0; i < values.length; i++) {
      values[i] *= factor;
    }
    return values;
  }

  @Test
  void theNetworkIsKeptByAWeightsFile() throws IOException {
    anLstmBeginsInItsStoredState(1);
    Model model = read(file(1, weights)).model();
    Path path = directory.resolve("amp.safetensors");
    model.save(path);
    assertThat(Model.load(path).fingerprint()).isEqualTo(model.fingerprint());
  }

  private static Consumer<Map<String, Object>> put(String field, Object value) {
    return file -> file.put(field, value);
  }

  private static Consumer<Map<String, Object>> config(String field, Object value) {
    return file -> config(file).put(field, value);
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> config(Map<String, Object> file) {
    return (Map<String, Object>) file.get("config");
  }

  static Stream<Arguments> wrong() {
    return Stream.of(
        argumentSet(
            "WaveNet",
            put("architecture", "WaveNet"),
            UnsupportedNetworkException.class,
            "its architecture is WaveNet; of Neural Amp Modeler's networks"),
        argumentSet(
            "another option",
            config("out_channels", 2),
            UnsupportedNetworkException.class,
            "config has the fields [out_channels]"),
        argumentSet(
            "no size",
            config("hidden_size", null),
            WeightsFormatException.class,
            "config: \"hidden_size\" is null"),
        argumentSet(
            "a size below 1",
            config("num_layers", 0),
            WeightsFormatException.class,
            "config: \"num_layers\" is 0"),
        argumentSet(
            "a size beyond all",
            config("hidden_size", 2_000_000_000),
            WeightsFormatException.class,
            "weights: 156 values, expected 16000000022000000000 for"),
        argumentSet(
            "a layer too many",
            config("num_layers", 2),
            WeightsFormatException.class,
            "weights: 156 values, expected 386 for 2 layers of 5 cells over 1 inputs"),
        argumentSet(
            "no weights",
            put("weights", "none"),
            WeightsFormatException.class,
            "weights: \"none\", expected 156"));
  }

  @ParameterizedTest
  @MethodSource("wrong")
  void whatIsWrongIsRefusedByName(
      Consumer<Map<String, Object>> change, Class<? extends Exception> kind, String message) {
    for (int i = 0; i < 156; i++) {
      weights.add(0.5);
    }
    Map<String, Object> file = file(1, weights);
    change.accept(file);
    assertThatThrownBy(() -> read(file))
        .isInstanceOf(kind)
        .hasMessageStartingWith(directory.resolve("amp.nam") + ": ")
        .hasMessageContaining(message);
  }

  @Test
  void numbersThatAreNoneAreRefused() throws IOException {
    for (int i = 0; i < 156; i++) {
      weights.add(0.5);
    }
    weights.set(150, 1e39);
    assertThatThrownBy(() -> read(file(1, weights)))
        .hasMessageContaining("head.weight: the weight at row 0, column 0 is Infinity");
    Path path = directory.resolve("amp.nam");
    String text = Files.readString(path);
    Files.writeString(path, text.replace("1.0E39", "NaN"));
    assertThatThrownBy(() -> JsonFile.read(path))
        .isInstanceOf(WeightsFormatException.class)
        .hasMessageContaining("it holds NaN or Infinity");
    Files.writeString(path, text.substring(0, text.length() / 2));
    assertThatThrownBy(() -> JsonFile.read(path))
        .isInstanceOf(WeightsFormatException.class)
        .hasMessageContaining("amp.nam: cannot be read as JSON: ");
  }
}
