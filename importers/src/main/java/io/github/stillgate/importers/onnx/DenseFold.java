package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Matrix;
import java.util.ArrayList;
import java.util.List;

/**
 * A dense layer in the making: what follows a product in the graph becomes its bias and its
 * activation.
 */
final class DenseFold {
  /** Functions of one layer, each of which costs every step time. */
  static final int MOST_STEPS = Activation.Elementwise.MAX_STEPS;

  private final GraphNode node;
  private final int inputs;
  private final float[] w;
  private final float[] b;
  private final List<Activation.Step> steps = new ArrayList<>();
  private boolean softmax;

  /**
   * A product.
   *
   * @param node what it is called after
   * @param w outputs x inputs, row-major
   * @param b one value for each output; both arrays are its own from now on
   */
  DenseFold(GraphNode node, int inputs, float[] w, float[] b) {
    this.node = node;
    this.inputs = inputs;
    this.w = w;
    this.b = b;
  }

  /** The product with the identity, which is exact. */
  static DenseFold identity(GraphNode node, int width, Budget budget) {
    budget.take((long) width * width + width, node);
    float[] identity = new float[Math.multiplyExact(width, width)];
    for (int i = 0; i < width; i++) {
      identity[i * width + i] = 1;
    }
    return new DenseFold(node, width, identity, new float[width]);
  }

  /** Whether no function stands behind the sums yet. */
  boolean isLinear() {
    return steps.isEmpty() && !softmax;
  }

  /** Whether another function of each value fits behind. */
  boolean isElementwise() {
    return !softmax;
  }

  /** Multiplies each sum by a factor and adds a number. */
  void scale(Affine affine) {
    for (int i = 0; i < b.length; i++) {
      double scale = affine.scale()[i];
      if (scale != 1) {
        for (int k = 0; k < inputs; k++) {
          w[i * inputs + k] = (float) (scale * w[i * inputs + k]);
        }
      }
      b[i] = (float) (scale * b[i] + affine.shift()[i]);
    }
  }

  void apply(Activation.Elementwise function, GraphNode from) {
    steps.addAll(function.steps());
    if (steps.size() > MOST_STEPS) {
      throw from.unsupported(
          "with it %d functions follow each other behind %s; supported are %d"
              .formatted(steps.size(), node, MOST_STEPS));
    }
  }

  void applySoftmax() {
    softmax = true;
  }

  Dense layer() {
    try {
      return new Dense(
          node.name(),
          Matrix.of(node.name() + ".W", b.length, inputs, w),
          Matrix.vector(node.name() + ".b", b),
          softmax ? Activation.SOFTMAX : new Activation.Elementwise(steps));
    } catch (IllegalArgumentException e) {
      throw node.malformed(String.valueOf(e.getMessage()));
    }
  }
}
