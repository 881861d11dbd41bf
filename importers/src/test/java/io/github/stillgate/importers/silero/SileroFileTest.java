package io.github.stillgate.importers.silero;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.importers.Float64Cells;
import io.github.stillgate.importers.ImportedNetwork;
import io.github.stillgate.importers.torch.TensorFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Narrow networks of Silero's kind, and what PyTorch would compute of them in float64. */
class SileroFileTest {
  private static final int CELLS = 7;
  private static final List<Integer> STRIDES = List.of(1, 2, 2, 1);

  /** No two agree, so that axes which are taken for each other are found out. */
  private static final List<Integer> CHANNELS = List.of(5, 4, 3, 6);

  private record Weights(double[] values, int... shape) {
    double at(int output, int input, int tap) {
      return values[(output * shape[1] + input) * shape[2] + tap];
    }
  }

  @TempDir private Path folder;

  private final Random random = new Random(3);
  private final Map<String, Weights> tensors = new LinkedHashMap<>();

  @BeforeEach
  void makeANetwork() {
    make(128);
  }

  private void make(int kernel) {
    tensors.clear();
    int bins = kernel / 2 + 1;
    put("stft_conv.weight", 2 * bins, 1, kernel);
    int channels = bins;
    for (int i = 0; i < CHANNELS.size(); i++) {
      put("conv%d.weight".formatted(i + 1), CHANNELS.get(i), channels, 3);
      channels = CHANNELS.get(i);
      put("conv%d.bias".formatted(i + 1), channels);
    }
    put("lstm_cell.weight_ih", 4 * CELLS, channels);
    put("lstm_cell.weight_hh", 4 * CELLS, CELLS);
    put("lstm_cell.bias_ih", 4 * CELLS);
    put("lstm_cell.bias_hh", 4 * CELLS);
    put("final_conv.weight", 1, CELLS, 1);
    put("final_conv.bias", 1);
  }

  /** Values that keep sums near 1, so that no gate is always open or shut. */
  private void put(String name, int... shape) {
    int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    double scale = shape.length == 1 ? 0.3 : 6 / Math.sqrt((double) size / shape[0]);
    double[] values = new double[size];
    Arrays.setAll(values, _ -> (float) (scale * (random.nextDouble() - 0.5)));
    tensors.put(name, new Weights(values, shape));
  }

  private Path write() throws IOException {
    TensorFile file = new TensorFile();
    tensors.forEach((name, weights) -> file.f32(name, weights.values(), weights.shape()));
    return file.write(folder.resolve("silero.safetensors"));
  }

  private static ImportedNetwork read(Path path) throws IOException {
    try (WeightsFile file = WeightsFile.open(path)) {
      assertThat(SileroFile.isOne(file)).isTrue();
      return SileroFile.read(file);
    }
  }

  /** Channels x positions, without padding. */
  private static double[][] convolution(Weights w, double[] bias, int stride, double[][] x) {
    int taps = w.shape()[2];
    double[][] y = new double[w.shape()[0]][(x[0].length - taps) / stride + 1];
    for (int out = 0; out < y.length; out++) {
      for (int p = 0; p < y[out].length; p++) {
        y[out][p] = bias[out];
        for (int in = 0; in < x.length; in++) {
          for (int k = 0; k < taps; k++) {
            y[out][p] += w.at(out, in, k) * x[in][p * stride + k];
          }
        }
      }
    }
    return y;
  }

  private static double[] mirroredAtItsEnd(double[] x, int more) {
    double[] padded = Arrays.copyOf(x, x.length + more);
    for (int i = 0; i < more; i++) {
      padded[x.length + i] = x[x.length - 2 - i];
    }
    return padded;
  }

  private static double[][] magnitude(double[][] spectrum) {
    int bins = spectrum.length / 2;
    double[][] magnitude = new double[bins][spectrum[0].length];
    for (int i = 0; i < bins; i++) {
      for (int p = 0; p < magnitude[i].length; p++) {
        magnitude[i][p] = Math.hypot(spectrum[i][p], spectrum[bins + i][p]);
      }
    }
    return magnitude;
  }

