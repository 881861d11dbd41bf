package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ArrayNode;
import io.github.stillgate.core.json.JsonNode;
import io.github.stillgate.core.json.JsonProblem;
import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.json.StrictJson;
import io.github.stillgate.core.model.AtPositions;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.OperandRole;
import io.github.stillgate.core.model.OperandScales;
import io.github.stillgate.core.model.Operation;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
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
public final class NetworkDescription {
  /** Where it stands in a weights file's {@code __metadata__}. */
  public static final String KEY = "stillgate";

  /** The longest description, in characters; an ordinary layer takes about a hundred. */
  static final int MAX_CHARACTERS = 1 << 21;

  /** Of a chain of layers. */
  private static final int CHAIN = 1;

  /** Of a graph. */
  private static final int GRAPH = 2;

  /** The description, layers, a pair, a direction, activations, one of them, a step: 7. */
  private static final int MAX_DEPTH = 10;

  private NetworkDescription() {}

  /**
   * The network that {@code file} describes itself.
   *
   * @param others names of its tensors that belong to no layer
   * @throws WeightsFormatException if the description is missing or wrong, a tensor is missing,
   *     unused, of the wrong shape, or not finite
   */
  public static Model read(WeightsFile file, Set<String> others) {
    String text = file.metadata().get(KEY);
    if (text == null) {
      throw new WeightsFormatException(
          file.path(),
          ("describes no network: its __metadata__ lacks \"%s\" (docs/format.md). If it is a PyTorch"
                  + " state dict, ./stillgate convert FILE OUT --layers ... says what is in it"
                  + " (docs/pytorch.md)")
              .formatted(KEY));
    }
    return read(file, text, others);
  }

  /**
   * The network whose description is {@code text} and whose tensors are in {@code file}; otherwise
   * like {@link #read(WeightsFile, Set)}.
   */
  public static Model read(WeightsFile file, String text, Set<String> others) {
    try {
      return model(file, parse(text), others);
    } catch (IllegalArgumentException e) {
      throw new WeightsFormatException(file.path(), String.valueOf(e.getMessage()), e);
    }
  }

  /**
   * A description as JSON.
   *
   * @throws IllegalArgumentException if it is too long, or no JSON of the kind that is read
   */
  static JsonNode parse(String text) {
    if (text.length() > MAX_CHARACTERS) {
      throw new IllegalArgumentException(
          "network description has %d characters; at most %d are read"
              .formatted(text.length(), MAX_CHARACTERS));
    }
    try {
      return StrictJson.tree(text, MAX_DEPTH, MAX_CHARACTERS);
    } catch (JsonProblem e) {
      throw new IllegalArgumentException(
          "network description cannot be read as JSON: " + e.getMessage(), e);
    }
  }

  /**
   * The description's layers as JSON, after checks of all that stands beside them.
   *
   * @throws IllegalArgumentException if a field is missing, unknown or wrong
   */
  static List<JsonNode> layers(JsonNode root) {
    JsonFields.require(root, "the description", Set.of("version", "layers"), Set.of("vocabulary"));
    if (!isOfVersion(root, CHAIN)) {
      throw unknownVersion(root);
    }
    return array(root, "layers");
  }

  private static IllegalArgumentException unknownVersion(JsonNode root) {
    return new IllegalArgumentException(
        "format version %s is not known; this library reads version %d, and %d of a graph"
            .formatted(root.get("version"), CHAIN, GRAPH));
  }

  private static boolean isOfVersion(JsonNode root, int version) {
    JsonNode node = root.path("version");
    return node.isInt() && node.intValue() == version;
  }

  /** The elements of an array of layers or values. */
  static List<JsonNode> array(JsonNode root, String field) {
    JsonNode array = root.get(field);
    if (!array.isArray()) {
      throw new IllegalArgumentException("\"%s\" is not an array".formatted(field));
    }
    if (array.size() > Model.MAX_LAYERS) {
      throw new IllegalArgumentException(
          "a model of %d %s; at most %d are taken"
              .formatted(array.size(), field, Model.MAX_LAYERS));
    }
    List<JsonNode> nodes = new ArrayList<>();
    array.forEach(nodes::add);
    return nodes;
  }

  /**
   * The description's vocabulary, if it has one.
   *
   * @throws IllegalArgumentException if it is none
   */
  static Optional<Vocabulary> vocabulary(JsonNode root) {
    return Optional.ofNullable(root.get("vocabulary"))
        .map(node -> new Vocabulary(JsonFields.text(node, "vocabulary")));
  }

