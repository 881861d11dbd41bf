package io.github.stillgate.importers;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.model.Sums;
import java.util.Arrays;
import java.util.Optional;

/**
 * The arrays of a recurrent layer of Keras: matrices are (in, out), the gates side by side in their
 * columns, i, f, g, o of an LSTM and z, r, h of a GRU, whose z weighs the old state.
 *
 * @param inputs d
 * @param units n
 * @param kernel d x (gates n), row-major
 * @param recurrent n x (gates n)
 * @param bias gates n; empty for none
 * @param stateBias a second one that stands inside the reset product, gates n; empty for none
 */
public record KerasWeights(
    int inputs,
    int units,
    float[] kernel,
    float[] recurrent,
    Optional<float[]> bias,
    Optional<float[]> stateBias) {
  /** Arrays without a bias. */
  public KerasWeights(int inputs, int units, float[] kernel, float[] recurrent) {
    this(inputs, units, kernel, recurrent, Optional.empty(), Optional.empty());
  }

  /** The same with one bias. */
  public KerasWeights withBias(float[] one) {
    return new KerasWeights(inputs, units, kernel, recurrent, Optional.of(one), Optional.empty());
  }

  /** The same with two biases, one behind the other: that of the input, that of the state. */
  public KerasWeights withBiases(float[] both) {
    int half = both.length / 2;
    return new KerasWeights(
        inputs,
        units,
        kernel,
        recurrent,
        Optional.of(Arrays.copyOf(both, half)),
        Optional.of(Arrays.copyOfRange(both, half, both.length)));
  }

  /** A matrix of {@code inputs} rows as one of {@code outputs} rows. */
  public static float[] outputsFirst(float[] matrix, int inputs, int outputs) {
    float[] turned = new float[matrix.length];
    for (int in = 0; in < inputs; in++) {
      for (int out = 0; out < outputs; out++) {
        turned[out * inputs + in] = matrix[in * outputs + out];
      }
    }
    return turned;
  }

  private StackedGates gates() {
    int columns = kernel.length / inputs;
    return new StackedGates(
        inputs,
        units,
        units,
        outputsFirst(kernel, inputs, columns),
        outputsFirst(recurrent, units, columns),
        bias,
        stateBias);
  }

  /** The LSTM of four gates. */
  public Lstm lstm(
      String name, Activation.Elementwise gateFunction, Activation.Elementwise function) {
    return new StackedLstm(
            gates(),
            LstmOrder.I_F_G_O,
            false,
            Optional.empty(),
            Optional.empty(),
            new Lstm.Activations(gateFunction, RecurrenceClip.bounded(function), function))
        .toLayer(name);
  }

  /** The GRU of three gates. */
  public Gru gru(
      String name,
      boolean resetAfter,
      Activation.Elementwise gateFunction,
      Activation.Elementwise function) {
    return new StackedGru(
            gates(),
            GruOrder.Z_R_C,
            UpdateConvention.WEIGHS_OLD_STATE,
            resetAfter,
            gateFunction,
            RecurrenceClip.bounded(function))
        .toLayer(name);
  }

  /** The layer without gates. */
  public SimpleRnn simpleRnn(String name, Activation.Elementwise function) {
    Sums sums = gates().only(name);
    return new SimpleRnn(name, sums.w(), sums.u(), sums.b(), RecurrenceClip.bounded(function));
  }
}
