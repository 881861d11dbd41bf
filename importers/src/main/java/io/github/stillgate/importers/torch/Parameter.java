package io.github.stillgate.importers.torch;

import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.Tensor;
import java.util.Arrays;

/** One parameter of a module, as PyTorch computes with it. */
sealed interface Parameter {
  /** The name it has, or would have without a parametrization. */
  String name();

  /** Its extents, the outermost first; not to be changed. */
  long[] shape();

  /** Its values in float64, none of them rounded. */
  double[] toDoubles();

  /**
   * Its values in float32, rounded at most once.
   *
   * @throws IllegalArgumentException if one is beyond float32
   */
  float[] toFloats();

  /** It as a matrix of that many rows and columns; as few bytes as the file has for it. */
  Matrix toMatrix();

  /** Rows of a matrix, or of a convolution with a kernel of one step. */
  default int rows() {
    return Math.toIntExact(shape()[0]);
  }

  /** Columns of a matrix, or of a convolution with a kernel of one step. */
  default int columns() {
    return Math.toIntExact(shape()[1]);
  }

  /**
   * A tensor of the file.
   *
   * @param name its own, or another for the same weights
   * @param tensor where they are
   */
  record Stored(String name, Tensor tensor) implements Parameter {
    @Override
    public long[] shape() {
      return tensor.shape();
    }

    @Override
    public double[] toDoubles() {
      return tensor.toDoubles();
    }

    @Override
    public float[] toFloats() {
      return tensor.type() == DType.F64 ? rounded(name, tensor.toDoubles()) : tensor.toFloats();
    }

    @Override
    public Matrix toMatrix() {
      return tensor.type() == DType.F64 || tensor.shape().length != 2
          ? Matrix.of(name, rows(), columns(), toFloats())
          : Matrix.of(tensor);
    }
  }

  /**
   * What a parametrization makes of several tensors.
   *
   * @param name what the module calls it
   * @param shape its extents
   * @param values row-major, unrounded
   */
  record Computed(String name, long[] shape, double[] values) implements Parameter {
    @Override
    public double[] toDoubles() {
      return values;
    }

    @Override
    public float[] toFloats() {
      return rounded(name, values);
    }

    @Override
    public Matrix toMatrix() {
      return Matrix.of(name, rows(), columns(), toFloats());
    }

    /** Equal name, shape and values. */
    @Override
    public boolean equals(Object other) {
      return other instanceof Computed c
          && name.equals(c.name)
          && Arrays.equals(shape, c.shape)
          && Arrays.equals(values, c.values);
    }

    @Override
    public int hashCode() {
      return 31 * name.hashCode() + Arrays.hashCode(values);
    }

    @Override
    public String toString() {
      return name + " " + Arrays.toString(shape);
    }
  }

  /**
   * Values rounded to float32.
   *
   * @throws IllegalArgumentException if one is beyond float32, naming {@code name}
   */
  static float[] rounded(String name, double[] values) {
    float[] rounded = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      rounded[i] = (float) values[i];
      if (Float.isInfinite(rounded[i]) && Double.isFinite(values[i])) {
        throw new IllegalArgumentException(
            "%s: value %d is %s, beyond float32, in which weights are kept"
                .formatted(name, i, values[i]));
      }
    }
    return rounded;
  }
}
