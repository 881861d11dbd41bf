package io.github.stillgate.importers.rnnoise;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.importers.ImportedNetwork;
import io.github.stillgate.importers.KerasWeights;
import io.github.stillgate.importers.UnsupportedNetworkException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A model of RNNoise in the text format of rnnoise-nu ({@code .rnnn}): behind the line {@code
 * rnnoise-nu model file version 1} six layers, each as the numbers of its inputs, its units and its
 * activation (0 tanh, 1 sigmoid, 2 relu), then its weights, whole numbers that stand for 1/256,
 * matrices by input, the gates z, r, c of a GRU side by side:
 *
 * <pre>
 *   input_dense = dense(features)
 *   vad_gru     = gru(input_dense)
 *   noise_gru   = gru(input_dense, vad_gru, features)
 *   denoise_gru = gru(vad_gru, noise_gru, features)
 *   gains       = dense(denoise_gru)
 *   vad         = dense(vad_gru)
 * </pre>
 *
 * <p>A GRU has the reset before the matrix, z weighs its old state, and the activation is that of
 * its candidate. The model reads {@code features} and gives {@code gains} and {@code vad}; one step
 * is a frame of 10 ms. RNNoise takes tanh and sigmoid from tables of 201 values with a linear and a
 * quadratic term; here they are computed.
 *
 * <p>Source: rnn_reader.c and rnn.c of RNNoise as of rnnoise-nu (Valin 2018).
 */
public final class RnnoiseFile {
  /** The most inputs and units of a layer that RNNoise reads. */
  private static final int MOST_UNITS = 128;

  /** What a weight of 1 is in the file; weights are signed bytes. */
  private static final float ONE = 256;

  private static final int GATES = 3;

  private static final List<Activation.Elementwise> ACTIVATIONS =
      List.of(Activation.TANH, Activation.SIGMOID, Activation.RELU);

  private final RnnoiseText text;

  private RnnoiseFile(RnnoiseText text) {
    this.text = text;
  }

  /**
   * The network in a file.
   *
   * @throws IOException if it is no regular file or cannot be read
   * @throws UnsupportedNetworkException if it is of another version
   * @throws WeightsFormatException if it is no such file, is cut off or goes on behind its end, a
   *     number is out of its range, or a layer reads another width than those before it give
   */
  public static ImportedNetwork read(Path path) throws IOException {
    return new ImportedNetwork(
        new Model(new RnnoiseFile(RnnoiseText.read(path)).graph()),
        List.of(
            "a step is one frame of 10 ms at 48000 Hz: it reads the features that RNNoise computes of it"
                + " and gives gains of bands and the probability of speech"));
  }

  private Graph graph() {
    Dense dense = dense("input_dense");
    Gru vadGru = gru("vad_gru");
    Gru noiseGru = gru("noise_gru");
    Gru denoiseGru = gru("denoise_gru");
    Dense gains = dense("gains");
    Dense vad = dense("vad");
    text.requireEnd();
    int features = dense.inputs();
    requireInputs("vad_gru", vadGru.inputs(), dense.outputs());
    requireInputs("noise_gru", noiseGru.inputs(), dense.outputs() + vadGru.outputs() + features);
    requireInputs(
        "denoise_gru", denoiseGru.inputs(), vadGru.outputs() + noiseGru.outputs() + features);
    requireInputs("gains", gains.inputs(), denoiseGru.outputs());
    requireInputs("vad", vad.inputs(), vadGru.outputs());
    return Graph.builder()
        .input("features", features)
        .node(dense, "features")
        .node(vadGru, "input_dense")
        .node(
            IndexMap.concat("noise_input", dense.outputs(), vadGru.outputs(), features),
            "input_dense",
            "vad_gru",
            "features")
        .node(noiseGru, "noise_input")
        .node(
            IndexMap.concat("denoise_input", vadGru.outputs(), noiseGru.outputs(), features),
            "vad_gru",
            "noise_gru",
            "features")
        .node(denoiseGru, "denoise_input")
        .node(gains, "denoise_gru")
        .node(vad, "vad_gru")
        .output("gains")
        .output("vad")
        .build();
  }

  private void requireInputs(String layer, int inputs, int given) {
    if (inputs != given) {
      throw text.broken(
          "layer %s reads %d values, the layers before it give %d".formatted(layer, inputs, given));
    }
  }

  private Dense dense(String name) {
    int inputs = inputs(name);
    int units = units(name);
    Activation activation = activation(name);
    float[] kernel = weights(name, "weights", inputs * units);
    return new Dense(
        name,
        Matrix.of(
            name + ".weight", units, inputs, KerasWeights.outputsFirst(kernel, inputs, units)),
        Matrix.vector(name + ".bias", weights(name, "bias", units)),
        activation);
  }

  private Gru gru(String name) {
    int inputs = inputs(name);
    int units = units(name);
    Activation.Elementwise activation = activation(name);
    float[] kernel = weights(name, "input weights", inputs * GATES * units);
    float[] recurrent = weights(name, "state weights", units * GATES * units);
    return new KerasWeights(inputs, units, kernel, recurrent)
        .withBias(weights(name, "bias", GATES * units))
        .gru(name, false, Activation.SIGMOID, activation);
  }

  /** What the first GRUs give can be read by the next beside the features. */
  private int inputs(String name) {
    return text.next("layer %s: its number of inputs".formatted(name), 1, GATES * MOST_UNITS);
  }

  private int units(String name) {
    return text.next("layer %s: its number of units".formatted(name), 1, MOST_UNITS);
  }

  private Activation.Elementwise activation(String name) {
    return ACTIVATIONS.get(
        text.next(
            "layer %s: its activation (0 tanh, 1 sigmoid, 2 relu)".formatted(name),
            0,
            ACTIVATIONS.size() - 1));
  }

  private float[] weights(String layer, String what, int count) {
    byte[] stored = text.bytes("layer %s: its %s".formatted(layer, what), count);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = stored[i] / ONE;
    }
    return values;
  }
}
