package io.github.stillgate.core.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.stillgate.core.kernel.Pointwise;
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
import java.util.Map;
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
      layers.add(layer(node, ""));
    }
    Model model = new Model(layers, vocabulary);
    Set<String> unused = new TreeSet<>(file.tensors().keySet());
    unused.removeAll(used);
    unused.removeIf(tensor -> ProofVectors.isPart(file, tensor));
    if (!unused.isEmpty()) {
      throw new WeightsFormatException(file.path(), "no layer uses the tensors " + unused);
    }
    return model;
  }

  /**
   * One layer.
   *
   * @param outer what its tensors' names begin with before its own name
   */
  private Layer layer(JsonNode node, String outer) {
    String type = text(node.path("type"), "a layer's \"type\"");
    return switch (type) {
      case "conditional_gru" -> {
        requireLayer(node, Set.of("gating"), Set.of());
        yield conditionalGru(node, outer);
      }
      case "gru" -> {
        requireLayer(node, Set.of(), Set.of("reset", "reset_bias", "activations", "estimate"));
        yield gru(node, outer);
      }
      case "lstm" -> {
        requireLayer(
            node, Set.of(), Set.of("projection", "peepholes", "coupled_gates", "activations"));
        yield lstm(node, outer);
      }
      case "simple_rnn" -> {
        requireLayer(node, Set.of("activation"), Set.of());
        int d = count(node, "inputs");
        int n = count(node, "units");
        String prefix = outer + name(node);
        yield new SimpleRnn(
            name(node),
            matrix(prefix, "W", n, d),
            matrix(prefix, "U", n, n),
            vector(prefix, "b", n),
            elementwise(node.get("activation"), prefix));
      }
      case "embedding" -> {
        requireLayer(node, Set.of(), Set.of());
        String prefix = outer + name(node);
        yield new Embedding(
            name(node), matrix(prefix, "E", count(node, "inputs"), count(node, "units")));
      }
      case "dense" -> {
        requireLayer(node, Set.of("activation"), Set.of());
        int d = count(node, "inputs");
        int n = count(node, "units");
        String prefix = outer + name(node);
        yield new Dense(
            name(node),
            matrix(prefix, "W", n, d),
            vector(prefix, "b", n),
            activation(node.get("activation"), prefix));
      }
      case "backward" -> {
        requireFields(node, "layer", Set.of("type", "layer"), Set.of());
        yield new Backward(layer(node.get("layer"), outer));
      }
      case "bidirectional" -> {
        requireFields(node, "layer", Set.of("type", "name", "forward", "backward"), Set.of());
        String inner = outer + name(node) + ".";
        yield new Bidirectional(
            name(node), layer(node.get("forward"), inner), layer(node.get("backward"), inner));
      }
      default ->
          throw new IllegalArgumentException(
              "layer type \"%s\" is not known (known: conditional_gru, gru, lstm, simple_rnn,"
                      .formatted(type)
                  + " embedding, dense, bidirectional, backward)");
    };
  }

  private static void requireLayer(JsonNode node, Set<String> required, Set<String> optional) {
    Set<String> all = new HashSet<>(required);
    all.addAll(Set.of("type", "name", "inputs", "units"));
    requireFields(node, "layer", all, optional);
  }

  private ConditionalGru conditionalGru(JsonNode node, String outer) {
    int d = count(node, "inputs");
    int n = count(node, "units");
    String prefix = outer + name(node);
    return new ConditionalGru(
        name(node),
        gating(prefix, node.get("gating"), d, n),
        matrix(prefix, "Wr", n, d),
        matrix(prefix, "Ur", n, n),
        vector(prefix, "br", n),
        matrix(prefix, "Wc", n, d),
        matrix(prefix, "Uc", n, n),
        vector(prefix, "bc", n));
  }

  private Gru gru(JsonNode node, String outer) {
    int d = count(node, "inputs");
    int n = count(node, "units");
    String prefix = outer + name(node);
    Lstm.Sums z = sums(prefix, "z", n, d, n);
    Lstm.Sums r = sums(prefix, "r", n, d, n);
    Lstm.Sums c = sums(prefix, "c", n, d, n);
    boolean bias = flag(node, "reset_bias");
    String where = node.has("reset") ? text(node.get("reset"), prefix + ": \"reset\"") : "after";
    Reset reset =
        switch (where) {
          case "after" ->
              new Reset.AfterMatrix(bias ? Optional.of(vector(prefix, "bh", n)) : Optional.empty());
          case "before" -> Reset.BEFORE;
          default ->
              throw new IllegalArgumentException(
                  "layer %s: reset \"%s\" is not known (known: after, before)"
                      .formatted(prefix, where));
        };
    if (bias && reset == Reset.BEFORE) {
      throw new IllegalArgumentException(
          "layer %s: \"reset_bias\" belongs to a reset after the matrix".formatted(prefix));
    }
    Gru.Activations activations = Gru.Activations.STANDARD;
    if (node.has("activations")) {
      JsonNode all = node.get("activations");
      requireFields(
          all, "activations of layer " + prefix, Set.of("update", "reset", "candidate"), Set.of());
      activations =
          new Gru.Activations(
              elementwise(all.get("update"), prefix),
              elementwise(all.get("reset"), prefix),
              elementwise(all.get("candidate"), prefix));
    }
    return new Gru(
        name(node),
        z.w(),
        z.u(),
        z.b(),
        r.w(),
        r.u(),
        r.b(),
        c.w(),
        c.u(),
        c.b(),
        reset,
        activations,
        node.has("estimate")
            ? Optional.of(estimate(prefix, count(node, "estimate"), d, n))
            : Optional.empty());
  }

  private GateEstimate estimate(String prefix, int rank, int d, int n) {
    return new GateEstimate(
        matrix(prefix, "estimate.W", rank, d),
        matrix(prefix, "estimate.U", rank, n),
        matrix(prefix, "estimate.V", n, rank),
        vector(prefix, "estimate.b", 1).at(0, 0));
  }

  private Lstm lstm(JsonNode node, String outer) {
    int d = count(node, "inputs");
    int n = count(node, "units");
    int p = node.has("projection") ? count(node, "projection") : n;
    String prefix = outer + name(node);
    Lstm.Activations activations = Lstm.Activations.STANDARD;
    if (node.has("activations")) {
      JsonNode all = node.get("activations");
      requireFields(
          all, "activations of layer " + prefix, Set.of("gates", "cell", "hidden"), Set.of());
      activations =
          new Lstm.Activations(
              elementwise(all.get("gates"), prefix),
              elementwise(all.get("cell"), prefix),
              elementwise(all.get("hidden"), prefix));
    }
    return new Lstm(
        name(node),
        sums(prefix, "i", n, d, p),
        flag(node, "coupled_gates") ? Optional.empty() : Optional.of(sums(prefix, "f", n, d, p)),
        sums(prefix, "o", n, d, p),
        sums(prefix, "g", n, d, p),
        flag(node, "peepholes")
            ? Optional.of(
                new Lstm.Peepholes(
                    vector(prefix, "pi", n), vector(prefix, "pf", n), vector(prefix, "po", n)))
            : Optional.empty(),
        node.has("projection") ? Optional.of(matrix(prefix, "Wp", p, n)) : Optional.empty(),
        activations);
  }

  private Lstm.Sums sums(String prefix, String gate, int n, int d, int p) {
    return new Lstm.Sums(
        matrix(prefix, "W" + gate, n, d),
        matrix(prefix, "U" + gate, n, p),
        vector(prefix, "b" + gate, n));
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

  private static Activation.Elementwise elementwise(JsonNode node, String layer) {
    if (activation(node, layer) instanceof Activation.Elementwise function) {
      return function;
    }
    throw new IllegalArgumentException(
        "layer %s: %s works on all values together and cannot stand inside a recurrent layer"
            .formatted(layer, node));
  }

  private static Activation activation(JsonNode node, String layer) {
    if (node.isArray()) {
      Activation.Elementwise function = Activation.LINEAR;
      for (JsonNode step : node) {
        function = function.then(pointwise(step, layer), constant(step, 1), constant(step, 2));
      }
      return function;
    }
    String name = text(node, "layer %s: \"activation\"".formatted(layer));
    Activation named = Activation.NAMED.get(name);
    if (named == null) {
      throw new IllegalArgumentException(
          "layer %s: activation \"%s\" is not known (known: %s, or a list of steps)"
              .formatted(layer, name, Activation.NAMED.keySet()));
    }
    return named;
  }

  private static Pointwise pointwise(JsonNode step, String layer) {
    for (Pointwise function : Pointwise.values()) {
      if (step.isArray() && step.size() == 3 && lowerCase(function).equals(step.get(0).asText())) {
        return function;
      }
    }
    throw new IllegalArgumentException(
        "layer %s: %s is no step of an activation; expected [function, a, b] with one of %s"
            .formatted(
                layer,
                step,
                Arrays.stream(Pointwise.values()).map(NetworkDescription::lowerCase).toList()));
  }

  private static float constant(JsonNode step, int at) {
    if (!step.get(at).isNumber()) {
      throw new IllegalArgumentException("%s: %s is not a number".formatted(step, step.get(at)));
    }
    return step.get(at).floatValue();
  }

  private static void describe(ObjectNode node, String field, Activation activation) {
    for (Map.Entry<String, Activation> named : Activation.NAMED.entrySet()) {
      if (named.getValue().equals(activation)) {
        node.put(field, named.getKey());
        return;
      }
    }
    ArrayNode steps = node.putArray(field);
    for (Activation.Step step : ((Activation.Elementwise) activation).steps()) {
      steps.addArray().add(lowerCase(step.function())).add(step.a()).add(step.b());
    }
  }

  private static String lowerCase(Pointwise function) {
    return function.name().toLowerCase(Locale.ROOT);
  }

  private static boolean flag(JsonNode node, String field) {
    JsonNode value = node.path(field);
    if (!value.isMissingNode() && !value.isBoolean()) {
      throw new IllegalArgumentException(
          "\"%s\" is %s; expected true or false".formatted(field, value));
    }
    return value.asBoolean(false);
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
      describe(layers.addObject(), layer);
      layer
          .tensors()
          .forEach((field, m) -> {
            int[] shape = m.isVector() ? new int[] {m.rows()} : new int[] {m.rows(), m.columns()};
            writer.tensor(layer.name() + "." + field, type, m.toArray(), shape);
          });
    }
    return writer.metadata(KEY, root.toString());
  }

  private static void describe(ObjectNode node, Layer layer) {
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
      case Gru gru -> {
        describe(node, "gru", gru);
        switch (gru.reset()) {
          case Reset.BeforeMatrix _ -> node.put("reset", "before");
          case Reset.AfterMatrix after -> after.bh().ifPresent(_ -> node.put("reset_bias", true));
        }
        gru.estimate().ifPresent(e -> node.put("estimate", e.rank()));
        if (!gru.activations().equals(Gru.Activations.STANDARD)) {
          ObjectNode activations = node.putObject("activations");
          describe(activations, "update", gru.activations().update());
          describe(activations, "reset", gru.activations().reset());
          describe(activations, "candidate", gru.activations().candidate());
        }
      }
      case Lstm lstm -> {
        describe(node, "lstm", lstm);
        node.put("units", lstm.cells());
        lstm.projection().ifPresent(wp -> node.put("projection", wp.rows()));
        lstm.peepholes().ifPresent(_ -> node.put("peepholes", true));
        if (lstm.forget().isEmpty()) {
          node.put("coupled_gates", true);
        }
        if (!lstm.activations().equals(Lstm.Activations.STANDARD)) {
          ObjectNode activations = node.putObject("activations");
          describe(activations, "gates", lstm.activations().gates());
          describe(activations, "cell", lstm.activations().cell());
          describe(activations, "hidden", lstm.activations().hidden());
        }
      }
      case SimpleRnn rnn -> {
        describe(node, "simple_rnn", rnn);
        describe(node, "activation", rnn.activation());
      }
      case Embedding embedding -> describe(node, "embedding", embedding);
      case Dense dense -> {
        describe(node, "dense", dense);
        describe(node, "activation", dense.activation());
      }
      case Backward backward -> {
        node.put("type", "backward");
        describe(node.putObject("layer"), backward.layer());
      }
      case Bidirectional pair -> {
        node.put("type", "bidirectional").put("name", pair.name());
        describe(node.putObject("forward"), pair.forward());
        describe(node.putObject("backward"), pair.backward());
      }
    }
  }

  private static void describe(ObjectNode node, String type, Layer layer) {
    node.put("type", type)
        .put("name", layer.name())
        .put("inputs", layer.inputs())
        .put("units", layer.outputs());
  }
}
