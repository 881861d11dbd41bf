package io.github.stillgate.importers.onnx;

import java.util.Arrays;

/** Constant matrices and biases of the nodes that become dense layers: Gemm, MatMul and Add. */
final class DenseConstants {
  private final Graph graph;

  DenseConstants(Graph graph) {
    this.graph = graph;
  }

  /**
   * A constant matrix.
   *
   * @param name of the value
   * @param input what the standard calls it
   * @throws UnsupportedOnnxException if it is computed, or no matrix
   */
  OnnxTensor matrix(GraphNode node, String name, String input) {
    OnnxTensor tensor =
        graph
            .constant(node, name)
            .orElseThrow(() ->
                node.unsupported(
                    "%s (\"%s\") is computed; supported is a constant matrix"
                        .formatted(input, name)));
    if (tensor.shape().length != 2) {
      throw node.unsupported("%s is %s; supported is a matrix".formatted(input, tensor));
    }
    tensor.requireFloats();
    return tensor;
  }

  /** A matrix inputs x outputs turned over, unless it is stored so. */
  static float[] outputsFirst(OnnxTensor b, boolean turned, float scale) {
    float[] values = b.weights();
    int rows = b.shape()[0];
    int columns = b.shape()[1];
    float[] w = new float[values.length];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        float scaled = scale * values[row * columns + column];
        w[turned ? row * columns + column : column * rows + row] = scaled;
      }
    }
    return w;
  }

  /**
   * A constant bias, one value for all outputs or one for each, in the last dimension.
   *
   * @param name of the value
   * @param width outputs
   * @param rank most dimensions it may have
   * @throws UnsupportedOnnxException if it is no constant
   * @throws OnnxFormatException if it does not fit
   */
  float[] bias(GraphNode node, String name, int width, int rank) {
    return operand(node, name, width, rank, 1);
  }

  /**
   * A constant operand, one value for all values of a step or one for each.
   *
   * @param name of the value
   * @param width values of a step
   * @param rank most dimensions it may have
   * @param fromEnd the dimension that the values of a step are in, 1 for the last
   * @throws UnsupportedOnnxException if it is no constant
   * @throws OnnxFormatException if it does not fit
   */
  float[] operand(GraphNode node, String name, int width, int rank, int fromEnd) {
    String what =
        node.operator().equals("Add") || fromEnd == 1 && node.operator().equals("Gemm")
            ? "bias"
            : "operand";
    OnnxTensor tensor =
        graph
            .constant(node, name)
            .orElseThrow(() ->
                node.unsupported(
                    "its %s (\"%s\") is %s; supported are constants"
                        .formatted(
                            what,
                            name,
                            graph.isGiven(name) ? "an input of the graph" : "computed")));
    int[] shape = tensor.shape();
    boolean one = tensor.size() == 1;
    int at = shape.length - fromEnd;
    if (shape.length > rank || (!one && (tensor.size() != width || at < 0 || shape[at] != width))) {
      String problem =
          "its %s is %s, expected one value or %d in the %s of at most %d dimensions"
              .formatted(
                  what, tensor, width, fromEnd == 1 ? "last" : fromEnd + ". from the end", rank);
      throw graph.isGiven(name) ? node.unsupported(problem) : node.malformed(problem);
    }
    float[] values = tensor.weights();
    if (!one) {
      return values;
    }
    float[] same = new float[width];
    Arrays.fill(same, values[0]);
    return same;
  }
}
