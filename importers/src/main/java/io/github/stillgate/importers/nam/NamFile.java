package io.github.stillgate.importers.nam;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.InitialState;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.importers.ImportedNetwork;
import io.github.stillgate.importers.JsonFile;
import io.github.stillgate.importers.LstmOrder;
import io.github.stillgate.importers.StackedGates;
import io.github.stillgate.importers.StackedLstm;
import io.github.stillgate.importers.UnsupportedNetworkException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * A {@code .nam} file of Neural Amp Modeler with the architecture {@code LSTM}: JSON whose {@code
 * weights} are one list. For each of {@code num_layers} layers of n = {@code hidden_size} cells
 * over d inputs, d = {@code input_size} in the first and n in the others, it holds, row-major,
 *
 * <pre>
 *   [W U]   4n x (d + n), gates i, f, g, o
 *   b       4n
 *   h, c    n each: the state in which a stream begins
 * </pre>
 *
 * and behind them the head {@code y = w h + b}, n weights and one bias. One sample is one step.
 */
public final class NamFile {
  private static final Set<String> CONFIG = Set.of("input_size", "hidden_size", "num_layers");

  /** Gates of a layer. */
  private static final int GATES = 4;

  private final float[] weights;
  private int at;

  private NamFile(float[] weights) {
    this.weights = weights;
  }

  /** Whether a JSON file is one, whatever its architecture. */
  public static boolean isOne(JsonFile file) {
    return file.root().has("architecture") && file.root().has("weights");
  }

  /**
   * The network in a file that {@link #isOne} is.
   *
   * @throws UnsupportedNetworkException if its architecture is another than {@code LSTM}
   * @throws WeightsFormatException if a field is missing or wrong, there are more or fewer weights
   *     than its sizes make, or one is not finite
   */
  public static ImportedNetwork read(JsonFile file) {
    String architecture = file.text(file.root(), "architecture", "the model");
    if (!architecture.equals("LSTM")) {
      throw file.unsupported(
          ("its architecture is %s; of Neural Amp Modeler's networks those of the architecture LSTM are"
                  + " read, and not those of convolutions (WaveNet, ConvNet): train one with the LSTM"
                  + " configuration")
              .formatted(architecture));
    }
    JsonNode config = file.root().path("config");
    file.requireKnown(config, CONFIG, "config");
    int inputs = file.count(config, "input_size", "config");
    int cells = file.count(config, "hidden_size", "config");
    int layers = file.count(config, "num_layers", "config");
    JsonNode list = file.root().path("weights");
    double expected = expected(inputs, cells, layers);
    if (!list.isArray() || list.size() != expected) {
      throw file.broken(
          String.format(
              Locale.ROOT,
              "weights: %s, expected %.0f for %d layers of %d cells over %d inputs, their states and"
                  + " the head",
              list.isArray() ? "%d values".formatted(list.size()) : JsonFile.shown(list),
              expected,
              layers,
              cells,
              inputs));
    }
    NamFile nam = new NamFile(file.floats(list, "weights", list.size()));
    try {
      return new ImportedNetwork(nam.model(inputs, cells, layers), remarks(file));
    } catch (WeightsFormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new WeightsFormatException(file.path(), String.valueOf(e.getMessage()), e);
    }
  }

  /** In float64, which no sizes that a file may claim overflow. */
  private static double expected(double inputs, double cells, double layers) {
    double first = GATES * cells * (inputs + cells + 1) + 2 * cells;
    double other = GATES * cells * (cells + cells + 1) + 2 * cells;
    return first + (layers - 1) * other + cells + 1;
  }

  private static List<String> remarks(JsonFile file) {
    List<String> remarks = new ArrayList<>();
    JsonNode rate = file.root().path("sample_rate");
    remarks.add(
        rate.isNumber()
            ? "a step is one sample at %s Hz".formatted(rate)
            : "a step is one sample; the file says no rate, which is 48000 Hz by Neural Amp Modeler's"
                + " rule");
    remarks.add("loudness and levels in its metadata are for the player and not applied");
    return remarks;
  }

  private Model model(int inputs, int cells, int layers) {
    List<Layer> all = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      all.add(lstm(layers == 1 ? "lstm" : "lstm" + i, i == 0 ? inputs : cells, cells));
    }
    float[] w = next(cells);
    all.add(
        new Dense(
            "head",
            Matrix.of("head.weight", 1, cells, w),
            Matrix.vector("head.bias", next(1)),
            Activation.LINEAR));
    return new Model(all);
  }

  private Lstm lstm(String name, int inputs, int cells) {
    int rows = GATES * cells;
    float[] w = new float[rows * inputs];
    float[] u = new float[rows * cells];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(next(inputs), 0, w, row * inputs, inputs);
      System.arraycopy(next(cells), 0, u, row * cells, cells);
    }
    float[] bias = next(rows);
    StackedGates gates =
        new StackedGates(inputs, cells, cells, w, u, Optional.of(bias), Optional.empty());
    return new StackedLstm(
            gates,
            LstmOrder.I_F_G_O,
            false,
            Optional.empty(),
            Optional.empty(),
            Lstm.Activations.STANDARD)
        .toLayer(name)
        .withInitialState(
            InitialState.ofHidden(Matrix.vector(name + ".initial.h", next(cells)))
                .withCells(Matrix.vector(name + ".initial.c", next(cells))));
  }

  private float[] next(int count) {
    at += count;
    return Arrays.copyOfRange(weights, at - count, at);
  }
}