  private double[] encoded(double[] samples, int kernel) {
    Weights stft = tensors.get("stft_conv.weight");
    double[][] x =
        magnitude(
            convolution(
                stft,
                new double[kernel + 2],
                kernel / 2,
                new double[][] {mirroredAtItsEnd(samples, kernel / 4)}));
    for (int i = 0; i < STRIDES.size(); i++) {
      double[][] padded = new double[x.length][x[0].length + 2];
      for (int c = 0; c < x.length; c++) {
        System.arraycopy(x[c], 0, padded[c], 1, x[c].length);
      }
      x =
          convolution(
              tensors.get("conv%d.weight".formatted(i + 1)),
              tensors.get("conv%d.bias".formatted(i + 1)).values(),
              STRIDES.get(i),
              padded);
      for (double[] channel : x) {
        Arrays.setAll(channel, p -> Math.max(channel[p], 0));
      }
    }
    assertThat(x[0]).hasSize(1);
    return Arrays.stream(x).mapToDouble(channel -> channel[0]).toArray();
  }

  private Float64Cells.Weights matrix(String name) {
    Weights w = tensors.get(name);
    return (output, input) -> w.values()[output * w.shape()[1] + input];
  }

  private double[][] expected(double[][] samples, int kernel) {
    double[] bias = tensors.get("lstm_cell.bias_ih").values().clone();
    double[] second = tensors.get("lstm_cell.bias_hh").values();
    Arrays.setAll(bias, i -> bias[i] + second[i]);
    double[][] h =
        Float64Cells.lstm(
            matrix("lstm_cell.weight_ih"),
            matrix("lstm_cell.weight_hh"),
            bias,
            Float64Cells.SIGMOID,
            new double[CELLS],
            new double[CELLS],
            Arrays.stream(samples).map(chunk -> encoded(chunk, kernel)).toArray(double[][]::new));
    double[][] heard =
        Arrays.stream(h)
            .map(row -> Arrays.stream(row).map(v -> Math.max(v, 0)).toArray())
            .toArray(double[][]::new);
    return Float64Cells.dense(
        matrix("final_conv.weight"),
        tensors.get("final_conv.bias").values(),
        Float64Cells.SIGMOID,
        heard);
  }

  @ParameterizedTest
  @CsvSource({
    "128, 288, 'a step is one chunk of Silero VAD at 8000 Hz: it reads the last 32 samples of the chunk before and 256 new ones'",
    "256, 576, 'a step is one chunk of Silero VAD at 16000 Hz: it reads the last 64 samples of the chunk before and 512 new ones'"
  })
  void theNetworkGivesWhatItsEquationsGive(int kernel, int width, String remark)
      throws IOException {
    make(kernel);
    double[][] x = Float64Cells.random(40, width, random);
    for (double[] chunk : x) {
      double loudness = random.nextDouble();
      Arrays.setAll(chunk, i -> (float) (loudness * chunk[i]));
    }
    double[][] expected = expected(x, kernel);
    DoubleSummaryStatistics range =
        Arrays.stream(expected).mapToDouble(y -> y[0]).summaryStatistics();
    assertThat(range.getMax() - range.getMin())
        .as("outputs that say little would agree whatever is computed")
        .isGreaterThan(0.02);
    ImportedNetwork network = read(write());
    Model model = network.model();
    Float64Cells.assertGives(model, x, expected);
    assertThat(model.graph().inputs()).containsExactly(new Graph.Value("input", width));
    assertThat(model.graph().outputs()).containsExactly("output");
    assertThat(network.remarks()).singleElement().asString().startsWith(remark);
    Path kept = folder.resolve("kept.safetensors");
    model.save(kept);
    assertThat(Model.load(kept).fingerprint()).isEqualTo(model.fingerprint());
  }

  private static Consumer<SileroFileTest> shape(String name, int... shape) {
    return test -> test.put(name, shape);
  }

