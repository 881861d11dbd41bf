package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Activation;
import java.util.List;

/** Nodes that are a function of each value alone. */
final class ElementwiseNode {
  static final List<String> OPERATORS =
      List.of(
          "Sigmoid",
          "Tanh",
          "Relu",
          "HardSigmoid",
          "LeakyRelu",
          "Elu",
          "Softsign",
          "ThresholdedRelu",
          "Clip");

  private ElementwiseNode() {}

  /**
   * The function of {@code node}.
   *
   * @throws UnsupportedOnnxException if a bound of a Clip is computed
   */
  static Activation.Elementwise read(GraphNode node, Graph graph) {
    try {
      return switch (node.operator()) {
        case "Sigmoid" -> plain(node, Activation.SIGMOID);
        case "Tanh" -> plain(node, Activation.TANH);
        case "Relu" -> plain(node, Activation.RELU);
        case "Softsign" -> plain(node, Activation.SOFTSIGN);
        case "LeakyRelu" -> OnnxActivations.leakyRelu(alpha(node, 0.01f));
        case "ThresholdedRelu" -> OnnxActivations.thresholdedRelu(alpha(node, 1));
        case "Elu" -> OnnxActivations.elu(alpha(node, 1));
        case "HardSigmoid" -> {
          node.requireAttributes("alpha", "beta");
          yield Activation.hardSigmoid(node.number("alpha", 0.2f), node.number("beta", 0.5f));
        }
        default -> clip(node, graph);
      };
    } catch (IllegalArgumentException e) {
      throw node.malformed(String.valueOf(e.getMessage()));
    }
  }

  private static Activation.Elementwise plain(GraphNode node, Activation.Elementwise function) {
    node.requireAttributes();
    return function;
  }

  private static float alpha(GraphNode node, float otherwise) {
    node.requireAttributes("alpha");
    return node.number("alpha", otherwise);
  }

  /** Bounds are attributes before operator set 11, and inputs from then on. */
  private static Activation.Elementwise clip(GraphNode node, Graph graph) {
    node.requireAttributes("min", "max");
    float min = node.number("min", bound(node, graph, 1, -Float.MAX_VALUE));
    float max = node.number("max", bound(node, graph, 2, Float.MAX_VALUE));
    return Activation.LINEAR.then(Activation.Function.CLAMP, min, max);
  }

  private static float bound(GraphNode node, Graph graph, int input, float otherwise) {
    String name = node.input(input);
    if (name.isEmpty()) {
      return otherwise;
    }
    OnnxTensor bound =
        graph
            .constant(node, name)
            .orElseThrow(() ->
                node.unsupported(
                    "its bound \"%s\" is computed; supported are constants".formatted(name)));
    if (bound.size() != 1) {
      throw node.malformed("its bound is %s, expected one value".formatted(bound));
    }
    return Math.clamp(bound.floats()[0], -Float.MAX_VALUE, Float.MAX_VALUE);
  }
}
