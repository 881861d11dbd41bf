package io.github.stillgate.core.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The JSON in a weights file's {@code __metadata__} that says which layers the tensors make up, as
 * documented in {@code docs/format.md}. Strict: an unknown field or an unused tensor is an error,
 * since ignoring it would run another network than the one that was meant.
 */
final class NetworkDescription {
  static final String KEY = "stillgate";
  static final int VERSION = 1;

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final WeightsFile file;
  private final Set<String> used = new HashSet<>();

  private NetworkDescription(WeightsFile file) {
    this.file = file;
  }

  static Model read(WeightsFile file) {
    String text = file.metadata().get(KEY);
    if (text == null) {
      throw new WeightsFormatException(
          file.path(),
          "has no network description: __metadata__ lacks \"%s\" (see docs/format.md)"
              .formatted(KEY));
    }
    try {
      return new NetworkDescription(file).model(JSON.readTree(text));
    } catch (JsonProcessingException e) {
      throw new WeightsFormatException(
          file.path(), "network description is not valid JSON: " + e.getOriginalMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new WeightsFormatException(file.path(), String.valueOf(e.getMessage()), e);
    }
  }

  private Model model(JsonNode root) {
    requireFields(root, "the description", Set.of("version", "layers"), Set.of("vocabulary"));
    if (!root.get("version").isInt() || root.get("version").intValue() != VERSION) {
      throw new IllegalArgumentException(
          "format version %s is not known; this library reads version %d"
              .formatted(root.get("version"), VERSION));
    }
    if (!root.get("layers").isArray()) {
      throw new IllegalArgumentException("\"layers\" is not an array");
    }
    Optional<Vocabulary> vocabulary =
        Optional.ofNullable(root.get("vocabulary"))
            .map(node -> new Vocabulary(text(node, "vocabulary")));
    List<Layer> layers = new ArrayList<>();
    for (JsonNode node : root.get("layers")) {
      layers.add(layer(node));
    }
    Model model = new Model(layers, vocabulary);
    Set<String> unused = new TreeSet<>(file.tensors().keySet());
    unused.removeAll(used);
    if (!unused.isEmpty()) {
      throw new WeightsFormatException(file.path(), "no layer uses the tensors " + unused);
    }
    return model;
  }

  private Layer layer(JsonNode node) {
    String type = text(node.path("type"), "a layer's \"type\"");
    return switch (type) {
      case "conditional_gru" -> {
        requireFields(node, "layer", Set.of("type", "name", "inputs", "units", "gating"), Set.of());
        yield conditionalGru(node);
      }
      case "gru" -> {
        requireFields(node, "layer", Set.of("type", "name", "inputs", "units"), Set.of());
        int d = count(node, "inputs");
        int n = count(node, "units");
        String name = name(node);
        yield new Gru(
            name,
            matrix(name, "Wz", n, d),
            matrix(name, "Uz", n, n),
            vector(name, "bz", n),
            matrix(name, "Wr", n, d),
            matrix(name, "Ur", n, n),
            vector(name, "br", n),
            matrix(name, "Wc", n, d),
            matrix(name, "Uc", n, n),
            vector(name, "bc", n));
      }
      case "dense" -> {
        requireFields(
            node, "layer", Set.of("type", "name", "inputs", "units", "activation"), Set.of());
        int d = count(node, "inputs");
        int n = count(node, "units");
        String name = name(node);
        yield new Dense(
            name, matrix(name, "W", n, d), vector(name, "b", n), activation(node, name));
      }
      default ->
          throw new IllegalArgumentException(
              "layer type \"%s\" is not known (known: conditional_gru, gru, dense)"
                  .formatted(type));
    };
  }

  private ConditionalGru conditionalGru(JsonNode node) {
    int d = count(node, "inputs");
    int n = count(node, "units");
    String name = name(node);
    return new ConditionalGru(
        name,
        gating(name, node.get("gating"), d, n),
        matrix(name, "Wr", n, d),
        matrix(name, "Ur", n, n),
        vector(name, "br", n),
        matrix(name, "Wc", n, d),
        matrix(name, "Uc", n, n),
        vector(name, "bc", n));
  }

  private Gating gating(String name, JsonNode node, int d, int n) {
    String what = "gating of layer " + name;
    String type = text(node.path("type"), "layer %s: gating \"type\"".formatted(name));
    switch (type) {
      case "full" -> {
        requireFields(node, what, Set.of("type"), Set.of());
        return new Gating.Full(
            matrix(name, "Wz", n, d), matrix(name, "Uz", n, n), vector(name, "bz", n));
      }
      case "unit" -> {
        requireFields(node, what, Set.of("type", "rank"), Set.of());
        int g = count(node, "rank");
        return new Gating.Unit(
            matrix(name, "Wu", g, d),
            matrix(name, "Uu", g, n),
            vector(name, "bu", g),
            matrix(name, "Wz", n, g),
            vector(name, "bz", n));
      }
      case "block" -> {
        requireFields(node, what, Set.of("type", "blocks"), Set.of());
        return block(name, count(node, "blocks"), d, n);
      }
      case "hybrid" -> {
        requireFields(node, what, Set.of("type", "blocks"), Set.of());
        int g = count(node, "blocks");
        return new Gating.Hybrid(
            block(name, g, d, n), matrix(name, "V", n, g), vector(name, "e", n));
      }
      default ->
          throw new IllegalArgumentException(
              "layer %s: gating \"%s\" is not known (known: full, unit, block, hybrid)"
                  .formatted(name, type));
    }
  }

  private Gating.Block block(String name, int g, int d, int n) {
    return new Gating.Block(
        matrix(name, "Wu", g, d),
        matrix(name, "Uu", g, n),
        vector(name, "bu", g),
        vector(name, "bz", g));
  }

  private Matrix matrix(String layer, String field, int rows, int columns) {
    Tensor tensor = tensor(layer, field, rows, columns);
    return Matrix.of(tensor.name(), rows, columns, tensor.toFloats());
  }

  private Matrix vector(String layer, String field, int rows) {
    Tensor tensor = tensor(layer, field, rows);
    return Matrix.vector(tensor.name(), tensor.toFloats());
  }

  private Tensor tensor(String layer, String field, long... shape) {
    Tensor tensor = file.tensor(layer + "." + field);
    if (!Arrays.equals(tensor.shape(), shape)) {
      throw new WeightsFormatException(
          file.path(),
          "tensor %s has shape %s, the description makes it %s"
              .formatted(tensor.name(), Arrays.toString(tensor.shape()), Arrays.toString(shape)));
    }
    used.add(tensor.name());
    return tensor;
  }

  private static Activation activation(JsonNode node, String layer) {
    String name = text(node.get("activation"), "layer %s: \"activation\"".formatted(layer));
    for (Activation activation : Activation.values()) {
      if (lowerCase(activation).equals(name)) {
        return activation;
      }
    }
    throw new IllegalArgumentException(
        "layer %s: activation \"%s\" is not known (known: %s)"
            .formatted(
                layer,
                name,
                Arrays.stream(Activation.values()).map(NetworkDescription::lowerCase).toList()));
  }

  private static String lowerCase(Activation activation) {
    return activation.name().toLowerCase(Locale.ROOT);
  }

  private static String name(JsonNode node) {
    String name = text(node.get("name"), "a layer's \"name\"");
    if (name.isBlank()) {
      throw new IllegalArgumentException("a layer's \"name\" is blank");
    }
    return name;
  }

  private static String text(JsonNode node, String what) {
    if (!node.isTextual()) {
      throw new IllegalArgumentException(
          what + (node.isMissingNode() ? " is missing" : " is not a string: " + node));
    }
    return node.textValue();
  }

  private static int count(JsonNode node, String field) {
    JsonNode value = node.get(field);
    if (!value.isInt() || value.intValue() < 1) {
      throw new IllegalArgumentException(
          "\"%s\" is %s; expected a whole number from 1 on".formatted(field, value));
    }
    return value.intValue();
  }

  private static void requireFields(
      JsonNode node, String what, Set<String> required, Set<String> optional) {
    if (!node.isObject()) {
      throw new IllegalArgumentException(what + " is not an object: " + node);
    }
    Set<String> missing = new TreeSet<>(required);
    Set<String> unknown = new TreeSet<>();
    node.fieldNames()
        .forEachRemaining(field -> {
          missing.remove(field);
          if (!required.contains(field) && !optional.contains(field)) {
            unknown.add(field);
          }
        });
    if (!missing.isEmpty() || !unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "%s: missing fields %s, unknown fields %s".formatted(what, missing, unknown));
    }
  }