  private static Model model(WeightsFile file, JsonNode root, Set<String> others) {
    if (root.path("version").isInt() && !isOfVersion(root, CHAIN) && !isOfVersion(root, GRAPH)) {
      throw unknownVersion(root);
    }
    TensorReader tensors = new TensorReader(file);
    Map<String, Map<OperandRole, Float>> scales = new LinkedHashMap<>();
    Model plain =
        isOfVersion(root, GRAPH)
            ? graph(file, root, tensors, scales)
            : chain(file, root, tensors, scales);
    Model model = plain.withOperandScales(new OperandScales(scales));
    Set<String> unused = new TreeSet<>(file.tensors().keySet());
    unused.removeAll(tensors.used());
    unused.removeAll(others);
    if (!unused.isEmpty()) {
      throw new WeightsFormatException(file.path(), "no layer uses the tensors " + unused);
    }
    return model;
  }

  private static Model chain(
      WeightsFile file,
      JsonNode root,
      TensorReader tensors,
      Map<String, Map<OperandRole, Float>> scales) {
    List<JsonNode> nodes = layers(root);
    requireHeap(file);
    Optional<Vocabulary> vocabulary = vocabulary(root);
    List<Layer> layers = new ArrayList<>();
    long values = 0;
    for (JsonNode node : nodes) {
      Layer layer = new LayerReader(node, "", tensors, scales).read();
      values = withValuesOf(layer, values);
      layers.add(layer);
    }
    return vocabulary.isPresent() ? new Model(layers, vocabulary.get()) : new Model(layers);
  }

  private static Model graph(
      WeightsFile file,
      JsonNode root,
      TensorReader tensors,
      Map<String, Map<OperandRole, Float>> scales) {
    requireHeap(file);
    return new Model(GraphFormat.read(root, tensors, scales));
  }

  /**
   * {@code before} and what a layer gives of which no tensor of the file says how often: an
   * operation, and what is done at positions.
   *
   * @throws IllegalArgumentException if that is more than a network may have
   */
  static long withValuesOf(Layer layer, long before) {
    boolean unpaid =
        switch (layer) {
          case Operation _, Positions _, AtPositions _ -> true;
          default -> false;
        };
    long values = before + (unpaid ? layer.outputs() : 0);
    if (values > Graph.MAX_VALUES) {
      throw new IllegalArgumentException(
          "the operations and positions up to layer %s give more than %d values"
              .formatted(layer.name(), Graph.MAX_VALUES));
    }
    return values;
  }

  /** To find out in the middle that weights do not fit helps nobody. */
  private static void requireHeap(WeightsFile file) {
    long bytes = 0;
    Tensor largest = null;
    for (Tensor tensor : file.tensors().values()) {
      int held =
          switch (tensor.type()) {
            case I8 -> Byte.BYTES;
            case BF16 -> Short.BYTES;
            default -> Float.BYTES;
          };
      bytes += held * tensor.elements();
      largest = largest == null || tensor.elements() > largest.elements() ? tensor : largest;
    }
    long most = Runtime.getRuntime().maxMemory();
    if (largest != null && bytes > most) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "its tensors take %d MiB of memory (the largest is %s), the JVM's heap is limited to %d"
                  + " MiB; start it with -Xmx and more",
              bytes >> 20,
              largest,
              most >> 20));
    }
  }

  /**
   * The text that {@link #read(WeightsFile, String, Set)} reads.
   *
   * @throws IllegalArgumentException if it is too long to be read again
   */
  public static String write(Model model) {
    ObjectNode root = new ObjectNode();
    if (model.hasNamedValues()) {
      root.put("version", GRAPH);
      GraphFormat.describe(model, root);
    } else {
      root.put("version", CHAIN);
      model.vocabulary().ifPresent(v -> root.put("vocabulary", v.characters()));
      ArrayNode layers = root.putArray("layers");
      for (Layer layer : model.layers()) {
        describe(model, layer, layers.addObject());
      }
    }
    String text = root.toString();
    if (text.length() > MAX_CHARACTERS) {
      throw new IllegalArgumentException(
          "the network's description takes %d characters; a file may have %d"
              .formatted(text.length(), MAX_CHARACTERS));
    }
    return text;
  }

  /** A layer with the scales of its operands. */
  static void describe(Model model, Layer layer, ObjectNode node) {
    LayerFormats.of(layer).describe(layer, node);
    ScalesFormat.describe(layer, "", model.operandScales(), node);
  }
}
