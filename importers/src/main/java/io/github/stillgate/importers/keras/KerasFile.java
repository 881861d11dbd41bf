package io.github.stillgate.importers.keras;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.importers.ImportedNetwork;
import io.github.stillgate.importers.JsonFile;
import io.github.stillgate.importers.UnsupportedNetworkException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A whole Keras model in HDF5, as {@code model.save("model.h5")} writes it: the configuration of
 * its layers in the attribute {@code model_config}, their weights in groups. Sequential models and
 * functional ones that are a chain are read, of these layers: {@code SimpleRNN}, {@code LSTM},
 * {@code GRU} with the reset before or after the matrix, {@code Bidirectional} of them, {@code
 * Dense}, also in {@code TimeDistributed}, {@code Embedding}, activations, and those that do
 * nothing when a model runs.
 *
 * <p>Where an activation stands alone it becomes that of the dense layer before it, or a dense
 * layer of its own.
 */
public final class KerasFile {
  /** An activation behind others than a linear layer becomes a matrix of 256 MiB at most. */
  private static final int WIDEST_IDENTITY = 8192;

  /** What they do they do in training. */
  private static final Set<String> IDLE =
      Set.of(
          "Dropout",
          "SpatialDropout1D",
          "AlphaDropout",
          "GaussianDropout",
          "GaussianNoise",
          "ActivityRegularization");

  private static final Set<String> ATTENTION =
      Set.of("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention");

  private final Hdf5 hdf5;
  private final JsonFile config;
  private final KerasLayerReader reader;
  private final List<Layer> layers = new ArrayList<>();
  private final List<String> remarks = new ArrayList<>();

  private KerasFile(Hdf5 hdf5, JsonFile config, boolean isKeras3) {
    this.hdf5 = hdf5;
    this.config = config;
    this.reader = new KerasLayerReader(new KerasArrays(hdf5), config, isKeras3, remarks);
  }

  /**
   * Reads a file.
   *
   * @throws IOException if it is no regular file, is above 2 GiB or cannot be read
   * @throws UnsupportedNetworkException if it holds weights alone, is no chain, or has a layer that
   *     nothing here computes
   * @throws WeightsFormatException if it is truncated or damaged, an array is missing or has
   *     another shape than its layer, or a weight is not finite
   */
  public static ImportedNetwork read(Path path) throws IOException {
    try (Hdf5 hdf5 = Hdf5.open(path)) {
      Optional<String> text = hdf5.text(hdf5.root(), "model_config");
      if (text.isEmpty()) {
        throw new UnsupportedNetworkException(path, withoutModel(hdf5));
      }
      boolean isKeras3 =
          hdf5.text(hdf5.root(), "keras_version").map(v -> v.startsWith("3.")).orElse(false);
      return new KerasFile(hdf5, JsonFile.of(path, text.get()), isKeras3).network();
    } catch (WeightsFormatException | UnsupportedNetworkException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new WeightsFormatException(path, String.valueOf(e.getMessage()), e);
    }
  }

  private static String withoutModel(Hdf5 hdf5) {
    Optional<List<String>> names = hdf5.texts(hdf5.root(), "layer_names");
    boolean isKeras = names.isPresent() || hdf5.find(hdf5.root(), "layers") != null;
    return isKeras
        ? "holds the weights of a Keras model%s and not what its layers are, their activations and their"
                .formatted(names.map(list -> ", layers %s,".formatted(list)).orElse(""))
            + " order; save the whole model: model.save(\"model.h5\") in the program that builds it and"
            + " loads these weights. If it has layers that docs/formats.md does not list, such as attention"
            + " or convolutions, export it to ONNX there: model.export(\"model.onnx\", format=\"onnx\")"
        : "is HDF5, but holds no Keras model (no attribute model_config); save one with"
            + " model.save(\"model.h5\")";
  }

  private ImportedNetwork network() {
    for (JsonNode layer : chain()) {
      add(layer);
    }
    if (layers.isEmpty()) {
      throw config.broken("its model has no layer that computes anything");
    }
    return new ImportedNetwork(new Model(layers), remarks);
  }

  /** The layers, each of which reads what the one before it gives. */
  private List<JsonNode> chain() {
    JsonNode root = config.root();
    String kind = config.text(root, "class_name", "model_config");
    JsonNode body = root.path("config");
    // Before Keras 2.2.3 the list stood there itself.
    JsonNode list = body.isArray() ? body : body.path("layers");
    if (!list.isArray()) {
      throw config.broken("model_config: \"layers\" is %s".formatted(JsonFile.shown(list)));
    }
    List<JsonNode> chain = new ArrayList<>();
    list.forEach(chain::add);
    switch (kind) {
      case "Sequential" -> {}
      case "Model", "Functional" -> requireChain(chain, body);
      default ->
          throw config.unsupported(
              "its model is a %s; read are Sequential and functional models".formatted(kind));
    }
    return chain;
  }

