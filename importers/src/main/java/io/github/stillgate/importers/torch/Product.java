package io.github.stillgate.importers.torch;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Matrix;
import java.util.Arrays;
import java.util.Optional;

/**
 * A dense layer in the making, {@code activation(W x + b)}: what is folded into it changes W and b
 * in float64, and they are rounded once.
 *
 * <p>Immutable.
 */
final class Product {
  /** The widest matrix that is made where a file has none, so that a file's few bytes make few. */
  private static final int WIDEST = 8192;

  private final String name;
  private final int inputs;
  private final Optional<Parameter> stored;
  private final double[] w;
  private final double[] b;
  private final Activation activation;

  /**
   * A product whose arrays nobody else changes.
   *
   * @param stored W, if nothing was folded into it yet; {@code w} is empty then
   * @param w outputs x inputs, row-major
   */
  private Product(
      String name,
      int inputs,
      Optional<Parameter> stored,
      double[] w,
      double[] b,
      Activation activation) {
    this.name = name;
    this.inputs = inputs;
    this.stored = stored;
    this.w = w;
    this.b = b;
    this.activation = activation;
  }

  /** The product with a matrix, or a convolution of one step, and a bias. */
  static Product of(String name, Parameter w, double[] b, Activation activation) {
    return new Product(name, w.columns(), Optional.of(w), new double[0], b, activation);
  }

  /**
   * What a batch norm is alone: a diagonal matrix, whose sums have one term each.
   *
   * @throws IllegalArgumentException if it is too wide for that
   */
  static Product diagonal(BatchNorm norm) {
    double[] w = diagonal(norm.name(), norm.scale());
    return new Product(
        norm.name(), norm.width(), Optional.empty(), w, norm.shift(), Activation.LINEAR);
  }

  /**
   * What an activation is alone: the identity, which is exact, and the activation.
   *
   * @throws IllegalArgumentException if it is too wide for that
   */
  static Product identity(String name, int width, Activation activation) {
    double[] ones = new double[width];
    Arrays.fill(ones, 1);
    return new Product(
        name, width, Optional.empty(), diagonal(name, ones), new double[width], activation);
  }

  private static double[] diagonal(String name, double[] values) {
    int width = values.length;
    if (width > WIDEST) {
      throw new IllegalArgumentException(
          "%s is beside no dense layer and would need a matrix of %d x %d; at most %d are supported"
              .formatted(name, width, width, WIDEST));
    }
    double[] w = new double[width * width];
    for (int i = 0; i < width; i++) {
      w[i * width + i] = values[i];
    }
    return w;
  }

  String name() {
    return name;
  }

  int inputs() {
    return inputs;
  }

  int outputs() {
    return b.length;
  }

  boolean isLinear() {
    return activation.equals(Activation.LINEAR);
  }

  /** Whether {@link #then(Activation)} can take {@code next}. */
  boolean takes(Activation next) {
    return isLinear()
        || activation instanceof Activation.Elementwise mine
            && next instanceof Activation.Elementwise its
            && mine.steps().size() + its.steps().size() <= Activation.Elementwise.MAX_STEPS;
  }

  /** This, and then an activation it {@link #takes}. */
  Product then(Activation next) {
    Activation both =
        isLinear()
            ? next
            : ((Activation.Elementwise) activation).then((Activation.Elementwise) next);
    return new Product(name, inputs, stored, w, b, both);
  }

  private double[] exact() {
    return stored.map(Parameter::toDoubles).orElseGet(w::clone);
  }

  /** This, which is linear, and then a norm of its outputs: {@code k (W x + b) + s}. */
  Product then(BatchNorm norm) {
    double[] folded = exact();
    double[] bias = b.clone();
    for (int row = 0; row < bias.length; row++) {
      for (int column = 0; column < inputs; column++) {
        folded[row * inputs + column] *= norm.scale()[row];
      }
      bias[row] = norm.scale()[row] * bias[row] + norm.shift()[row];
    }
    return new Product(name, inputs, Optional.empty(), folded, bias, activation);
  }

  /** A norm of its inputs, and then this: {@code W (k x + s) + b}. */
  Product behind(BatchNorm norm) {
    double[] folded = exact();
    double[] bias = b.clone();
    for (int row = 0; row < bias.length; row++) {
      for (int column = 0; column < inputs; column++) {
        int i = row * inputs + column;
        bias[row] += folded[i] * norm.shift()[column];
        folded[i] *= norm.scale()[column];
      }
    }
    return new Product(name, inputs, Optional.empty(), folded, bias, activation);
  }

  /**
   * The layer.
   *
   * @throws IllegalArgumentException if a weight is beyond float32 or not finite
   */
  Dense layer() {
    String weights = name + ".weight";
    String bias = name + ".bias";
    Matrix matrix =
        stored
            .map(Parameter::toMatrix)
            .orElseGet(() -> Matrix.of(weights, outputs(), inputs, Parameter.rounded(weights, w)));
    return new Dense(name, matrix, Matrix.vector(bias, Parameter.rounded(bias, b)), activation);
  }
}
