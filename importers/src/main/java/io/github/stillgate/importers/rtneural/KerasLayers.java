package io.github.stillgate.importers.rtneural;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.importers.ImportedNetwork;
import io.github.stillgate.importers.JsonFile;
import io.github.stillgate.importers.KerasWeights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What RTNeural's {@code model_utils.py} writes of a Keras model: for each layer {@code type},
 * {@code activation}, {@code shape} of its output, and {@code weights} as Keras keeps them. Gates
 * have sigmoid and tanh: RTNeural computes no others.
 */
final class KerasLayers {
  private static final Map<String, Activation> ACTIVATIONS =
      Map.of(
          "",
          Activation.LINEAR,
          "linear",
          Activation.LINEAR,
          "tanh",
          Activation.TANH,
          "sigmoid",
          Activation.SIGMOID,
          "relu",
          Activation.RELU,
          "softmax",
          Activation.SOFTMAX,
          "elu",
          Activation.LINEAR.then(Activation.Function.ELU, 1, 0));

  /** AIDA-X adds the audio, which is the first input, to the output. */
  private static final String INPUT_SKIP = "in_skip";

  private final JsonFile file;

  KerasLayers(JsonFile file) {
    this.file = file;
  }

  ImportedNetwork network() {
    JsonNode list = file.root().path("layers");
    if (!list.isArray() || list.size() == 0) {
      throw file.broken("\"layers\" is %s; expected a list".formatted(JsonFile.shown(list)));
    }
    int width = last(file.root().path("in_shape"), "in_shape");
    List<Layer> layers = new ArrayList<>();
    for (JsonNode layer : list) {
      String where = "layer %d".formatted(layers.size());
      layers.add(layer(layer, where, width));
      int outputs = last(layer.path("shape"), where + ": shape");
      width = layers.getLast().outputs();
      if (outputs != width) {
        throw file.broken(
            "%s: \"shape\" says that it gives %d values, its weights %d"
                .formatted(where, outputs, width));
      }
    }
    return isSkip(width)
        ? new ImportedNetwork(SkipConnection.around(layers, 1), remarks())
        : new ImportedNetwork(new Model(layers), remarks());
  }

  /** Whether the first value of the input is added to the one output. */
  private boolean isSkip(int outputs) {
    JsonNode skip = file.root().path(INPUT_SKIP);
    if (skip.isMissingNode() || skip.isInt() && skip.intValue() == 0) {
      return false;
    }
    if (!skip.isInt() || skip.intValue() != 1 || outputs != 1) {
      throw file.unsupported(
          "\"%s\" is %s with %d outputs; known are 0, and 1 with one output: the first input is added to it"
              .formatted(INPUT_SKIP, JsonFile.shown(skip), outputs));
    }
    return true;
  }

  private List<String> remarks() {
    Set<String> others = new TreeSet<>();
    file.root().fieldNames().forEachRemaining(others::add);
    others.removeAll(Set.of("in_shape", "layers", INPUT_SKIP));
    return others.isEmpty()
        ? List.of()
        : List.of(
            "the fields %s are for the player and not applied"
                .formatted(String.join(", ", others)));
  }

  private Layer layer(JsonNode layer, String where, int inputs) {
    String type = file.text(layer, "type", where);
    String function = file.text(layer, "activation", where);
    JsonNode weights = layer.path("weights");
    String name = "%s_%s".formatted(where.replace("layer ", "l"), type.replace('-', '_'));
    return switch (type) {
      case "dense", "time-distributed-dense" -> {
        Activation activation = ACTIVATIONS.get(function);
        if (activation == null) {
          throw file.unsupported(
              "%s (%s): its activation is \"%s\"; read are %s"
                  .formatted(where, type, function, new TreeSet<>(ACTIVATIONS.keySet())));
        }
        requireCount(weights, 2, where);
        int units = width(weights.get(1), where + ": bias");
        float[] kernel = file.floats(weights.get(0), where + ": kernel", inputs, units);
        yield new Dense(
            name,
            Matrix.of(
                name + ".kernel", units, inputs, KerasWeights.outputsFirst(kernel, inputs, units)),
            Matrix.vector(name + ".bias", file.floats(weights.get(1), where + ": bias", units)),
            activation);
      }
      case "lstm", "gru" -> recurrent(type, name, weights, where, function, inputs);
      default ->
          throw file.unsupported(
              "%s is a %s, which is not read; read are dense, time-distributed-dense, lstm and gru%s"
                  .formatted(
                      where,
                      type,
                      type.startsWith("conv")
                          ? ": a network with convolutions cannot be taken"
                          : ""));
    };
  }

  private Layer recurrent(
      String type, String name, JsonNode weights, String where, String function, int inputs) {
    if (!function.equals("tanh")) {
      throw file.unsupported(
          "%s (%s): its activation is \"%s\", but RTNeural computes tanh whatever it is; train with tanh"
              .formatted(where, type, function));
    }
    requireCount(weights, 3, where);
    int gates = type.equals("lstm") ? 4 : 3;
    List<Integer> u = file.shape(weights.get(1));
    int units = u.isEmpty() ? 0 : u.getFirst();
    if (units < 1) {
      throw file.broken("%s: its recurrent kernel has shape %s".formatted(where, u));
    }
    int columns = gates * units;
    float[] kernel = file.floats(weights.get(0), where + ": kernel", inputs, columns);
    float[] state = file.floats(weights.get(1), where + ": recurrent kernel", units, columns);
    KerasWeights arrays = new KerasWeights(inputs, units, kernel, state);
    if (type.equals("lstm")) {
      return arrays
          .withBias(file.floats(weights.get(2), where + ": bias", columns))
          .lstm(name, Activation.SIGMOID, Activation.TANH);
    }
    // Two biases belong to reset_after; with one the reset stands before the matrix.
    return file.shape(weights.get(2)).size() == 2
        ? arrays
            .withBiases(file.floats(weights.get(2), where + ": bias", 2, columns))
            .gru(name, true, Activation.SIGMOID, Activation.TANH)
        : arrays
            .withBias(file.floats(weights.get(2), where + ": bias", columns))
            .gru(name, false, Activation.SIGMOID, Activation.TANH);
  }

  private void requireCount(JsonNode weights, int count, String where) {
    if (!weights.isArray() || weights.size() != count) {
      throw file.broken(
          "%s: \"weights\" has %s arrays, expected %d"
              .formatted(
                  where, weights.isArray() ? weights.size() : JsonFile.shown(weights), count));
    }
  }

  private int width(JsonNode vector, String what) {
    if (!vector.isArray() || vector.size() == 0) {
      throw file.broken("%s is %s; expected numbers".formatted(what, JsonFile.shown(vector)));
    }
    return vector.size();
  }

  private int last(JsonNode shape, String what) {
    JsonNode extent = shape.size() == 0 ? shape : shape.get(shape.size() - 1);
    if (!shape.isArray() || !extent.isInt() || extent.intValue() < 1) {
      throw file.broken(
          "%s is %s; expected a list that ends with a width"
              .formatted(what, JsonFile.shown(shape)));
    }
    return extent.intValue();
  }
}