  static Stream<Arguments> wrong() {
    return Stream.of(
        argumentSet(
            "tensors too few",
            (Consumer<SileroFileTest>)
                test -> test.tensors.keySet().removeAll(List.of("conv3.bias", "final_conv.weight")),
            "lacks tensors of Silero VAD: conv3.bias, final_conv.weight"),
        argumentSet(
            "a tensor too many",
            shape("conv5.weight", 6, 6, 3),
            "has tensors that are no part of Silero VAD: conv5.weight"),
        argumentSet(
            "another rate",
            shape("stft_conv.weight", 514, 1, 512),
            "tensor stft_conv.weight has rows of 512 values; expected 256 (16 kHz) or 128 (8 kHz)"),
        argumentSet(
            "a spectrum cut off",
            shape("stft_conv.weight", 128, 1, 128),
            "tensor stft_conv.weight has shape [128, 1, 128]; expected [130, 1, 128]"),
        argumentSet(
            "a spectrum without channels",
            shape("stft_conv.weight", 130, 128),
            "tensor stft_conv.weight has shape [130, 128]; expected [any, any, any]"),
        argumentSet(
            "channels that do not fit",
            shape("conv2.weight", 4, 6, 3),
            "tensor conv2.weight has shape [4, 6, 3]; expected [4, 5, 3]"),
        argumentSet(
            "a wider kernel",
            shape("conv1.weight", 5, 65, 5),
            "tensor conv1.weight has shape [5, 65, 5]; expected [5, 65, 3]"),
        argumentSet(
            "no channel",
            shape("conv4.weight", 0, 3, 3),
            "tensor conv4.weight has shape [0, 3, 3]; expected [any, any, any]"),
        argumentSet(
            "a bias of another length",
            shape("conv4.bias", 5),
            "tensor conv4.bias has shape [5]; expected [6]"),
        argumentSet(
            "gates too few",
            shape("lstm_cell.weight_ih", 21, 6),
            "tensor lstm_cell.weight_ih has shape [21, 6]; expected [28, 6]"),
        argumentSet(
            "a projection",
            shape("lstm_cell.weight_hh", 28, 5),
            "tensor lstm_cell.weight_ih has shape [28, 6]; expected [20, 6]"),
        argumentSet(
            "two outputs",
            shape("final_conv.weight", 2, 7, 1),
            "tensor final_conv.weight has shape [2, 7, 1]; expected [1, 7, 1]"),
        argumentSet(
            "a weight that is no number",
            (Consumer<SileroFileTest>)
                test -> test.tensors.get("lstm_cell.bias_hh").values()[2] = Double.NaN,
            "tensor lstm_cell.bias_hh: value 2 is NaN; weights must be finite"));
  }

  @ParameterizedTest
  @MethodSource("wrong")
  void whatIsWrongIsRefusedByName(Consumer<SileroFileTest> change, String message)
      throws IOException {
    change.accept(this);
    Path path = write();
    assertThatThrownBy(() -> read(path))
        .isInstanceOf(WeightsFormatException.class)
        .hasMessageStartingWith(path + ": ")
        .hasMessageContaining(message);
  }

  @Test
  void anotherTypeIsRefusedByName() throws IOException {
    TensorFile file = new TensorFile();
    tensors.forEach((name, weights) -> {
      if (name.equals("conv1.bias")) {
        file.f64(name, weights.values(), weights.shape());
      } else {
        file.f32(name, weights.values(), weights.shape());
      }
    });
    Path path = file.write(folder.resolve("wide.safetensors"));
    assertThatThrownBy(() -> read(path))
        .isInstanceOf(WeightsFormatException.class)
        .hasMessageContaining("tensor conv1.bias is F64; weights are read from F32, BF16 or F16");
  }

  @Test
  void otherTensorsAreNotTakenForIt() throws IOException {
    tensors.remove("stft_conv.weight");
    try (WeightsFile file = WeightsFile.open(write())) {
      assertThat(SileroFile.isOne(file)).isFalse();
    }
  }
}
