package io.github.stillgate.importers.onnx.generated;

import ai.onnx.proto.OnnxMl.TensorProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The formulas of the ONNX operators GRU, LSTM and RNN, in float64 and as the standard says them.
 */
public final class OnnxReference {
  private final RecurrentSpec spec;
  private final Map<String, float[]> values;
  private final int d;
  private final int n;

  private OnnxReference(RecurrentSpec spec) {
    this.spec = spec;
    this.values = spec.values();
    this.d = spec.inputs();
    this.n = spec.units();
  }

  /** The outputs Y, Y_h and for an LSTM Y_c. */
  public static List<TensorProto> outputs(RecurrentSpec spec) {
    return new OnnxReference(spec).run();
  }

  private List<TensorProto> run() {
    int directions = spec.directions();
    float[] y = new float[spec.steps() * directions * spec.batch() * n];
    float[] lastH = new float[directions * spec.batch() * n];
    float[] lastC = new float[directions * spec.batch() * n];
    for (int dir = 0; dir < directions; dir++) {
      boolean reverse =
          dir == 1 || spec.attributes().getOrDefault("direction", "forward").equals("reverse");
      for (int b = 0; b < spec.batch(); b++) {
        double[] h = state("initial_h", dir, b);
        double[] c = state("initial_c", dir, b);
        int length = spec.lengths()[b];
        for (int i = 0; i < length; i++) {
          int t = reverse ? length - 1 - i : i;
          h = step(dir, x(t, b), h, c);
          put(
              h,
              y,
              spec.isBatchFirst()
                  ? ((b * spec.steps() + t) * directions + dir) * n
                  : ((t * directions + dir) * spec.batch() + b) * n);
        }
        put(h, lastH, stateAt(dir, b));
        put(c, lastC, stateAt(dir, b));
      }
    }
    List<TensorProto> outputs = new ArrayList<>();
    for (String output : spec.outputs()) {
      float[] result = Map.of("Y", y, "Y_h", lastH, "Y_c", lastC).get(output);
      outputs.add(OnnxGraph.tensor(output, spec.shape(output), result));
    }
    return outputs;
  }

  private static void put(double[] from, float[] to, int at) {
    for (int k = 0; k < from.length; k++) {
      to[at + k] = (float) from[k];
    }
  }

  private int stateAt(int dir, int b) {
    return (spec.isBatchFirst() ? b * spec.directions() + dir : dir * spec.batch() + b) * n;
  }

  private double[] state(String input, int dir, int b) {
    double[] state = new double[n];
    if (spec.has(input)) {
      for (int k = 0; k < n; k++) {
        state[k] = values.get(input)[stateAt(dir, b) + k];
      }
    }
    return state;
  }

  private double[] x(int t, int b) {
    double[] x = new double[d];
    for (int k = 0; k < d; k++) {
      int at = spec.isBatchFirst() ? b * spec.steps() + t : t * spec.batch() + b;
      x[k] = values.get("X")[at * d + k];
    }
    return x;
  }

  /** The next h; changes c. */
  private double[] step(int dir, double[] x, double[] h, double[] c) {
    return switch (spec.operator()) {
      case "GRU" -> gru(dir, x, h);
      case "LSTM" -> lstm(dir, x, h, c);
      default ->
          activate(dir, 0, sum(product("W", dir, 0, x), product("R", dir, 0, h), biases(dir, 0)));
    };
  }

  private double[] gru(int dir, double[] x, double[] h) {
    double[] z =
        activate(dir, 0, sum(product("W", dir, 0, x), product("R", dir, 0, h), biases(dir, 0)));
    double[] r =
        activate(dir, 0, sum(product("W", dir, 1, x), product("R", dir, 1, h), biases(dir, 1)));
    double[] hidden;
    if (spec.attributes().getOrDefault("linear_before_reset", 0).equals(0)) {
      hidden = sum(product("W", dir, 2, x), product("R", dir, 2, times(r, h)), biases(dir, 2));
    } else {
      double[] inner = sum(product("R", dir, 2, h), bias(dir, 3 + 2), new double[n]);
      hidden = sum(product("W", dir, 2, x), times(r, inner), bias(dir, 2));
    }
    double[] candidate = activate(dir, 1, hidden);
    double[] next = new double[n];
    for (int k = 0; k < n; k++) {
      next[k] = (1 - z[k]) * candidate[k] + z[k] * h[k];
    }
    return next;
  }

