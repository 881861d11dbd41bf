package io.github.stillgate.core.model;

import io.github.stillgate.core.model.format.Fingerprint;
import io.github.stillgate.core.model.format.FormerFingerprint;
import io.github.stillgate.core.model.format.NetworkDescription;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * A network: layers in the order data passes them. Most are a chain, in which each layer reads the
 * one before; others are a {@link Graph} over named values.
 *
 * <p>Immutable; any thread may use it. It holds its own copy of the weights, so the file it came
 * from may be closed.
 */
public final class Model {
  /** The most layers a model may have. */
  public static final int MAX_LAYERS = 4096;

  private final int inputs;
  private final Optional<Vocabulary> vocabulary;
  private final List<Layer> layers;

  /** What it was made of, if a list of layers does not say as much. */
  private final Optional<Graph> graph;

  private final OperandScales operandScales;
  private final long fingerprint;

  /**
   * A network that reads vectors.
   *
   * @throws IllegalArgumentException if there is no layer, more than {@link #MAX_LAYERS}, two share
   *     a name or a tensor's name, or widths do not fit
   */
  public Model(List<Layer> layers) {
    this(layers, Optional.empty(), Optional.empty());
  }

  /**
   * A network over named values. If {@link Graph#isChain} it is the chain of these layers, which
   * keeps the names of its input and its output.
   *
   * @throws IllegalArgumentException if two layers share a tensor's name, a layer cannot run step
   *     by step, an {@link Embedding} reads something else than an input, or a state has a name
   *     that a layer's state may have
   */
  public Model(Graph graph) {
    this(
        graph.layers(),
        Optional.empty(),
        graph.isUnnamedChain() ? Optional.empty() : Optional.of(graph));
  }

  /**
   * A network that reads tokens of {@code vocabulary}, or vectors as wide as it.
   *
   * @throws IllegalArgumentException if there is no layer, more than {@link #MAX_LAYERS}, two share
   *     a name or a tensor's name, or widths do not fit
   */
  public Model(List<Layer> layers, Vocabulary vocabulary) {
    this(layers, Optional.of(vocabulary), Optional.empty());
  }

  private Model(List<Layer> layers, Optional<Vocabulary> vocabulary, Optional<Graph> graph) {
    this.layers = List.copyOf(layers);
    this.vocabulary = vocabulary;
    this.graph = graph;
    requireLayers(layers.size());
    if (isChain()) {
      this.inputs = layers.get(0).inputs();
      requireChain(this.layers, vocabulary);
    } else {
      Graph whole = graph.orElseThrow();
      this.inputs = whole.inputs().getFirst().width();
      requireStepByStep(whole);
    }
    for (Layer layer : this.layers) {
      if ((layer.name() + ".").startsWith(ProofVectors.PREFIX)) {
        throw new IllegalArgumentException(
            "layer %s: this name is taken by the proof a weights file may carry"
                .formatted(layer.name()));
      }
    }
    requireNamesOfTheirOwn(this.layers);
    graph.ifPresent(Model::requireStatesOfTheirOwn);
    this.operandScales = OperandScales.NONE;
    this.fingerprint =
        isChain() ? Fingerprint.of(this.layers) : Fingerprint.of(graph.orElseThrow());
  }

  private static void requireChain(List<Layer> layers, Optional<Vocabulary> vocabulary) {
    int width = vocabulary.map(Vocabulary::size).orElse(layers.getFirst().inputs());
    String source = vocabulary.isPresent() ? "the vocabulary" : "the input";
    for (Layer layer : layers) {
      if (layer.inputWidths().size() != 1) {
        throw new IllegalArgumentException(
            "layer %s reads %d vectors, but in a list of layers each reads the one before; make a"
                    .formatted(layer.name(), layer.inputWidths().size())
                + " Graph of them");
      }
      if (layer.inputs() != width) {
        throw new IllegalArgumentException(
            "layer %s reads %d values, but %s gives %d"
                .formatted(layer.name(), layer.inputs(), source, width));
      }
      if (layer instanceof Embedding && layer != layers.get(0)) {
        throw new IllegalArgumentException(
            "layer %s is an embedding, which reads tokens and so stands first"
                .formatted(layer.name()));
      }
      width = layer.outputs();
      source = "layer " + layer.name();
    }
  }

  private static void requireStepByStep(Graph graph) {
    Set<String> inputs = new HashSet<>();
    graph.inputs().forEach(input -> inputs.add(input.name()));
    for (Graph.Node node : graph.nodes()) {
      String name = node.layer().name();
      if (node.layer() instanceof Bidirectional || node.layer() instanceof Backward) {
        throw new IllegalArgumentException(
            "layer %s reads its input from the end, but a graph runs step by step".formatted(name));
      }
      if (node.layer() instanceof Embedding && !inputs.containsAll(node.inputs())) {
        throw new IllegalArgumentException(
            "layer %s is an embedding, which reads tokens and so an input, not %s"
                .formatted(name, node.inputs().getFirst()));
      }
    }
  }

