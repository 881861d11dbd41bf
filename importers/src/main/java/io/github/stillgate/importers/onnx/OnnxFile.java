package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Model;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * An ONNX file, read and parsed: GRU, LSTM and RNN nodes out of any graph, or a whole graph that is
 * a chain of layers; {@code docs/onnx.md} lists what is supported. Immutable.
 *
 * <p>A model runs one sequence. The batch of a graph is as many sequences, and sequence_lens is
 * where a caller ends each of them.
 */
public final class OnnxFile {
  private final Graph graph;
  private final Map<String, String> states;

  /**
   * A node.
   *
   * @param name its name, or the operator and its position in the file if it has none
   * @param operator such as GRU, with the domain if it is not ONNX's own
   */
  public record Node(String name, String operator) {
    /** For messages. */
    @Override
    public String toString() {
      return "\"%s\" (%s)".formatted(name, operator);
    }
  }

  /** At which step the output of a model is what the graph gives. */
  public enum Answer {
    /** At every step. */
    EVERY_STEP,
    /** At the last: the graph goes on from the last state (Y_h) of a layer. */
    LAST_STEP,
    /** At the first: it does so with a layer that reads from the end. */
    FIRST_STEP
  }

  /**
   * An input that holds states, and the output that gives the same states back in the same places:
   * who runs the graph in pieces gives the one what the other gave before.
   */
  public record StatePair(String input, String output) {
    /** For messages. */
    @Override
    public String toString() {
      return "%s=%s".formatted(input, output);
    }
  }

  /**
   * A network and what became of the graph's parts.
   *
   * @param model the layers
   * @param answer at which of its steps the output is the graph's
   * @param accounts one for each input, output and state of the graph, each constant sequence_lens
   *     and each recurrent node that was not taken
   * @param pairs inputs of states and the outputs that give them back
   */
  public record Import(Model model, Answer answer, List<Account> accounts, List<StatePair> pairs) {
    /** Copies the lists. */
    public Import {
      accounts = List.copyOf(accounts);
      pairs = List.copyOf(pairs);
    }
  }

  private OnnxFile(Graph graph, Map<String, String> states) {
    this.graph = graph;
    this.states = states;
  }

  /**
   * Reads a file.
   *
   * @throws NoSuchFileException if there is none
   * @throws IOException if it is no regular file, is above 2 GiB or cannot be read
   * @throws OnnxFormatException if it is truncated or no ONNX model
   * @throws UnsupportedOnnxException if it has more nodes, parts, whole numbers or levels than are
   *     read, is for newer operators, or defines operators of ONNX itself
   */
  public static OnnxFile open(Path path) throws IOException {
    return new OnnxFile(Graph.open(path), Map.of());
  }

  /**
   * The same file where inputs of the graph are constants, such as a sample rate that decides which
   * branch of an If is taken.
   *
   * @param values by the name of the input: a number, or numbers with commas between them; one
   *     number stands for all elements of an input of known shape
   * @throws IllegalArgumentException if no input has this name, or the numbers do not fit it
   */
  public OnnxFile withInputs(Map<String, String> values) {
    Map<String, OnnxTensor> fixed = new LinkedHashMap<>();
    values.forEach((name, text) -> fixed.put(name, FixedInput.of(graph, name, text)));
    return new OnnxFile(graph.fix(fixed), states);
  }

  /**
   * The same file where some inputs of the graph are states: what an output gave in a step is what
   * the input holds in the next, zeros at first. The states of recurrent layers need not be said;
   * they are found, and so are others that the graph makes plain, by the names of input and output
   * or by how it moves values from the one to the other. A graph that is a chain of layers has no
   * others.
   *
   * @param pairs by the name of the input that of the output; an empty name for an input that stays
   *     one
   */
  public OnnxFile withStates(Map<String, String> pairs) {
    return new OnnxFile(graph, Map.copyOf(pairs));
  }

  /**
   * The same file where inputs of the graph have other sizes than it says or leaves open.
   *
   * @param shapes by the name of the input
   * @throws IllegalArgumentException if no input has this name, or a size is below 1
   */
  public OnnxFile withShapes(Map<String, List<Integer>> shapes) {
    Map<String, List<Extent>> all = new LinkedHashMap<>();
    shapes.forEach((name, sizes) -> {
      if (!graph.isInput(name)) {
        throw new IllegalArgumentException(
            OneLine.of(
                "%s: the graph has no input \"%s\"; it has %s"
                    .formatted(path(), name, graph.inputs())));
      }
      if (sizes.stream().anyMatch(size -> size < 1)) {
        throw new IllegalArgumentException(
            OneLine.of(
                "%s: the shape %s of \"%s\" has a size below 1; say how many values one call reads in each dimension"
                    .formatted(path(), sizes, name)));
      }
      all.put(name, sizes.stream().map(size -> Extent.of(size)).toList());
    });
    return new OnnxFile(graph.shaped(all), states);
  }

