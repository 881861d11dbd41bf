package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;

/**
 * The trainable tensors and the running statistics of one network by name, with their initial
 * values: Glorot-uniform for input matrices, orthogonal for recurrent ones (tables I and III of the
 * conditional GRU paper); an SRU has its own.
 */
final class Parameters {
  private final NDManager manager;
  private final SplittableRandom random;
  private final Map<String, NDArray> trainable = new LinkedHashMap<>();
  private final Map<String, NDArray> statistics = new LinkedHashMap<>();

  Parameters(NDManager manager, long seed) {
    this.manager = manager;
    this.random = new SplittableRandom(seed);
  }

  Map<String, NDArray> trainable() {
    return trainable;
  }

  /** Calls {@code action} for every tensor a checkpoint must hold to continue the network. */
  void forEach(BiConsumer<String, NDArray> action) {
    trainable.forEach(action);
    statistics.forEach(action);
  }

  /** (in, sum of outs) filled block by block, each as its own matrix. */
  NDArray glorot(String name, int in, int... outs) {
    return blocks(name, in, outs, this::glorotBlock);
  }

  /** (in, sum of outs), each block with orthonormal columns (or rows, if it is wider than high). */
  NDArray orthogonal(String name, int in, int... outs) {
    return blocks(name, in, outs, this::orthogonalBlock);
  }

  /** (in, limits * out), block i uniform within its limit on both sides of 0. */
  NDArray uniform(String name, int in, int out, double... limits) {
    int width = out * limits.length;
    float[] values = new float[in * width];
    for (int at = 0; at < values.length; at++) {
      double limit = limits[at % width / out];
      values[at] = (float) random.nextDouble(-limit, limit);
    }
    return register(name, values, new Shape(in, width));
  }

  /** A vector, uniform within {@code limit} on both sides of 0. */
  NDArray uniformVector(String name, int size, double limit) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextDouble(-limit, limit);
    }
    return register(name, values, new Shape(size));
  }

  NDArray zeros(String name, int size) {
    return register(name, new float[size], new Shape(size));
  }

  NDArray full(String name, int size, float value) {
    float[] values = new float[size];
    java.util.Arrays.fill(values, value);
    return register(name, values, new Shape(size));
  }

  /** The running statistics, copied; see {@link #restoreStatistics}. */
  Map<String, float[]> copyStatistics() {
    Map<String, float[]> copies = new LinkedHashMap<>();
    statistics.forEach((name, array) -> copies.put(name, array.toFloatArray()));
    return copies;
  }

  /** Puts copied statistics back. */
  void restoreStatistics(Map<String, float[]> copies) {
    copies.forEach((name, values) -> statistics.get(name).set(values));
  }

  NDArray statistic(String name, int size, float value) {
    NDArray array = manager.full(new Shape(size), value);
    statistics.put(name, array);
    return array;
  }

  private interface Block {
    double[][] make(int in, int out);
  }

  private NDArray blocks(String name, int in, int[] outs, Block block) {
    int width = java.util.Arrays.stream(outs).sum();
    float[] values = new float[in * width];
    int left = 0;
    for (int out : outs) {
      double[][] part = block.make(in, out);
      for (int i = 0; i < in; i++) {
        for (int j = 0; j < out; j++) {
          values[i * width + left + j] = (float) part[i][j];
        }
      }
      left += out;
    }
    return register(name, values, new Shape(in, width));
  }

  private NDArray register(String name, float[] values, Shape shape) {
    NDArray array = manager.create(values, shape);
    array.setRequiresGradient(true);
    trainable.put(name, array);
    return array;
  }

  private double[][] glorotBlock(int in, int out) {
    double limit = Math.sqrt(6.0 / (in + out));
    double[][] m = new double[in][out];
    for (double[] row : m) {
      for (int j = 0; j < out; j++) {
        row[j] = random.nextDouble(-limit, limit);
      }
    }
    return m;
  }

  private double[][] orthogonalBlock(int in, int out) {
    int vectors = Math.min(in, out);
    int length = Math.max(in, out);
    double[][] q = new double[vectors][length];
    for (int v = 0; v < vectors; v++) {
      for (int k = 0; k < length; k++) {
        q[v][k] = random.nextGaussian();
      }
      // Modified Gram-Schmidt, twice: once leaves an error that grows with the condition number.
      for (int pass = 0; pass < 2; pass++) {
        for (int w = 0; w < v; w++) {
          double dot = 0;
          for (int k = 0; k < length; k++) {
            dot += q[v][k] * q[w][k];
          }
          for (int k = 0; k < length; k++) {
            q[v][k] -= dot * q[w][k];
          }
        }
      }
      double norm = 0;
      for (double value : q[v]) {
        norm += value * value;
      }
      norm = Math.sqrt(norm);
      for (int k = 0; k < length; k++) {
        q[v][k] /= norm;
      }
    }
    double[][] m = new double[in][out];
    for (int i = 0; i < in; i++) {
      for (int j = 0; j < out; j++) {
        m[i][j] = in <= out ? q[i][j] : q[j][i];
      }
    }
    return m;
  }
}