  /** What a layer keeps carries its name, a dot and a letter; sessions know all by their names. */
  private static void requireStatesOfTheirOwn(Graph graph) {
    for (Graph.State state : graph.states()) {
      for (Graph.Node node : graph.nodes()) {
        if (state.name().startsWith(node.layer().name() + ".")) {
          throw new IllegalArgumentException(
              "state %s could be one of layer %s, whose names begin so; rename it"
                  .formatted(state.name(), node.layer().name()));
        }
        if (node.layer().name().startsWith(state.name() + ".")) {
          throw new IllegalArgumentException(
              "layer %s could have a tensor of state %s, whose names begin so; rename it"
                  .formatted(node.layer().name(), state.name()));
        }
      }
      if ((state.name() + ".").startsWith(ProofVectors.PREFIX)) {
        throw new IllegalArgumentException(
            "state %s: this name is taken by the proof a weights file may carry"
                .formatted(state.name()));
      }
    }
  }

  private Model(Model other, OperandScales operandScales) {
    operandScales.requireWithin(other.layers);
    this.inputs = other.inputs;
    this.vocabulary = other.vocabulary;
    this.layers = other.layers;
    this.graph = other.graph;
    this.operandScales = operandScales;
    this.fingerprint = other.fingerprint;
  }

  private static void requireLayers(int layers) {
    if (layers == 0) {
      throw new IllegalArgumentException("a model needs at least one layer");
    }
    if (layers > MAX_LAYERS) {
      throw new IllegalArgumentException(
          "a model of %d layers; at most %d are taken".formatted(layers, MAX_LAYERS));
    }
  }

  /** A name may hold dots, so layers of different names may still have tensors of one name. */
  private static void requireNamesOfTheirOwn(List<Layer> layers) {
    Set<String> names = new HashSet<>();
    Map<String, Layer> owners = new HashMap<>();
    for (Layer layer : layers) {
      if (!names.add(layer.name())) {
        throw new IllegalArgumentException("two layers share a name: " + layer.name());
      }
      for (String field : layer.tensors().keySet()) {
        String tensor = layer.name() + "." + field;
        Layer other = owners.putIfAbsent(tensor, layer);
        if (other != null) {
          throw new IllegalArgumentException(
              "layers %s and %s both have a tensor named %s; rename one of them"
                  .formatted(other.name(), layer.name(), tensor));
        }
      }
    }
    for (Layer layer : layers) {
      switch (layer) {
        case Bidirectional pair -> requireStatesOfTheirOwn(pair, names);
        case Along along when along.layer() instanceof Bidirectional pair ->
            requireStatesOfTheirOwn(pair, names);
        case PerPosition positions -> requireStatesOfTheirOwn(positions, layers);
        default -> {}
      }
    }
  }

  /** The states of a position carry the layer's name, a dot and a number. */
  private static void requireStatesOfTheirOwn(PerPosition positions, List<Layer> layers) {
    for (Layer layer : layers) {
      if (layer.name().startsWith(positions.name() + ".")) {
        throw new IllegalArgumentException(
            "layer %s could be a position of %s, whose states' names begin so; rename it"
                .formatted(layer.name(), positions.name()));
      }
    }
  }

  /** A direction's state carries the pair's name, a dot and its own; so may another layer's. */
  private static void requireStatesOfTheirOwn(Bidirectional pair, Set<String> names) {
    for (Layer direction : List.of(pair.forward(), pair.backward())) {
      String name = pair.name() + "." + direction.name();
      if (!names.add(name)) {
        throw new IllegalArgumentException(
            "the states of a layer and of a direction of %s would share the name %s; rename one of"
                    .formatted(pair.name(), name)
                + " them");
      }
    }
  }

  /**
   * Reads the network a weights file describes; see {@code docs/format.md}.
   *
   * @throws WeightsFormatException if the description is missing or wrong, a tensor is missing,
   *     unused, of the wrong shape, or not finite
   */
  public static Model from(WeightsFile file) {
    return NetworkDescription.read(file, ProofVectors.parts(file));
  }

  /**
   * Reads the network that {@code description} makes of a file's tensors, whatever the file says
   * itself: the JSON of {@code docs/format.md}.
   *
   * @throws WeightsFormatException if the description is wrong, a tensor is missing, unused, of the
   *     wrong shape, or not finite
   */
  public static Model from(WeightsFile file, String description) {
    return NetworkDescription.read(file, description, ProofVectors.parts(file));
  }

  /** Whether {@code file} says that it holds a network, and is not just tensors. */
  public static boolean describedIn(WeightsFile file) {
    return file.metadata().containsKey(NetworkDescription.KEY);
  }

  /** Opens {@code path}, reads the network and closes the file. */
  public static Model load(Path path) throws IOException {
    try (WeightsFile file = WeightsFile.open(path)) {
      return from(file);
    }
  }

  /** Writes the network to {@code path} as float32, readable by {@link #load}. */
  public void save(Path path) throws IOException {
    save(path, DType.F32);
  }

