package io.github.stillgate.importers.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.importers.onnx.generated.GeneratedCase;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.io.TempDir;

/** Writes graphs as ONNX test cases that every backend has to pass, and what their tests share. */
abstract class OnnxGraphCases {
  static final int STEPS = 5;
  static final int BATCH = 2;
  static final int INPUTS = 3;
  static final int UNITS = 4;
  static final double TOLERANCE = 4e-6;
  @TempDir Path folder;
  int cases;

  static float[] random(int seed, int size) {
    Random random = new Random(seed);
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = random.nextFloat() * 2 - 1;
    }
    return values;
  }

  static TensorProto tensor(String name, float[] values, long... shape) {
    return OnnxGraph.tensor(name, shape, values);
  }

  static TensorProto tensor(String name, double[] values, long... shape) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return OnnxGraph.tensor(name, shape, floats);
  }

  /** Every backend gives these outputs. */
  void passes(OnnxGraph graph, int opset, List<TensorProto> in, TensorProto... out)
      throws Exception {
    for (TensorProto output : out) {
      graph.output(output.getName());
    }
    Path written =
        new GeneratedCase("case", graph.model(opset), in)
            .write(folder.resolve("case" + cases++), List.of(out));
    for (Backend backend : BackendRegistry.usable()) {
      PlanOptions options = PlanOptions.defaults().withBackend(backend.name());
      assertThat(new OnnxCase(written).run(options, TOLERANCE))
          .as(backend.name())
          .isInstanceOf(OnnxCase.Outcome.Passed.class);
    }
  }

  // Sequences: h' = tanh(W x + R h), then branches.

  static final float[] W = random(1, UNITS * INPUTS);

  static final float[] R = random(2, UNITS * UNITS);
  static final float[] X = random(3, STEPS * BATCH * INPUTS);

  static OnnxGraph rnn(OnnxGraph graph) {
    return graph
        .constant(tensor("W", W, 1, UNITS, INPUTS))
        .constant(tensor("R", R, 1, UNITS, UNITS))
        .node("RNN", List.of("x", "W", "R"), List.of("Y", "Yh"), Map.of("hidden_size", UNITS))
        .whole("one", 1)
        .node("Squeeze", "y", "Y", "one");
  }

  /** y[t][b][unit]. */
  static double[][][] states() {
    double[][][] y = new double[STEPS][BATCH][UNITS];
    for (int t = 0; t < STEPS; t++) {
      for (int b = 0; b < BATCH; b++) {
        for (int u = 0; u < UNITS; u++) {
          double sum = 0;
          for (int i = 0; i < INPUTS; i++) {
            sum += W[u * INPUTS + i] * X[(t * BATCH + b) * INPUTS + i];
          }
          for (int k = 0; t > 0 && k < UNITS; k++) {
            sum += R[u * UNITS + k] * y[t - 1][b][k];
          }
          y[t][b][u] = Math.tanh(sum);
        }
      }
    }
    return y;
  }

  static List<TensorProto> input() {
    return List.of(tensor("x", X, STEPS, BATCH, INPUTS));
  }

  static double[] product(float[] w, int outputs, double[] x) {
    double[] sums = new double[outputs];
    for (int o = 0; o < outputs; o++) {
      for (int i = 0; i < x.length; i++) {
        sums[o] += w[i * outputs + o] * x[i];
      }
    }
    return sums;
  }

  static double[] each(double[] values, DoubleUnaryOperator function) {
    return Arrays.stream(values).map(function).toArray();
  }

  /** By its series, which needs no more than 60 terms up to 3. */
  static double erf(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; n < 60; n++) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * sum;
  }

  // One call is one step.

  static final long[] SHAPE = {1, 2, 3, 4};

  static final float[] CUBE = random(9, 24);

  void single(String operator, Map<String, ?> attributes, double[] expected, long... shape)
      throws Exception {
    single(14, operator, attributes, expected, shape);
  }

  void single(
      int opset, String operator, Map<String, ?> attributes, double[] expected, long... shape)
      throws Exception {
    OnnxGraph graph =
        new OnnxGraph().input("x", SHAPE).node(operator, List.of("x"), List.of("y"), attributes);
    passes(graph, opset, List.of(tensor("x", CUBE, SHAPE)), tensor("y", expected, shape));
  }

  static double[] cube() {
    double[] values = new double[CUBE.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = CUBE[i];
    }
    return values;
  }

  void function(int opset, String operator, DoubleUnaryOperator function) throws Exception {
    single(opset, operator, Map.of(), each(cube(), function), SHAPE);
  }

  static double sigmoid(double v) {
    return 1 / (1 + Math.exp(-v));
  }

  /** What each element of a result is, by its place in the cube: channel, row, column. */
  interface At {
    double of(int c, int i, int j);
  }

  static double[] at(int channels, int rows, int columns, At at) {
    double[] values = new double[channels * rows * columns];
    for (int k = 0; k < values.length; k++) {
      values[k] = at.of(k / columns / rows, k / columns % rows, k % columns);
    }
    return values;
  }

  static double x(int c, int i, int j) {
    return CUBE[(c * 3 + i) * 4 + j];
  }

  static OnnxGraph cubeGraph() {
    return new OnnxGraph().input("x", SHAPE);
  }

  void cubePasses(OnnxGraph graph, double[] expected, long... shape) throws Exception {
    passes(graph, 14, List.of(tensor("x", CUBE, SHAPE)), tensor("y", expected, shape));
  }

  /** y[o][p] = b[o] + sum over c, k of w[o][c][k] x[c][p s + k d - before]. */
  static double[] convolution(
      double[][] x, float[][][] w, float[] b, int groups, int stride, int dilation, int[] pads) {
    int size = x[0].length;
    int taps = w[0][0].length;
    int given = (size + pads[0] + pads[1] - dilation * (taps - 1) - 1) / stride + 1;
    int each = w.length / groups;
    double[] y = new double[w.length * given];
    for (int o = 0; o < w.length; o++) {
      for (int p = 0; p < given; p++) {
        double sum = b[o];
        for (int c = 0; c < w[o].length; c++) {
          for (int k = 0; k < taps; k++) {
            int at = p * stride + k * dilation - pads[0];
            sum += at < 0 || at >= size ? 0 : w[o][c][k] * x[o / each * w[o].length + c][at];
          }
        }
        y[o * given + p] = sum;
      }
    }
    return y;
  }

  static double[][] rows(float[] values, int rows) {
    int columns = values.length / rows;
    double[][] x = new double[rows][columns];
    for (int i = 0; i < values.length; i++) {
      x[i / columns][i % columns] = values[i];
    }
    return x;
  }

  /** tanh(W x + R h). */
  static double[] rnn(float[] x, double[] h) {
    double[] next = new double[UNITS];
    for (int u = 0; u < UNITS; u++) {
      double sum = 0;
      for (int i = 0; i < INPUTS; i++) {
        sum += W[u * INPUTS + i] * x[i];
      }
      for (int k = 0; k < UNITS; k++) {
        sum += R[u * UNITS + k] * h[k];
      }
      next[u] = Math.tanh(sum);
    }
    return next;
  }
}
