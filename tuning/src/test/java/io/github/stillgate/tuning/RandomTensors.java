package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Matrix;
import java.util.Random;

/** Weights of a usual size. */
final class RandomTensors {
  private RandomTensors() {}

  static Matrix matrix(Random random, int rows, int columns) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() / Math.sqrt(columns));
    }
    return Matrix.of("W", rows, columns, values);
  }

  static Matrix vector(Random random, int length) {
    return Matrix.vector("b", matrix(random, length, 1).toArray());
  }
}