  /**
   * Writes the network to {@code path}, weights stored as {@link DType#F32}, {@link DType#BF16} or
   * {@link DType#I8}. The others take a half or a quarter of the bytes, and round: what is loaded
   * again is another model. I8 is for matrices that plans multiply by rows; with them stands a
   * float32 scale for each row, and what is no such matrix is stored as F32. Layers that an int8
   * plan multiplies in int8 have the same bits in one of what is loaded again.
   *
   * @throws IllegalArgumentException if the type is another, or a weight leaves its range
   */
  public void save(Path path, DType type) throws IOException {
    save(path, type, Map.of());
  }

  /**
   * Like {@link #save(Path, DType)}, with more strings for the file's {@code __metadata__}, such as
   * a licence. {@code stillgate} among them is left out, since the network's own description stands
   * there; so is what tells of a proof the file will not carry.
   */
  public void save(Path path, DType type, Map<String, String> notes) throws IOException {
    writer(type, notes).write(path);
  }

  /** What {@link #save(Path, DType, Map)} writes, for those who add {@link ProofVectors}. */
  public WeightsWriter writer(DType type, Map<String, String> notes) {
    return writer(_ -> type, notes);
  }

  /**
   * The same with a type for each layer.
   *
   * @param types of the layers of this model
   */
  public WeightsWriter writer(Function<Layer, DType> types, Map<String, String> notes) {
    WeightsWriter writer = new WeightsWriter();
    for (Layer layer : layers) {
      DType type = types.apply(layer);
      layer
          .tensors()
          .forEach((field, m) -> {
            String name = layer.name() + "." + field;
            if (type == DType.I8 && Int8Tensors.has(layer, field)) {
              Int8Tensors.add(writer, name, m);
            } else {
              int[] shape = m.isVector() ? new int[] {m.rows()} : new int[] {m.rows(), m.columns()};
              writer.tensor(name, type == DType.I8 ? DType.F32 : type, m::copy, shape);
            }
          });
    }
    graph
        .map(Graph::states)
        .orElse(List.of())
        .forEach(state ->
            state
                .tensors()
                .forEach((field, m) ->
                    writer.tensor(state.name() + "." + field, DType.F32, m::copy, m.rows())));
    writer.metadata(NetworkDescription.KEY, NetworkDescription.write(this));
    notes.forEach((key, value) -> {
      if (!key.equals(NetworkDescription.KEY) && !ProofVectors.isNote(key)) {
        writer.metadata(key, value);
      }
    });
    return writer;
  }

  /** Width of the input; of the first input of a graph. */
  public int inputs() {
    return inputs;
  }

  /** Width of the output; of the first output of a graph. */
  public int outputs() {
    return graph
        .map(g -> g.width(g.outputs().getFirst()))
        .orElseGet(() -> layers.getLast().outputs());
  }

  /**
   * Its values by their names. Those of a network that was made of a list of layers are {@code
   * input} and what each layer gives.
   */
  public Graph graph() {
    return graph.orElseGet(() -> Graph.ofChain(layers));
  }

  /** Whether each layer reads the one before, and nothing else is read or given. */
  public boolean isChain() {
    return graph.map(Graph::isChain).orElse(true);
  }

  /** Whether {@link #graph} says more than {@link #layers} do, so that files have to keep it. */
  public boolean hasNamedValues() {
    return graph.isPresent();
  }

  /** Whether a step reads one vector and gives one. */
  public boolean hasOneInputAndOutput() {
    return graph.map(g -> g.inputs().size() == 1 && g.outputs().size() == 1).orElse(true);
  }

  /** The characters its tokens stand for, if it reads tokens. */
  public Optional<Vocabulary> vocabulary() {
    return vocabulary;
  }

  /**
   * Whether it reads tokens: it is a chain that has a vocabulary or begins with an {@link
   * Embedding}. In a graph that is no chain an embedding reads a vector of weights over tokens.
   */
  public boolean readsTokens() {
    return vocabulary.isPresent() || isChain() && layers.get(0) instanceof Embedding;
  }

  /** The layers, each behind those it reads. */
  public List<Layer> layers() {
    return layers;
  }

  /** Scales of what the layers multiply in int8, as they were found on data. */
  public OperandScales operandScales() {
    return operandScales;
  }

  /**
   * This network with other scales; those it had are gone.
   *
   * @throws IllegalArgumentException if there is one of a layer or an operand that it does not have
   */
  public Model withOperandScales(OperandScales scales) {
    return new Model(this, scales);
  }

  /** Number of weights and biases. */
  public long parameters() {
    return layers.stream()
        .flatMap(layer -> layer.tensors().values().stream())
        .mapToLong(m -> (long) m.rows() * m.columns())
        .sum();
  }

  /**
   * 64 bits that tell models apart: of the layers' kinds, shapes and every weight's bits, but not
   * of their names, of the vocabulary, of {@link OperandScales}, or of a {@link GateEstimate}. They
   * hang on the words and numbers of {@code docs/format.md} alone and stay what they are in later
   * versions.
   */
  public long fingerprint() {
    return fingerprint;
  }

  /**
   * The 64 bits that earlier versions gave as {@link #fingerprint}, and that snapshots of version 1
   * carry. Computed when asked for, which reads all weights.
   */
  public long formerFingerprint() {
    return FormerFingerprint.of(layers);
  }
}
