package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import java.util.Map;

/** A graph as a model that can be run on the graph's own tensors. */
sealed interface RunnableNetwork permits OnnxNetwork, GraphNetwork {
  /** The network. */
  Model model();

  /**
   * Largest magnitude of the states that the graph begins with, constants and values of its inputs;
   * 0 if it begins with zeros.
   */
  float largestStart();

  /** Sizes of the graph's outputs by name. */
  Map<String, long[]> shapes();

  /**
   * Runs it on the values of the graph's inputs, from the states that the graph says.
   *
   * @return the graph's outputs by name, row-major; what they take must fit into memory
   * @throws UnsupportedOnnxException if an output cannot be put together
   * @throws OnnxFormatException if a value is missing, or has a wrong shape or type
   */
  Map<String, float[]> run(Plan plan);

  /**
   * Reads a graph: a chain of layers as such, and what is none as a graph of layers.
   *
   * @param kept inputs that become states, and the outputs that replace them
   * @throws UnsupportedOnnxException if it is neither; says why of both
   * @throws OnnxFormatException if something does not fit
   */
  static RunnableNetwork read(Graph graph, Map<String, String> kept) {
    try {
      return GraphChain.read(graph);
    } catch (UnsupportedOnnxException chain) {
      try {
        return GraphReader.read(graph, kept);
      } catch (UnsupportedOnnxException e) {
        throw chain.andNot(graph.file(), e);
      }
    } catch (OnnxFormatException chain) {
      // What fits no chain may fit a graph, such as an operand for each row of a matrix.
      try {
        return GraphReader.read(graph, kept);
      } catch (UnsupportedOnnxException | OnnxFormatException e) {
        throw chain;
      }
    }
  }
}
