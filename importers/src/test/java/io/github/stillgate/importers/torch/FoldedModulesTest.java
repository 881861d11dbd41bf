package io.github.stillgate.importers.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Modules that are no layers here (activations, batch norms, convolutions of one step) compute what
 * PyTorch's formulas give in float64, module by module.
 */
class FoldedModulesTest {
  private static final double EPSILON = 1e-5;
  private static final int STEPS = 9;

  @TempDir private Path folder;

  private final Random random = new Random(3);
  private final TensorFile file = new TensorFile();

  private double[] values(int length) {
    return random.doubles(length, -1, 1).map(v -> (float) v).toArray();
  }

  private UnaryOperator<double[]> linear(String name, int outputs, int inputs, int... more) {
    double[] w = values(outputs * inputs);
    double[] b = values(outputs);
    int[] shape = Arrays.copyOf(new int[] {outputs, inputs}, 2 + more.length);
    System.arraycopy(more, 0, shape, 2, more.length);
    file.f32(name + ".weight", w, shape).f32(name + ".bias", b, outputs);
    return x -> {
      double[] y = b.clone();
      for (int i = 0; i < outputs; i++) {
        for (int j = 0; j < inputs; j++) {
          y[i] += w[i * inputs + j] * x[j];
        }
      }
      return y;
    };
  }

  private UnaryOperator<double[]> batchNorm(String name, int width, double epsilon) {
    double[] mean = values(width);
    double[] variance = random.doubles(width, 0.01, 2).map(v -> (float) v).toArray();
    double[] weight = values(width);
    double[] bias = values(width);
    file.f32(name + ".running_mean", mean, width)
        .f32(name + ".running_var", variance, width)
        .f32(name + ".weight", weight, width)
        .f32(name + ".bias", bias, width)
        .i64(name + ".num_batches_tracked", 1234);
    return x -> {
      double[] y = new double[width];
      for (int i = 0; i < width; i++) {
        y[i] = (x[i] - mean[i]) / Math.sqrt(variance[i] + epsilon) * weight[i] + bias[i];
      }
      return y;
    };
  }

  private static UnaryOperator<double[]> each(DoubleUnaryOperator function) {
    return x -> Arrays.stream(x).map(function).toArray();
  }

  private static double relu(double v) {
    return Math.max(0, v);
  }

  private static double sigmoid(double v) {
    return 1 / (1 + Math.exp(-v));
  }

  /** An LSTMCell; the state is its own. */
  private UnaryOperator<double[]> lstmCell(String name, int units, int inputs) {
    double[] w = values(4 * units * inputs);
    double[] u = values(4 * units * units);
    double[] bw = values(4 * units);
    double[] bu = values(4 * units);
    file.f32(name + ".weight_ih", w, 4 * units, inputs)
        .f32(name + ".weight_hh", u, 4 * units, units)
        .f32(name + ".bias_ih", bw, 4 * units)
        .f32(name + ".bias_hh", bu, 4 * units);
    double[] h = new double[units];
    double[] c = new double[units];
    return x -> {
      double[] sums = new double[4 * units];
      for (int i = 0; i < sums.length; i++) {
        sums[i] = bw[i] + bu[i];
        for (int j = 0; j < inputs; j++) {
          sums[i] += w[i * inputs + j] * x[j];
        }
        for (int j = 0; j < units; j++) {
          sums[i] += u[i * units + j] * h[j];
        }
      }
      for (int i = 0; i < units; i++) {
        double input = sigmoid(sums[i]);
        double forget = sigmoid(sums[units + i]);
        double candidate = Math.tanh(sums[2 * units + i]);
        double output = sigmoid(sums[3 * units + i]);
        c[i] = forget * c[i] + input * candidate;
        h[i] = output * Math.tanh(c[i]);
      }
      return h.clone();
    };
  }

  /** The end of Silero VAD: a cell, a ReLU, a convolution of one step, a sigmoid. */
  @Test
  void aCellAnActivationAndAConvolution() throws IOException {
    List<UnaryOperator<double[]>> modules =
        List.of(
            lstmCell("cell", 6, 5),
            each(FoldedModulesTest::relu),
            linear("conv", 2, 6, 1),
            each(FoldedModulesTest::sigmoid));
    StateDict.Import imported = assertComputes("lstm:cell, relu, conv1d:conv:sigmoid", modules, 5);
    assertThat(names(imported)).containsExactly("cell", "relu", "conv");
    assertThat(imported.remarks())
        .containsExactly(
            "relu has no dense layer before it, so it is one, with the identity of 6 x 6");
  }

