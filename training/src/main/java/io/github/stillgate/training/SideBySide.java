package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import io.github.stillgate.core.model.Matrix;
import java.util.Arrays;

/** A trained (in, sum of outs) array, from which single (out, in) matrices are cut for export. */
final class SideBySide {
  private final float[] values;
  private final int in;
  private final int width;

  SideBySide(NDArray array) {
    long[] shape = array.getShape().getShape();
    this.values = array.toFloatArray();
    this.width = (int) shape[shape.length - 1];
    this.in = values.length / width;
  }

  /** Columns {@code from .. from + out}, transposed. */
  Matrix matrix(String name, int from, int out) {
    float[] matrix = new float[out * in];
    for (int row = 0; row < out; row++) {
      for (int column = 0; column < in; column++) {
        matrix[row * in + column] = values[column * width + from + row];
      }
    }
    return Matrix.of(name, out, in, matrix);
  }

  /** As many columns as factors, from {@code from} on, transposed, row i times factor i. */
  Matrix scaledMatrix(String name, int from, double[] factors) {
    float[] matrix = new float[factors.length * in];
    for (int row = 0; row < factors.length; row++) {
      for (int column = 0; column < in; column++) {
        matrix[row * in + column] = (float) (factors[row] * values[column * width + from + row]);
      }
    }
    return Matrix.of(name, factors.length, in, matrix);
  }

  /** Entries {@code from .. from + length} of a vector. */
  Matrix vector(String name, int from, int length) {
    return Matrix.vector(name, Arrays.copyOfRange(values, from, from + length));
  }

  /** Puts the transposed matrix, or the vector, into the columns from {@code left} on. */
  static void put(NDArray array, int left, Matrix m) {
    float[] values = array.toFloatArray();
    int width = (int) array.getShape().get(array.getShape().dimension() - 1);
    for (int row = 0; row < m.rows(); row++) {
      for (int column = 0; column < m.columns(); column++) {
        values[column * width + left + row] = m.at(row, column);
      }
    }
    array.set(values);
  }
}