  private void requireChain(List<JsonNode> chain, JsonNode body) {
    String before = "";
    for (JsonNode layer : chain) {
      String name = KerasLayerReader.name(config, layer);
      List<String> from = new ArrayList<>();
      collectNames(layer.path("inbound_nodes"), from);
      boolean isFirst = before.isEmpty();
      if (isFirst ? !from.isEmpty() : !from.equals(List.of(before))) {
        throw config.unsupported(
            "layer %s reads %s, but the layer before it is %s; functional models are read that are one"
                    .formatted(name, from, isFirst ? "none" : before)
                + " chain with one input and one output: export others to ONNX (tf2onnx, or"
                + " model.export(OUT, format=\"onnx\"))");
      }
      before = name;
    }
    List<String> outputs = new ArrayList<>();
    collectNames(body.path("output_layers"), outputs);
    if (!outputs.equals(List.of(before))) {
      throw config.unsupported(
          "its outputs are %s; expected one, of the last layer (%s)".formatted(outputs, before));
    }
  }

  /**
   * Names of the layers that a description of connections leads from: {@code [name, 0, 0, ...]} in
   * Keras 2, the same as {@code keras_history} somewhere inside in Keras 3.
   */
  private static void collectNames(JsonNode node, List<String> names) {
    boolean isTensor =
        node.isArray() && node.size() > 2 && node.get(0).isTextual() && node.get(1).isInt();
    if (isTensor) {
      names.add(node.get(0).textValue());
    } else {
      node.forEach(inner -> collectNames(inner, names));
    }
  }

  private void add(JsonNode layer) {
    String kind = config.text(layer, "class_name", "a layer");
    String name = KerasLayerReader.name(config, layer);
    JsonNode options = layer.path("config");
    switch (kind) {
      case "InputLayer" -> {}
      case "Dense" -> layers.add(reader.dense(name, options));
      case "TimeDistributed" -> {
        JsonNode inner = options.path("layer");
        String innerKind = config.text(inner, "class_name", name);
        if (!innerKind.equals("Dense")) {
          throw config.unsupported(
              "layer %s: a TimeDistributed %s is not read, only of Dense"
                  .formatted(name, innerKind));
        }
        layers.add(reader.dense(name, inner.path("config")));
      }
      case "Embedding" -> layers.add(reader.embedding(name, options));
      case "SimpleRNN", "LSTM", "GRU" -> layers.add(reader.recurrent(kind, name, options));
      case "Bidirectional" -> layers.add(reader.bidirectional(name, options));
      case "Activation" -> then(name, reader.activation(options, "activation", name));
      case "ReLU", "LeakyReLU", "ELU", "Softmax" ->
          then(name, reader.activationLayer(kind, name, options));
      default -> {
        if (!IDLE.contains(kind)) {
          throw config.unsupported(refusal(kind, name));
        }
        remarks.add("layer %s (%s) does nothing when a model runs".formatted(name, kind));
      }
    }
  }

  private static String refusal(String kind, String name) {
    String what =
        kind.contains("Conv") || kind.contains("Pool")
            ? "a convolution or pooling, which no layer here computes yet"
            : ATTENTION.contains(kind) || kind.contains("ttention")
                ? "attention, which no layer here computes"
                : kind.startsWith("CuDNN")
                    ? "for GPUs only: build the model with %s, load these weights and save it"
                        .formatted(kind.substring("CuDNN".length()))
                    : kind.equals("Masking")
                        ? "a mask that leaves out steps: build the model without it, and do not feed those"
                            + " steps"
                        : "not read; read are SimpleRNN, LSTM, GRU, Bidirectional, Dense, TimeDistributed of"
                            + " Dense, Embedding and activations";
    return "layer %s is a %s: %s. A model whose other layers are a chain may be split there, or exported to"
            .formatted(name, kind, what)
        + " ONNX";
  }

  /** An activation behind the last layer. */
  private void then(String name, Activation activation) {
    if (layers.isEmpty()) {
      throw config.unsupported(
          "layer %s is an activation in front of all others, which no layer here is"
              .formatted(name));
    }
    Layer last = layers.getLast();
    if (last instanceof Dense dense && dense.activation().equals(Activation.LINEAR)) {
      layers.set(layers.size() - 1, new Dense(dense.name(), dense.w(), dense.b(), activation));
    } else if (last instanceof Embedding) {
      throw config.unsupported(
          "layer %s is an activation behind an embedding, which no layer here is".formatted(name));
    } else {
      int width = last.outputs();
      if (width > WIDEST_IDENTITY) {
        throw config.unsupported(
            "layer %s is an activation of %d values behind layer %s: as a dense layer of its own it would take"
                    .formatted(name, width, last.name())
                + " %d weights; at most %d values are taken. Put it into the layer before, as its activation"
                    .formatted((long) width * width, WIDEST_IDENTITY));
      }
      float[] identity = new float[width * width];
      for (int i = 0; i < width; i++) {
        identity[i * width + i] = 1;
      }
      layers.add(
          new Dense(
              name,
              Matrix.of(name + ".identity", width, width, identity),
              Matrix.vector(name + ".zero", new float[width]),
              activation));
      remarks.add("layer %s, an activation, became a dense layer of its own".formatted(name));
    }
  }
}