  /** Where it was read from. */
  public Path path() {
    return graph.file();
  }

  /** All nodes in the order of the file. */
  public List<Node> nodes() {
    return graph.nodes().stream().map(node -> new Node(node.name(), node.operator())).toList();
  }

  /** The GRU, LSTM and RNN nodes: what {@link #recurrent} takes. */
  public List<Node> recurrentNodes() {
    return nodes().stream().filter(node -> RecurrentOperator.isRecurrent(node.operator())).toList();
  }

  /**
   * The layers from the graph's input to its output, named after their nodes. Its output is the
   * graph's at the steps that {@link #answer} says. Further outputs may only be last states of
   * these nodes, which sessions and sequences give ({@code state(name)}); a graph that gives
   * nothing but last states ends with the last node that they belong to. Values the graph takes as
   * initial_h and initial_c are states to set.
   *
   * @throws UnsupportedOnnxException if the graph is no chain of supported nodes, gives an output
   *     that the chain would lose, begins its streams in different constant states, or ends
   *     sequences before their end
   * @throws OnnxFormatException if weights, states or shapes do not fit
   */
  public Model model() {
    return network().model();
  }

  /**
   * The same, and what became of every input, output and state of the graph.
   *
   * @throws UnsupportedOnnxException as {@link #model} does
   * @throws OnnxFormatException as {@link #model} does
   */
  public Import network() {
    return switch (RunnableNetwork.read(graph, states)) {
      case OnnxNetwork chain -> {
        chain.recurrent().forEach(RecurrentNode::requireOneConstantState);
        yield imported(chain.model(), chain.answer(), Accounting.of(chain));
      }
      case GraphNetwork read -> {
        read.recurrent().forEach(RecurrentNode::requireOneConstantState);
        yield imported(read.model(), read.answer(), Accounting.of(read));
      }
    };
  }

  /**
   * Where the output of {@link #model} is that of the graph.
   *
   * @throws UnsupportedOnnxException as {@link #model} does
   * @throws OnnxFormatException as {@link #model} does
   */
  public Answer answer() {
    return network().answer();
  }

  /**
   * One recurrent node as a model of one layer of the same name, whatever else the graph does.
   *
   * @throws IllegalArgumentException if no recurrent node has this name
   * @throws UnsupportedOnnxException if its weights are not constants, an activation is not
   *     supported, it begins its streams in different constant states, or constant lengths end
   *     sequences before their end
   * @throws OnnxFormatException if weights, states, lengths or attributes do not fit
   */
  public Model recurrent(String name) {
    return network(name).model();
  }

  /**
   * The same, and what became of every input and output of the graph.
   *
   * @throws IllegalArgumentException as {@link #recurrent} does
   * @throws UnsupportedOnnxException as {@link #recurrent} does
   * @throws OnnxFormatException as {@link #recurrent} does
   */
  public Import network(String name) {
    GraphNode node =
        graph.nodes().stream()
            .filter(n -> n.name().equals(name) && RecurrentOperator.isRecurrent(n.operator()))
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException(path() + ": " + noNode(name)));
    RecurrentNode recurrent =
        RecurrentNode.read(
            node,
            graph,
            new StartStates(graph, StatePlumbing.of(graph)),
            new Budget(graph.fileBytes()),
            Optional.empty());
    RecurrentNode.Data data = recurrent.requireData();
    recurrent.requireLengthsShape(recurrent.requireStateShapes(data.batch()));
    recurrent.requireOneConstantState();
    Model model;
    try {
      model = new Model(List.of(recurrent.layer()));
    } catch (IllegalArgumentException e) {
      throw new OnnxFormatException(path(), String.valueOf(e.getMessage()), e);
    }
    return imported(model, Answer.EVERY_STEP, Accounting.of(graph, recurrent, data.steps()));
  }

  private static Import imported(Model model, Answer answer, Accounting accounting) {
    List<Account> accounts = accounting.all();
    return new Import(model, answer, accounts, accounting.pairs());
  }

  private String noNode(String name) {
    List<Node> nodes = recurrentNodes();
    List<String> inner = graph.inner();
    String has = nodes.stream().map(Node::toString).collect(Collectors.joining(", "));
    String hidden =
        inner.isEmpty()
            ? ""
            : "; within If, Loop or Scan, of which none can be taken, are %s; those of an If can once the"
                    .formatted(String.join(", ", inner))
                + " graph's input that decides it is fixed (convert --set NAME=VALUE)";
    return OneLine.of(
        "no recurrent node is named \"%s\"; it has %s%s"
            .formatted(name, nodes.isEmpty() ? "no GRU, LSTM or RNN" : has, hidden));
  }

  /** The model in {@code bytes}, which were in {@code path}. */
  static OnnxFile parse(Path path, byte[] bytes) {
    return new OnnxFile(Graph.parse(path, bytes), Map.of());
  }

  Graph graph() {
    return graph;
  }
}
