package io.github.stillgate.importers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;

/**
 * Recurrent layers over whole sequences in float64, by the formulas in the documentation of Keras
 * and PyTorch, whose z weighs the old state. Weights are asked for by output and input, whichever
 * way round a file has them.
 */
public final class Float64Cells {
  /** The sigmoid. */
  public static final DoubleUnaryOperator SIGMOID = v -> 1 / (1 + Math.exp(-v));

  private Float64Cells() {}

  /** A matrix. */
  public interface Weights {
    /** The weight from an input to an output. */
    double at(int output, int input);
  }

  /** A matrix of rows of outputs. */
  public static Weights rows(double[][] matrix) {
    return (output, input) -> matrix[output][input];
  }

  /** A matrix of rows of inputs, as Keras has. */
  public static Weights columns(double[][] matrix) {
    return (output, input) -> matrix[input][output];
  }

  /** {@code w x}, the first {@code outputs} from {@code from} on. */
  private static double[] times(Weights w, int from, int outputs, double[] x) {
    double[] y = new double[outputs];
    for (int out = 0; out < outputs; out++) {
      for (int in = 0; in < x.length; in++) {
        y[out] += w.at(from + out, in) * x[in];
      }
    }
    return y;
  }

  /** {@code f(w x + b)}. */
  public static double[][] dense(Weights w, double[] b, DoubleUnaryOperator f, double[][] x) {
    double[][] y = new double[x.length][];
    for (int t = 0; t < x.length; t++) {
      y[t] = times(w, 0, b.length, x[t]);
      for (int i = 0; i < b.length; i++) {
        y[t][i] = f.applyAsDouble(y[t][i] + b[i]);
      }
    }
    return y;
  }

  /** {@code h' = f(w x + u h + b)}. */
  public static double[][] simple(
      Weights w, Weights u, double[] b, DoubleUnaryOperator f, double[][] x) {
    double[] h = new double[b.length];
    double[][] y = new double[x.length][];
    for (int t = 0; t < x.length; t++) {
      double[] a = times(w, 0, b.length, x[t]);
      double[] r = times(u, 0, b.length, h);
      h = new double[b.length];
      for (int i = 0; i < b.length; i++) {
        h[i] = f.applyAsDouble(a[i] + r[i] + b[i]);
      }
      y[t] = h;
    }
    return y;
  }

  /** Gates i, f, g, o; from the state h, c. */
  public static double[][] lstm(
      Weights w,
      Weights u,
      double[] b,
      DoubleUnaryOperator gate,
      double[] h0,
      double[] c0,
      double[][] x) {
    int n = h0.length;
    double[] h = h0.clone();
    double[] c = c0.clone();
    double[][] y = new double[x.length][];
    for (int t = 0; t < x.length; t++) {
      double[] a = times(w, 0, 4 * n, x[t]);
      double[] r = times(u, 0, 4 * n, h);
      h = new double[n];
      for (int i = 0; i < n; i++) {
        double in = gate.applyAsDouble(a[i] + r[i] + b[i]);
        double forget = gate.applyAsDouble(a[n + i] + r[n + i] + b[n + i]);
        double g = Math.tanh(a[2 * n + i] + r[2 * n + i] + b[2 * n + i]);
        double out = gate.applyAsDouble(a[3 * n + i] + r[3 * n + i] + b[3 * n + i]);
        c[i] = forget * c[i] + in * g;
        h[i] = out * Math.tanh(c[i]);
      }
      y[t] = h;
    }
    return y;
  }

  /**
   * {@code h' = (1 - z) c + z h}.
   *
   * @param z position of the update gate, r of the reset gate; the candidate is the third
   * @param bu the bias inside the reset product, with the reset behind the matrix; null with the
   *     reset before it
   */
  public static double[][] gru(
      Weights w,
      Weights u,
      double[] bw,
      double[] bu,
      int z,
      int r,
      DoubleUnaryOperator gate,
      double[][] x) {
    return gru(w, u, bw, bu, z, r, gate, Math::tanh, x);
  }

  /** The same with another function of the candidate. */
  public static double[][] gru(
      Weights w,
      Weights u,
      double[] bw,
      double[] bu,
      int z,
      int r,
      DoubleUnaryOperator gate,
      DoubleUnaryOperator candidate,
      double[][] x) {
    int n = bw.length / 3;
    double[] h = new double[n];
    double[][] y = new double[x.length][];
    for (int t = 0; t < x.length; t++) {
      double[] a = times(w, 0, 3 * n, x[t]);
      double[] s = times(u, 0, 3 * n, h);
      double[] update = new double[n];
      double[] reset = new double[n];
      double[] held = new double[n];
      for (int i = 0; i < n; i++) {
        int zi = z * n + i;
        int ri = r * n + i;
        update[i] = gate.applyAsDouble(a[zi] + bw[zi] + s[zi] + (bu == null ? 0 : bu[zi]));
        reset[i] = gate.applyAsDouble(a[ri] + bw[ri] + s[ri] + (bu == null ? 0 : bu[ri]));
        held[i] = reset[i] * h[i];
      }
      double[] before = times(u, 2 * n, n, held);
      double[] next = new double[n];
      for (int i = 0; i < n; i++) {
        int ci = 2 * n + i;
        double inner = bu == null ? before[i] : reset[i] * (s[ci] + bu[ci]);
        double c = candidate.applyAsDouble(a[ci] + bw[ci] + inner);
        next[i] = (1 - update[i]) * c + update[i] * h[i];
      }
      h = next;
      y[t] = h;
    }
    return y;
  }

  /** Values that float32 holds exactly. */
  public static double[][] random(int rows, int columns, Random random) {
    double[][] values = new double[rows][columns];
    for (double[] row : values) {
      for (int i = 0; i < columns; i++) {
        row[i] = (float) (1.2 * random.nextDouble() - 0.6);
      }
    }
    return values;
  }

  /** One row of such values. */
  public static double[] random(int count, Random random) {
    return random(1, count, random)[0];
  }

  /** Each row of {@code parts}, one behind the other. */
  public static double[][] beside(double[][]... parts) {
    double[][] rows = new double[parts[0].length][];
    for (int t = 0; t < rows.length; t++) {
      int step = t;
      rows[t] = Arrays.stream(parts).flatMapToDouble(part -> Arrays.stream(part[step])).toArray();
    }
    return rows;
  }

  /** Steps of {@code model} on vectors come to what float64 gives, its outputs in their order. */
  public static void assertGives(Model model, double[][] inputs, double[][] expected) {
    float[] x = new float[model.inputs()];
    List<String> outputs = model.graph().outputs();
    try (Plan plan = Plan.compile(model, PlanOptions.defaults().withBackend("reference"));
        Session session = Session.open(plan)) {
      for (int t = 0; t < inputs.length; t++) {
        for (int i = 0; i < x.length; i++) {
          x[i] = (float) inputs[t][i];
        }
        session.set(model.graph().inputs().getFirst().name(), x);
        session.step();
        int at = 0;
        for (String output : outputs) {
          float[] y = new float[model.graph().width(output)];
          session.get(output, y);
          for (int i = 0; i < y.length; i++) {
            assertThat((double) y[i])
                .as("step %d, value %d of %s", t, i, output)
                .isCloseTo(expected[t][at + i], within(2e-6));
          }
          at += y.length;
        }
        assertThat(at).isEqualTo(expected[t].length);
      }
    }
  }
}