  @Test
  void anActivationBehindADenseLayerIsItsOwn() throws IOException {
    List<UnaryOperator<double[]>> modules =
        List.of(
            linear("a", 4, 3),
            each(FoldedModulesTest::relu),
            each(Math::tanh),
            linear("b", 3, 4),
            each(v -> v > 0 ? v : 0.2 * v));
    StateDict.Import imported =
        assertComputes("linear:a:relu, tanh, linear:b, leaky_relu(0.2)", modules, 3);
    assertThat(names(imported)).containsExactly("a", "b");
    assertThat(imported.remarks()).isEmpty();
  }

  @Test
  void activationsByTheirNames() throws IOException {
    Map<String, DoubleUnaryOperator> functions =
        Map.ofEntries(
            Map.entry("relu", FoldedModulesTest::relu),
            Map.entry("tanh", Math::tanh),
            Map.entry("sigmoid", FoldedModulesTest::sigmoid),
            Map.entry("softsign", v -> v / (1 + Math.abs(v))),
            Map.entry("relu6", v -> Math.min(Math.max(v, 0), 6)),
            Map.entry("hardtanh", v -> Math.min(Math.max(v, -1), 1)),
            Map.entry("hardsigmoid", v -> Math.min(Math.max(v / 6 + 0.5, 0), 1)),
            Map.entry("leaky_relu", v -> v > 0 ? v : 0.01 * v),
            Map.entry("elu", v -> v > 0 ? v : Math.expm1(v)),
            Map.entry("elu(0.5)", v -> v > 0 ? v : 0.5 * Math.expm1(v)),
            Map.entry(
                "selu",
                v -> 1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * Math.expm1(v))));
    UnaryOperator<double[]> linear = linear("fc", 40, 3);
    for (Map.Entry<String, DoubleUnaryOperator> function : functions.entrySet()) {
      assertComputes(
          "linear:fc, " + function.getKey(), List.of(linear, each(function.getValue())), 3);
    }
  }

  @Test
  void softmaxStandsAlone() throws IOException {
    UnaryOperator<double[]> softmax =
        x -> {
          double[] y = Arrays.stream(x).map(Math::exp).toArray();
          double sum = Arrays.stream(y).sum();
          return Arrays.stream(y).map(v -> v / sum).toArray();
        };
    StateDict.Import imported =
        assertComputes(
            "linear:fc, relu, softmax",
            List.of(linear("fc", 4, 3), each(FoldedModulesTest::relu), softmax),
            3);
    assertThat(names(imported)).containsExactly("fc", "softmax");
    assertThat(((Dense) imported.model().layers().getLast()).activation())
        .isEqualTo(Activation.SOFTMAX);
  }

  @Test
  void activationsInFrontOfAllLayers() throws IOException {
    StateDict.Import imported =
        assertComputes(
            "relu, tanh, linear:fc",
            List.of(each(FoldedModulesTest::relu), each(Math::tanh), linear("fc", 2, 3)),
            3);
    assertThat(names(imported)).containsExactly("relu", "fc");
  }

  @Test
  void aBatchNormBehindADenseLayer() throws IOException {
    StateDict.Import imported =
        assertComputes(
            "linear:a, bn:norm, relu, linear:b",
            List.of(
                linear("a", 4, 3),
                batchNorm("norm", 4, EPSILON),
                each(FoldedModulesTest::relu),
                linear("b", 2, 4)),
            3);
    assertThat(names(imported)).containsExactly("a", "b");
    assertThat(imported.remarks()).containsExactly("norm is folded into a before it");
    assertThat(imported.unused()).isEmpty();
  }

  @Test
  void aBatchNormBeforeADenseLayer() throws IOException {
    StateDict.Import imported =
        assertComputes(
            "linear:a:relu, bn:norm, linear:b:tanh",
            List.of(
                linear("a", 4, 3),
                each(FoldedModulesTest::relu),
                batchNorm("norm", 4, EPSILON),
                linear("b", 2, 4),
                each(Math::tanh)),
            3);
    assertThat(names(imported)).containsExactly("a", "b");
    assertThat(imported.remarks()).containsExactly("norm is folded into b behind it");
  }

  @Test
  void batchNormsThatHaveNoDenseLayer() throws IOException {
    StateDict.Import imported =
        assertComputes(
            "bn:x, bn:y:eps=0.001, lstm:cell, bn:z, tanh",
            List.of(
                batchNorm("x", 5, EPSILON),
                batchNorm("y", 5, 0.001),
                lstmCell("cell", 6, 5),
                batchNorm("z", 6, EPSILON),
                each(Math::tanh)),
            5);
    assertThat(names(imported)).containsExactly("x", "cell", "z");
    assertThat(imported.remarks())
        .containsExactly(
            "y is folded into x before it",
            "x has no dense layer beside it, so it is one, with a diagonal matrix of 5 x 5",
            "z has no dense layer beside it, so it is one, with a diagonal matrix of 6 x 6");
  }

  @Test
  void aBatchNormWithoutWeights() throws IOException {
    double[] mean = values(3);
    double[] variance = {0.25, 1, 4};
    file.f32("norm.running_mean", mean, 3).f32("norm.running_var", variance, 3);
    UnaryOperator<double[]> norm =
        x -> {
          double[] y = new double[3];
          for (int i = 0; i < 3; i++) {
            y[i] = (x[i] - mean[i]) / Math.sqrt(variance[i] + EPSILON);
          }
          return y;
        };
    assertComputes("bn:norm, linear:fc", List.of(norm, linear("fc", 2, 3)), 3);
  }

  @Test
  void widthsOfABatchNormThatDoNotFit() {
    linear("a", 4, 3);
    batchNorm("norm", 5, EPSILON);
    linear("b", 2, 4);
    assertRefused("linear:a, bn:norm", "norm has 5 values, but layer a gives 4");
    assertRefused("bn:norm, linear:a", "norm has 5 values, but layer a reads 3");
  }

  @ParameterizedTest
  @CsvSource({"-0.5", "NaN"})
  void aVarianceThatIsNone(double variance) {
    file.f32("norm.running_mean", new double[2], 2)
        .f32("norm.running_var", new double[] {1, variance}, 2);
    assertRefused("bn:norm", "norm.running_var: value 1 is " + variance);
  }

  @Test
  void aLayerNormIsNoBatchNorm() {
    file.f32("norm.weight", values(4), 4).f32("norm.bias", values(4), 4);
    assertRefused("bn:norm", "batch_norm:norm has no running_mean and running_var", "LayerNorm");
    assertThatThrownBy(() -> LayerRequest.parse("layer_norm:norm"))
        .hasMessageContaining("is a layer normalization, which is not supported");
  }

  @Test
  void aWiderConvolution() {
    file.f32("conv.weight", values(24), 2, 4, 3);
    for (String kind : List.of("conv1d", "linear")) {
      assertRefused(
          kind + ":conv",
          "conv.weight has shape [2, 4, 3]: a convolution with a kernel of 3 steps");
    }
  }

  @Test
  void aMatrixIsNoConvolution() {
    file.f32("fc.weight", values(8), 2, 4);
    assertRefused("conv1d:fc", "fc.weight has shape [2, 4]; expected [outputs, inputs, 1]");
  }

  @Test
  void activationsAloneAreNoNetwork() {
    file.f32("fc.weight", values(8), 2, 4);
    assertRefused("relu, tanh", "activations alone are no network");
  }

  @Test
  void anActivationThatIsTooWideToStandAlone() {
    file.f32("emb.weight", new double[8193], 1, 8193);
    assertRefused(
        "emb, relu", "relu is beside no dense layer and would need a matrix of 8193 x 8193");
  }

  private static List<String> names(StateDict.Import imported) {
    return imported.model().layers().stream().map(Layer::name).toList();
  }

  private StateDict.Import assertComputes(
      String layers, List<UnaryOperator<double[]>> modules, int inputs) throws IOException {
    StateDict.Import imported = read(layers);
    try (Plan plan = Plan.compile(imported.model());
        Session session = Session.open(plan)) {
      float[] output = new float[imported.model().outputs()];
      for (int t = 0; t < STEPS; t++) {
        float[] input = new float[inputs];
        double[] expected = new double[inputs];
        for (int i = 0; i < inputs; i++) {
          input[i] = 4 * random.nextFloat() - 2;
          expected[i] = input[i];
        }
        for (UnaryOperator<double[]> module : modules) {
          expected = module.apply(expected);
        }
        session.step(input, output);
        assertThat(output).hasSameSizeAs(expected);
        for (int i = 0; i < output.length; i++) {
          assertThat((double) output[i])
              .as("%s, step %d, output %d", layers, t, i)
              .isCloseTo(expected[i], within(3e-6 * Math.max(1, Math.abs(expected[i]))));
        }
      }
    }
    return imported;
  }

  private StateDict.Import read(String layers) throws IOException {
    try (WeightsFile weights = WeightsFile.open(file.write(folder.resolve("s.safetensors")))) {
      return StateDict.readWhole(
          weights, LayerRequest.parse(layers), Optional.empty(), Map.of(), List.of());
    }
  }

  private void assertRefused(String layers, String... parts) {
    assertThatThrownBy(() -> read(layers))
        .isInstanceOf(WeightsFormatException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }
}
