package io.github.stillgate.importers.keras;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.importers.JsonFile;
import io.github.stillgate.importers.KerasWeights;
import java.util.ArrayList;
import java.util.List;

/** Makes layers of their options in a model's configuration and of their arrays. */
final class KerasLayerReader {
  private final KerasArrays arrays;
  private final JsonFile config;
  private final boolean isKeras3;
  private final List<String> remarks;

  /**
   * Reads layers of one model.
   *
   * @param remarks receives what the caller should know
   */
  KerasLayerReader(KerasArrays arrays, JsonFile config, boolean isKeras3, List<String> remarks) {
    this.arrays = arrays;
    this.config = config;
    this.isKeras3 = isKeras3;
    this.remarks = remarks;
  }

  /** Name of a layer: beside its class, or among its options. */
  static String name(JsonFile config, JsonNode layer) {
    JsonNode options = layer.path("config");
    return options.has("name")
        ? config.text(options, "name", "a layer's config")
        : config.text(layer, "name", "a layer");
  }

  Dense dense(String name, JsonNode options) {
    boolean hasBias = config.flag(options, "use_bias", true, name);
    KerasArrays.OfLayer of =
        arrays.of(name).require(hasBias ? List.of("kernel", "bias") : List.of("kernel"));
    int inputs = of.extent(0, 0, 2);
    int units = config.count(options, "units", name);
    float[] kernel = of.floats(0, "kernel", inputs, units);
    return new Dense(
        name,
        Matrix.of(
            name + ".kernel", units, inputs, KerasWeights.outputsFirst(kernel, inputs, units)),
        Matrix.vector(name + ".bias", hasBias ? of.floats(1, "bias", units) : new float[units]),
        activation(options, "activation", name));
  }

  Embedding embedding(String name, JsonNode options) {
    KerasArrays.OfLayer of = arrays.of(name).require(List.of("embeddings"));
    int tokens = config.count(options, "input_dim", name);
    int units = config.count(options, "output_dim", name);
    if (config.flag(options, "mask_zero", false, name)) {
      remarks.add(
          "layer %s masks token 0: Keras leaves out such steps, so do not feed it".formatted(name));
    }
    return new Embedding(
        name,
        Matrix.of(name + ".embeddings", tokens, units, of.floats(0, "embeddings", tokens, units)));
  }

  /** A {@code SimpleRNN}, {@code LSTM} or {@code GRU}. */
  Layer recurrent(String kind, String name, JsonNode options) {
    refuse(options, "go_backwards", name, "wrap it in Bidirectional, or turn the sequence round");
    return recurrent(kind, name, options, arrays.of(name));
  }

  private Layer recurrent(String kind, String name, JsonNode options, KerasArrays.OfLayer of) {
    refuse(options, "time_major", name, "build the model without it");
    refuse(options, "return_state", name, "build the model without it; a session keeps the state");
    boolean hasBias = config.flag(options, "use_bias", true, name);
    of.require(
        hasBias
            ? List.of("kernel", "recurrent_kernel", "bias")
            : List.of("kernel", "recurrent_kernel"));
    int gates =
        switch (kind) {
          case "LSTM" -> 4;
          case "GRU" -> 3;
          default -> 1;
        };
    int inputs = of.extent(0, 0, 2);
    int units = config.count(options, "units", name);
    int columns = Math.multiplyExact(gates, units);
    KerasWeights weights =
        new KerasWeights(
            inputs,
            units,
            of.floats(0, "kernel", inputs, columns),
            of.floats(1, "recurrent_kernel", units, columns));
    // Keras before 2.2 has no such option, and the reset before the matrix.
    boolean resetAfter = kind.equals("GRU") && config.flag(options, "reset_after", false, name);
    if (hasBias) {
      weights =
          resetAfter
              ? weights.withBiases(of.floats(2, "bias", 2, columns))
              : weights.withBias(of.floats(2, "bias", columns));
    }
    if (!config.flag(options, "return_sequences", false, name)) {
      remarks.add("layer %s answers at the last step only".formatted(name));
    }
    Activation.Elementwise function = elementwise(options, "activation", name);
    return switch (kind) {
      case "LSTM" -> weights.lstm(name, gate(options, name), function);
      case "GRU" -> weights.gru(name, resetAfter, gate(options, name), function);
      default -> weights.simpleRnn(name, function);
    };
  }

