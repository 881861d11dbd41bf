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
   * A constant bias, one value for all outputs or one for each.
   *
   * @param name of the value
   * @param width outputs
   * @param rank most dimensions it may have
   * @throws UnsupportedOnnxException if it is no constant
   * @throws OnnxFormatException if it does not fit
   */
  float[] bias(GraphNode node, String name, int width, int rank) {
    OnnxTensor tensor =
        graph
            .constant(node, name)
            .orElseThrow(() ->
                node.unsupported(
                    "its bias (\"%s\") is %s; supported are constants"
                        .formatted(
                            name, graph.isGiven(name) ? "an input of the graph" : "computed")));
    int[] shape = tensor.shape();
    boolean one = tensor.size() == 1;
    if (shape.length > rank
        || (!one && (tensor.size() != width || shape[shape.length - 1] != width))) {
      String problem =
          "its bias is %s, expected one value or %d in the last of at most %d dimensions"
              .formatted(tensor, width, rank);
      throw graph.isGiven(name) ? node.unsupported(problem) : node.malformed(problem);
    }
    float[] values = tensor.weights();
    if (!one) {
      return values;
    }
    float[] bias = new float[width];
    Arrays.fill(bias, values[0]);
    return bias;
  }
}
