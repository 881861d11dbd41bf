package io.github.stillgate.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.internal.NDArrayEx;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.recurrent.RNN;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Backends;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsWriter;
import io.github.stillgate.importers.torch.LayerRequest;
import io.github.stillgate.importers.torch.StateDict;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What PyTorch computes in float64 is what an imported state dict gives, on every backend. */
@RequiresPyTorch
class TorchImportTest {
  private static final int INPUTS = 13;
  private static final int STEPS = 23;

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "gru, 40, 1, false, true",
    "gru, 33, 2, false, true",
    "gru, 17, 3, true, true",
    "gru, 20, 1, false, false",
    "lstm, 40, 1, false, true",
    "lstm, 33, 2, true, true",
    "lstm, 17, 3, false, true",
    "lstm, 20, 2, true, false",
    "rnn, 40, 1, false, true",
    "rnn, 21, 3, true, true"
  })
  void anImportComputesWhatPyTorchDoes(
      String kind, int units, int layers, boolean bidirectional, boolean biases)
      throws IOException {
    Random random = new Random(units + layers);
    WeightsWriter writer = new WeightsWriter();
    float[][] input = new float[STEPS][INPUTS];
    double[][] expected;
    try (NDManager manager = NDManager.newBaseManager()) {
      NDList parameters =
          parameters(kind, units, layers, bidirectional, biases, random, manager, writer);
      double[] flat = new double[STEPS * INPUTS];
      for (int i = 0; i < flat.length; i++) {
        input[i / INPUTS][i % INPUTS] = 2 * random.nextFloat() - 1;
        flat[i] = input[i / INPUTS][i % INPUTS];
      }
      NDArray x = manager.create(flat, new Shape(1, STEPS, INPUTS));
      NDArray zero =
          manager.zeros(
              new Shape((long) layers * (bidirectional ? 2 : 1), 1, units), DataType.FLOAT64);
      NDArray y = run(kind, x, zero, parameters, biases, layers, bidirectional);
      expected = rows(y.toDoubleArray());
    }
    Path file = folder.resolve("state.safetensors");
    writer.write(file);
    StateDict.Import imported;
    try (WeightsFile weights = WeightsFile.open(file)) {
      imported =
          StateDict.read(weights, LayerRequest.parse(kind + ":encoder.rnn"), Optional.empty());
    }
    assertThat(imported.unused()).isEmpty();
    assertThat(imported.model().layers()).hasSize(layers);
    assertAgrees(imported.model(), input, expected);
    Path saved = folder.resolve("saved.safetensors");
    imported.model().save(saved);
    assertAgrees(Model.load(saved), input, expected);
  }

  private static NDArray run(
      String kind,
      NDArray x,
      NDArray zero,
      NDList parameters,
      boolean biases,
      int layers,
      boolean bidirectional) {
    NDArrayEx torch = x.getNDArrayInternal();
    return switch (kind) {
      case "gru" ->
          torch.gru(x, zero, parameters, biases, layers, 0, false, bidirectional, true).head();
      case "lstm" ->
          torch
              .lstm(
                  x,
                  new NDList(zero, zero),
                  parameters,
                  biases,
                  layers,
                  0,
                  false,
                  bidirectional,
                  true)
              .head();
      default ->
          torch
              .rnn(
                  x,
                  zero,
                  parameters,
                  biases,
                  layers,
                  RNN.Activation.TANH,
                  0,
                  false,
                  bidirectional,
                  true)
              .head();
    };
  }

  /**
   * Random parameters that float32 holds, in the order PyTorch takes them and written under its
   * names. DJL's own blocks put the biases behind the weights of both directions, which PyTorch
   * does not.
   */
  private static NDList parameters(
      String kind,
      int units,
      int layers,
      boolean bidirectional,
      boolean biases,
      Random random,
      NDManager manager,
      WeightsWriter writer) {
    int gates =
        switch (kind) {
          case "gru" -> 3;
          case "lstm" -> 4;
          default -> 1;
        };
    NDList parameters = new NDList();
    int inputs = INPUTS;
    for (int layer = 0; layer < layers; layer++) {
      for (String direction : bidirectional ? List.of("", "_reverse") : List.of("")) {
        String suffix = "_l" + layer + direction;
        int rows = gates * units;
        parameters.add(tensor("weight_ih" + suffix, random, manager, writer, rows, inputs));
        parameters.add(tensor("weight_hh" + suffix, random, manager, writer, rows, units));
        if (biases) {
          parameters.add(tensor("bias_ih" + suffix, random, manager, writer, rows));
          parameters.add(tensor("bias_hh" + suffix, random, manager, writer, rows));
        }
      }
      inputs = bidirectional ? 2 * units : units;
    }
    return parameters;
  }

  private static NDArray tensor(
      String name, Random random, NDManager manager, WeightsWriter writer, int... shape) {
    int size = Arrays.stream(shape).reduce(1, Math::multiplyExact);
    float[] values = new float[size];
    double[] wide = new double[size];
    // Large enough to bend the gates, and small enough that rounding does not grow step by step.
    float scale = 1.5f / (float) Math.sqrt(shape[shape.length - 1]);
    for (int i = 0; i < size; i++) {
      values[i] = Math.min(scale, 0.8f) * (2 * random.nextFloat() - 1);
      wide[i] = values[i];
    }
    writer.tensor("encoder.rnn." + name, values, shape);
    return manager.create(wide, new Shape(Arrays.stream(shape).asLongStream().toArray()));
  }

  private static double[][] rows(double[] flat) {
    int width = flat.length / STEPS;
    double[][] rows = new double[STEPS][width];
    for (int t = 0; t < STEPS; t++) {
      System.arraycopy(flat, t * width, rows[t], 0, width);
    }
    return rows;
  }

  private static void assertAgrees(Model model, float[][] input, double[][] expected) {
    for (String backend : Backends.usable()) {
      try (Plan plan = Plan.compile(model, PlanOptions.defaults().withBackend(backend));
          Sequence sequence = Sequence.open(plan)) {
        float[][] output = sequence.run(input);
        for (int t = 0; t < output.length; t++) {
          assertThat(output[t]).hasSize(expected[t].length);
          for (int i = 0; i < output[t].length; i++) {
            assertThat((double) output[t][i])
                .as("%s, step %d, output %d", backend, t, i)
                .isCloseTo(expected[t][i], within(2e-6 * Math.max(1, Math.abs(expected[t][i]))));
          }
        }
      }
    }
  }
}