  /** Both directions of one kind, their outputs one behind the other. */
  Bidirectional bidirectional(String name, JsonNode options) {
    String merge = config.text(options, "merge_mode", name);
    if (!merge.equals("concat")) {
      throw config.unsupported(
          "layer %s: \"merge_mode\" is %s; read is concat".formatted(name, merge));
    }
    JsonNode forward = options.path("layer");
    JsonNode backward = options.has("backward_layer") ? options.path("backward_layer") : forward;
    KerasArrays.OfLayer all = arrays.of(name);
    int half = all.count() / 2;
    List<Layer> directions = new ArrayList<>();
    for (JsonNode direction : List.of(forward, backward)) {
      String kind = config.text(direction, "class_name", name);
      if (!List.of("SimpleRNN", "LSTM", "GRU").contains(kind)) {
        throw config.unsupported(
            "layer %s: a Bidirectional %s is not read, only of SimpleRNN, LSTM and GRU"
                .formatted(name, kind));
      }
      JsonNode of = direction.path("config");
      if (!config.flag(of, "return_sequences", false, name)) {
        throw config.unsupported(
            "layer %s: without return_sequences both directions answer at different steps"
                .formatted(name));
      }
      boolean isForward = directions.isEmpty();
      directions.add(
          recurrent(
              kind,
              isForward ? "forward" : "backward",
              of,
              isForward ? all.part(0, half) : all.part(half, all.count())));
    }
    return new Bidirectional(name, directions.getFirst(), directions.getLast());
  }

  private void refuse(JsonNode options, String option, String name, String cure) {
    if (config.flag(options, option, false, name)) {
      throw config.unsupported(
          "layer %s: \"%s\" is true, which is not read; %s".formatted(name, option, cure));
    }
  }

  /** An activation of its own layer, with its constants. */
  Activation activationLayer(String kind, String name, JsonNode options) {
    return switch (kind) {
      case "ReLU" -> {
        boolean isPlain =
            isAbsentOr(options.path("max_value"), Float.NaN)
                && isAbsentOr(options.path("negative_slope"), 0)
                && isAbsentOr(options.path("threshold"), 0);
        if (!isPlain) {
          throw config.unsupported(
              "layer %s: a ReLU with a largest value, a slope or a threshold is not read"
                  .formatted(name));
        }
        yield Activation.RELU;
      }
      case "LeakyReLU" ->
          Activation.LINEAR.then(
              Activation.Function.LEAK,
              number(options, isKeras3 ? "negative_slope" : "alpha", 0.3f, name),
              0);
      case "ELU" ->
          Activation.LINEAR.then(Activation.Function.ELU, number(options, "alpha", 1, name), 0);
      default -> {
        JsonNode axis = options.path("axis");
        if (!axis.isMissingNode() && !(axis.isInt() && axis.intValue() == -1)) {
          throw config.unsupported(
              "layer %s: a softmax over axis %s; read is the last, -1"
                  .formatted(name, JsonFile.shown(axis)));
        }
        yield Activation.SOFTMAX;
      }
    };
  }

  private static boolean isAbsentOr(JsonNode value, float same) {
    return value.isMissingNode()
        || value.toString().equals("null")
        || value.isNumber() && value.floatValue() == same;
  }

  private float number(JsonNode options, String field, float absent, String name) {
    JsonNode value = options.path(field);
    if (value.isMissingNode()) {
      return absent;
    }
    if (!value.isNumber()) {
      throw config.broken(
          "layer %s: \"%s\" is %s; expected a number"
              .formatted(name, field, JsonFile.shown(value)));
    }
    return value.floatValue();
  }

  /** What an option names; a function of the user's own is an object there. */
  Activation activation(JsonNode options, String field, String name) {
    JsonNode value = options.path(field);
    if (value.isMissingNode()) {
      return Activation.LINEAR;
    }
    String word = value.isTextual() ? value.textValue() : JsonFile.shown(value);
    return KerasActivations.of(word, isKeras3)
        .orElseThrow(() ->
            config.unsupported(
                "layer %s: its %s is %s; read are %s"
                    .formatted(name, field, word, KerasActivations.known())));
  }

  private Activation.Elementwise elementwise(JsonNode options, String field, String name) {
    if (!options.has(field)) {
      throw config.broken("layer %s: \"%s\" is missing".formatted(name, field));
    }
    if (activation(options, field, name) instanceof Activation.Elementwise function) {
      return function;
    }
    throw config.unsupported(
        "layer %s: its %s is a softmax, which no recurrent layer here has".formatted(name, field));
  }

  /** Gates mix; with other shares than 0 to 1 a state could grow without end. */
  private Activation.Elementwise gate(JsonNode options, String name) {
    Activation.Elementwise function = elementwise(options, "recurrent_activation", name);
    Activation.Range range = function.range(Activation.Range.of(Float.MAX_VALUE));
    if (range.low() < 0 || range.high() > 1) {
      throw config.unsupported(
          "layer %s: its recurrent_activation is %s, which lies within [%s, %s]; read are sigmoid and"
                  .formatted(
                      name,
                      JsonFile.shown(options.path("recurrent_activation")),
                      range.low(),
                      range.high())
              + " hard_sigmoid");
    }
    return function;
  }
}
