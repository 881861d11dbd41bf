package io.github.stillgate.core.model;

import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.json.JsonProblem;
import io.github.stillgate.core.json.StrictJson;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
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

  /** The longest description, in characters; an ordinary layer takes about a hundred. */
  static final int MAX_CHARACTERS = 1 << 21;

  /** The description, layers, a pair, a direction, activations, one of them, a step: 7. */
  private static final int MAX_DEPTH = 10;

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
          ("describes no network: its __metadata__ lacks \"%s\" (docs/format.md). If it is a PyTorch"
                  + " state dict, ./stillgate convert FILE OUT --layers ... says what is in it"
                  + " (docs/pytorch.md)")
              .formatted(KEY));
    }
    if (text.length() > MAX_CHARACTERS) {
      throw new WeightsFormatException(
          file.path(),
          "network description has %d characters; at most %d are read"
              .formatted(text.length(), MAX_CHARACTERS));
    }
    try {
      return new NetworkDescription(file).model(StrictJson.tree(text, MAX_DEPTH, MAX_CHARACTERS));
    } catch (JsonProblem e) {
      throw new WeightsFormatException(
          file.path(), "network description cannot be read as JSON: " + e.getMessage(), e);
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
    Model.requireLayers(root.get("layers").size());
    ProofVectors.metBy(file);
    requireHeap();
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

  /** Weights are kept as float32; to find out in the middle that they do not fit helps nobody. */
  private void requireHeap() {
    long bytes = 0;
    Tensor largest = null;
    for (Tensor tensor : file.tensors().values()) {
      bytes += Float.BYTES * tensor.elements();
      largest = largest == null || tensor.elements() > largest.elements() ? tensor : largest;
    }
    long most = Runtime.getRuntime().maxMemory();
    if (largest != null && bytes > most) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "its tensors take %d MiB as float32 (the largest is %s), the JVM's heap is limited to %d"
                  + " MiB; start it with -Xmx and more",
              bytes >> 20,
              largest,
              most >> 20));
    }
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
            ActivationFormat.elementwise(node.get("activation"), prefix));
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
            ActivationFormat.activation(node.get("activation"), prefix));
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
              ActivationFormat.elementwise(all.get("update"), prefix),
              ActivationFormat.elementwise(all.get("reset"), prefix),
              ActivationFormat.elementwise(all.get("candidate"), prefix));
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
              ActivationFormat.elementwise(all.get("gates"), prefix),
              ActivationFormat.elementwise(all.get("cell"), prefix),
              ActivationFormat.elementwise(all.get("hidden"), prefix));
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
    return Matrix.adopt(tensor.name(), rows, columns, false, tensor.toFloats());
  }

  private Matrix vector(String layer, String field, int rows) {
    Tensor tensor = tensor(layer, field, rows);
    return Matrix.adopt(tensor.name(), rows, 1, true, tensor.toFloats());
  }

  private Tensor tensor(String layer, String field, long... shape) {
    Tensor tensor = file.tensor(layer + "." + field);
    if (!Arrays.equals(tensor.shape(), shape)) {
      throw new WeightsFormatException(
          file.path(),
          "tensor %s has shape %s, the description makes it %s"
              .formatted(tensor.name(), Arrays.toString(tensor.shape()), Arrays.toString(shape)));
    }
    // Before it is read: a file in which many layers share a tensor would grow in memory.
    if (!used.add(tensor.name())) {
      throw new WeightsFormatException(
          file.path(),
          "tensor %s belongs to two layers: a layer's name is used twice, or is that of a pair, a dot"
                  .formatted(tensor.name())
              + " and the name of one of its directions");
    }
    return tensor;
  }

  private static boolean flag(JsonNode node, String field) {
    JsonNode value = node.path(field);
    if (!value.isMissingNode() && !value.isBoolean()) {
      throw new IllegalArgumentException(
          "\"%s\" is %s; expected true or false".formatted(field, value));
    }
    return value.isBoolean() && value.booleanValue();
  }

  private static String name(JsonNode node) {
    String name = text(node.get("name"), "a layer's \"name\"");
    if (name.isBlank()) {
      throw new IllegalArgumentException("a layer's \"name\" is blank");
    }
    return name;
  }

  /** The text of a node, or a refusal that says {@code what} is none. */
  static String text(JsonNode node, String what) {
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
}