  static WeightsWriter write(Model model, DType type) {
    ObjectNode root = JSON.createObjectNode();
    root.put("version", VERSION);
    model.vocabulary().ifPresent(v -> root.put("vocabulary", v.characters()));
    ArrayNode layers = root.putArray("layers");
    WeightsWriter writer = new WeightsWriter();
    for (Layer layer : model.layers()) {
      ObjectNode node = layers.addObject();
      switch (layer) {
        case ConditionalGru gru -> {
          describe(node, "conditional_gru", layer);
          ObjectNode gating = node.putObject("gating");
          switch (gru.gating()) {
            case Gating.Full _ -> gating.put("type", "full");
            case Gating.Unit unit -> gating.put("type", "unit").put("rank", unit.rank());
            case Gating.Block block -> gating.put("type", "block").put("blocks", block.blocks());
            case Gating.Hybrid hybrid ->
                gating.put("type", "hybrid").put("blocks", hybrid.block().blocks());
          }
        }
        case Gru gru -> describe(node, "gru", gru);
        case Dense dense -> {
          describe(node, "dense", dense);
          node.put("activation", lowerCase(dense.activation()));
        }
      }
      layer
          .tensors()
          .forEach((field, m) -> {
            int[] shape = m.isVector() ? new int[] {m.rows()} : new int[] {m.rows(), m.columns()};
            writer.tensor(layer.name() + "." + field, type, m.toArray(), shape);
          });
    }
    return writer.metadata(KEY, root.toString());
  }

  private static void describe(ObjectNode node, String type, Layer layer) {
    node.put("type", type)
        .put("name", layer.name())
        .put("inputs", layer.inputs())
        .put("units", layer.outputs());
  }
}
