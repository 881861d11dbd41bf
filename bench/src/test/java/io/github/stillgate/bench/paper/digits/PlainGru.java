package io.github.stillgate.bench.paper.digits;

import io.github.stillgate.core.weights.WeightsFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * PyTorch's two-layer GRU, a linear layer and a softmax by the formulas of its documentation, in
 * float64, read from a state dict.
 */
final class PlainGru {
  private final Map<String, float[]> tensors = new HashMap<>();

  private PlainGru() {}

  static PlainGru read(Path stateDict) throws IOException {
    PlainGru gru = new PlainGru();
    try (WeightsFile file = WeightsFile.open(stateDict)) {
      file.tensors().forEach((name, tensor) -> gru.tensors.put(name, tensor.toFloats()));
    }
    return gru;
  }

  /** The probabilities of every frame. */
  float[][] run(float[][] frames) {
    int units = tensors.get("gru.bias_hh_l0").length / 3;
    double[][] state = new double[2][units];
    float[][] found = new float[frames.length][];
    for (int t = 0; t < frames.length; t++) {
      double[] x = new double[frames[t].length];
      for (int i = 0; i < x.length; i++) {
        x[i] = frames[t][i];
      }
      for (int layer = 0; layer < 2; layer++) {
        state[layer] = cell(layer, x, state[layer]);
        x = state[layer];
      }
      found[t] = softmax(sums("out.weight", "out.bias", x));
    }
    return found;
  }

  private double[] cell(int layer, double[] x, double[] h) {
    double[] a = sums("gru.weight_ih_l" + layer, "gru.bias_ih_l" + layer, x);
    double[] v = sums("gru.weight_hh_l" + layer, "gru.bias_hh_l" + layer, h);
    int n = h.length;
    double[] next = new double[n];
    for (int i = 0; i < n; i++) {
      double r = sigmoid(a[i] + v[i]);
      double z = sigmoid(a[n + i] + v[n + i]);
      next[i] = (1 - z) * Math.tanh(a[2 * n + i] + r * v[2 * n + i]) + z * h[i];
    }
    return next;
  }

  private double[] sums(String matrix, String bias, double[] x) {
    float[] w = tensors.get(matrix);
    float[] b = tensors.get(bias);
    double[] sums = new double[b.length];
    for (int row = 0; row < sums.length; row++) {
      sums[row] = b[row];
      for (int k = 0; k < x.length; k++) {
        sums[row] += w[row * x.length + k] * x[k];
      }
    }
    return sums;
  }

  private static double sigmoid(double v) {
    return 1 / (1 + Math.exp(-v));
  }

  private static float[] softmax(double[] sums) {
    double all = 0;
    for (double sum : sums) {
      all += Math.exp(sum);
    }
    float[] found = new float[sums.length];
    for (int i = 0; i < found.length; i++) {
      found[i] = (float) (Math.exp(sums[i]) / all);
    }
    return found;
  }
}
