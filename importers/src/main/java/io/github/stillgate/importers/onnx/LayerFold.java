package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Elementwise;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.WeightedSum;

/**
 * A layer of a graph in the making: a scale, a shift and functions of each value that follow it
 * become part of it, as long as nobody else reads what it gives.
 */
sealed interface LayerFold {
  /** Passes over a layer's values that are worth more than another layer. */
  int MOST_STEPS = 8;

  /** Values it gives. */
  int outputs();

  /** The layer as it is now. */
  Layer layer(String name);

  /** Takes in a function of each value; false if it cannot. */
  boolean apply(Activation.Elementwise function);

  /** Number of scales it may have: value i has number {@code i mod rows}. */
  int rows();

  /** Takes in a scale and a shift for each of its rows; false if it cannot. */
  boolean scale(double[] scale, double[] shift);

  /** Functions of each value, one after the other. */
  final class Functions {
    private Activation.Elementwise all;

    Functions(Activation.Elementwise first) {
      this.all = first;
    }

    boolean add(Activation.Elementwise function) {
      if (all.steps().size() + function.steps().size() > MOST_STEPS) {
        return false;
      }
      all = all.then(function);
      return true;
    }

    boolean isEmpty() {
      return all.steps().isEmpty();
    }
  }

  /** Rows of weights over one or more slices of what is read. */
  final class Product implements LayerFold {
    private final int positions;
    private final int groups;
    private final int columns;
    private final float[] w;
    private final float[] b;
    private final Functions functions = new Functions(Activation.LINEAR);

    /**
     * A product.
     *
     * @param positions slices
     * @param groups parts of a slice
     * @param columns values of a part
     * @param w rows x columns, its own from now on
     * @param b a value for each row, its own from now on
     */
    Product(int positions, int groups, int columns, float[] w, float[] b) {
      this.positions = positions;
      this.groups = groups;
      this.columns = columns;
      this.w = w;
      this.b = b;
    }

    @Override
    public int outputs() {
      return positions * b.length;
    }

    @Override
    public Layer layer(String name) {
      Matrix weights = Matrix.of(name + ".W", b.length, columns, w);
      Matrix bias = Matrix.vector(name + ".b", b);
      return positions == 1 && groups == 1
          ? new Dense(name, weights, bias, functions.all)
          : new Positions(name, positions, groups, weights, bias, functions.all);
    }

    @Override
    public boolean apply(Activation.Elementwise function) {
      return functions.add(function);
    }

    @Override
    public int rows() {
      return b.length;
    }

    @Override
    public boolean scale(double[] scale, double[] shift) {
      if (!functions.isEmpty()) {
        return false;
      }
      for (int row = 0; row < b.length; row++) {
        for (int i = row * columns; scale[row] != 1 && i < (row + 1) * columns; i++) {
          w[i] = (float) (scale[row] * w[i]);
        }
        b[row] = (float) (scale[row] * b[row] + shift[row]);
      }
      return true;
    }
  }

  /** Weighted vectors added up. */
  final class Sum implements LayerFold {
    private final int width;
    private final float[] w;
    private final float[] b;
    private final Functions functions = new Functions(Activation.LINEAR);

    /**
     * A sum.
     *
     * @param width values of each vector
     * @param w vectors x channels, its own from now on
     * @param b a value for each channel, its own from now on
     */
    Sum(int width, float[] w, float[] b) {
      this.width = width;
      this.w = w;
      this.b = b;
    }

    @Override
    public int outputs() {
      return width;
    }

    @Override
    public Layer layer(String name) {
      return new WeightedSum(
          name,
          width,
          Matrix.of(name + ".W", w.length / b.length, b.length, w),
          Matrix.vector(name + ".b", b),
          functions.all);
    }

    @Override
    public boolean apply(Activation.Elementwise function) {
      return functions.add(function);
    }

    @Override
    public int rows() {
      return b.length;
    }

    @Override
    public boolean scale(double[] scale, double[] shift) {
      if (!functions.isEmpty()) {
        return false;
      }
      for (int i = 0; i < w.length; i++) {
        w[i] = (float) (scale[i % b.length] * w[i]);
      }
      for (int i = 0; i < b.length; i++) {
        b[i] = (float) (scale[i] * b[i] + shift[i]);
      }
      return true;
    }
  }

  /** A function of each value. */
  final class Function implements LayerFold {
    private final int width;
    private final Functions functions;

    /** A function of {@code width} values. */
    Function(int width, Activation.Elementwise function) {
      this.width = width;
      this.functions = new Functions(function);
    }

    @Override
    public int outputs() {
      return width;
    }

    @Override
    public Layer layer(String name) {
      return new Elementwise(name, width, functions.all);
    }

    @Override
    public boolean apply(Activation.Elementwise function) {
      return functions.add(function);
    }

    @Override
    public int rows() {
      return 1;
    }

    @Override
    public boolean scale(double[] scale, double[] shift) {
      return functions.add(
          Activation.LINEAR.then(Activation.Function.AFFINE, (float) scale[0], (float) shift[0]));
    }
  }
}
