package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Model;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/**
 * An ONNX file, read and parsed: GRU, LSTM and RNN nodes out of any graph, or a whole graph that is
 * a chain of layers; {@code docs/onnx.md} lists what is supported. Immutable.
 *
 * <p>A model runs one sequence. The batch of a graph is as many sequences, and sequence_lens is
 * where a caller ends each of them.
 */
public final class OnnxFile {
  private final Graph graph;

  /**
   * A node.
   *
   * @param name its name, or the operator and its position in the file if it has none
   * @param operator such as GRU, with the domain if it is not ONNX's own
   */
  public record Node(String name, String operator) {}

  /** At which step the output of a model is what the graph gives. */
  public enum Answer {
    /** At every step. */
    EVERY_STEP,
    /** At the last: the graph goes on from the last state (Y_h) of a layer. */
    LAST_STEP,
    /** At the first: it does so with a layer that reads from the end. */
    FIRST_STEP
  }

  private OnnxFile(Graph graph) {
    this.graph = graph;
  }

  /**
   * Reads a file.
   *
   * @throws NoSuchFileException if there is none
   * @throws OnnxFormatException if it is truncated or no ONNX model
   */
  public static OnnxFile open(Path path) throws IOException {
    return new OnnxFile(Graph.open(path));
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
    return nodes().stream().filter(node -> RecurrentNode.isRecurrent(node.operator())).toList();
  }

  /**
   * The layers from the graph's input to its output, named after their nodes; further outputs may
   * only be last states, which sessions and sequences give ({@code state(name)}). Its output is the
   * graph's at the steps that {@link #answer} says. Values the graph takes as initial_h and
   * initial_c are states to set.
   *
   * @throws UnsupportedOnnxException if the graph is no chain of supported nodes, or begins with a
   *     constant state other than zero
   * @throws OnnxFormatException if weights or shapes do not fit
   */
  public Model model() {
    OnnxNetwork network = GraphChain.read(graph);
    network.recurrent().forEach(RecurrentNode::requireNoConstantState);
    return network.model();
  }

  /**
   * Where the output of {@link #model} is that of the graph.
   *
   * @throws UnsupportedOnnxException as {@link #model} does
   * @throws OnnxFormatException as {@link #model} does
   */
  public Answer answer() {
    return GraphChain.read(graph).answer();
  }

  /**
   * One recurrent node as a model of one layer of the same name, whatever else the graph does.
   *
   * @throws IllegalArgumentException if no recurrent node has this name
   * @throws UnsupportedOnnxException if its weights are not constants, an activation is not
   *     supported, or it begins with a constant state other than zero
   * @throws OnnxFormatException if weights or attributes do not fit
   */
  public Model recurrent(String name) {
    GraphNode node =
        graph.nodes().stream()
            .filter(n -> n.name().equals(name) && RecurrentNode.isRecurrent(n.operator()))
            .findFirst()
            .orElseThrow(() ->
                new IllegalArgumentException(
                    "%s: no recurrent node is named \"%s\"; it has %s"
                        .formatted(path(), name, recurrentNodes())));
    RecurrentNode recurrent = RecurrentNode.read(node, graph);
    recurrent.requireNoConstantState();
    return new Model(List.of(recurrent.layer()));
  }

  Graph graph() {
    return graph;
  }
}