  private double[] lstm(int dir, double[] x, double[] h, double[] c) {
    double[][] raw = new double[4][];
    for (int gate = 0; gate < 4; gate++) {
      raw[gate] = sum(product("W", dir, gate, x), product("R", dir, gate, h), biases(dir, gate));
    }
    double[] i = activate(dir, 0, sum(raw[0], times(peephole(dir, 0), c), new double[n]));
    double[] f = activate(dir, 0, sum(raw[2], times(peephole(dir, 2), c), new double[n]));
    if (spec.attributes().getOrDefault("input_forget", 0).equals(1)) {
      f = Arrays.stream(i).map(v -> 1 - v).toArray();
    }
    double[] g = activate(dir, 1, raw[3]);
    for (int k = 0; k < n; k++) {
      c[k] = f[k] * c[k] + i[k] * g[k];
    }
    double[] o = activate(dir, 0, sum(raw[1], times(peephole(dir, 1), c), new double[n]));
    return times(o, activate(dir, 2, c));
  }

  private double[] product(String matrix, int dir, int gate, double[] v) {
    double[] product = new double[n];
    for (int row = 0; row < n; row++) {
      int at = ((dir * spec.gates() + gate) * n + row) * v.length;
      for (int k = 0; k < v.length; k++) {
        product[row] += (double) values.get(matrix)[at + k] * v[k];
      }
    }
    return product;
  }

  private double[] biases(int dir, int gate) {
    return sum(bias(dir, gate), bias(dir, spec.gates() + gate), new double[n]);
  }

  private double[] bias(int dir, int position) {
    return part("B", (dir * 2 * spec.gates() + position) * n);
  }

  private double[] peephole(int dir, int position) {
    return part("P", (dir * 3 + position) * n);
  }

  private double[] part(String input, int at) {
    double[] part = new double[n];
    if (spec.has(input)) {
      for (int k = 0; k < n; k++) {
        part[k] = values.get(input)[at + k];
      }
    }
    return part;
  }

  private static double[] sum(double[] a, double[] b, double[] c) {
    double[] sum = new double[a.length];
    Arrays.setAll(sum, k -> a[k] + b[k] + c[k]);
    return sum;
  }

  private static double[] times(double[] a, double[] b) {
    double[] product = new double[a.length];
    Arrays.setAll(product, k -> a[k] * b[k]);
    return product;
  }

  private double[] activate(int dir, int position, double[] v) {
    List<String> standard =
        switch (spec.operator()) {
          case "GRU" -> List.of("Sigmoid", "Tanh");
          case "LSTM" -> List.of("Sigmoid", "Tanh", "Tanh");
          default -> List.of("Tanh");
        };
    List<?> names = (List<?>) spec.attributes().getOrDefault("activations", List.of());
    int index = dir * standard.size() + position;
    String name = names.isEmpty() ? standard.get(position) : (String) names.get(index);
    // Constants go to those functions alone that take them, in order.
    int alphas = 0;
    int betas = 0;
    for (Object before : names.isEmpty() ? List.of() : names.subList(0, index)) {
      alphas += TAKES_ALPHA.contains(before) ? 1 : 0;
      betas += TAKES_BETA.contains(before) ? 1 : 0;
    }
    double alpha = constant("activation_alpha", alphas, ALPHAS.getOrDefault(name, 1f));
    double beta = constant("activation_beta", betas, BETAS.getOrDefault(name, 0f));
    // Not the cells on their way out; ONNX Runtime's reading of the standard.
    float clip =
        position == 2
            ? Float.POSITIVE_INFINITY
            : (Float) spec.attributes().getOrDefault("clip", Float.POSITIVE_INFINITY);
    return Arrays.stream(v)
        .map(value -> function(name, Math.clamp(value, -clip, clip), alpha, beta))
        .toArray();
  }

  private static final List<String> TAKES_ALPHA =
      List.of("Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu");
  private static final List<String> TAKES_BETA = List.of("Affine", "ScaledTanh", "HardSigmoid");
  private static final Map<String, Float> ALPHAS = Map.of("LeakyRelu", 0.01f, "HardSigmoid", 0.2f);
  private static final Map<String, Float> BETAS = Map.of("HardSigmoid", 0.5f);

  private double constant(String attribute, int position, float otherwise) {
    List<?> constants = (List<?>) spec.attributes().getOrDefault(attribute, List.of());
    return position < constants.size() ? (Float) constants.get(position) : otherwise;
  }

  private static double function(String name, double v, double alpha, double beta) {
    return switch (name) {
      case "Sigmoid" -> 1 / (1 + Math.exp(-v));
      case "Tanh" -> Math.tanh(v);
      case "Relu" -> Math.max(0, v);
      case "Affine" -> alpha * v + beta;
      case "LeakyRelu" -> v >= 0 ? v : alpha * v;
      case "ThresholdedRelu" -> v > alpha ? v : 0;
      case "ScaledTanh" -> alpha * Math.tanh(beta * v);
      case "HardSigmoid" -> Math.min(Math.max(alpha * v + beta, 0), 1);
      case "Elu" -> v >= 0 ? v : alpha * Math.expm1(v);
      case "Softsign" -> v / (1 + Math.abs(v));
      case "Softplus" -> Math.log1p(Math.exp(v));
      default -> throw new IllegalArgumentException(name);
    };
  }
}
