package io.github.stillgate.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * What "Structured Sparsification of Gated Recurrent Neural Networks" says in a footnote: a unit of
 * which only the output gate is not constant is a plain recurrent one. With i, f and g constant
 *
 * <pre>
 *   c' = f c + i g
 * </pre>
 *
 * goes to i g / (1 - f) without turning back, so that h' = o tanh(c) becomes o times a constant,
 * which is near 1 or -1 only where i g / (1 - f) is large.
 */
class OnlyOutputGateTest {
  private static final int UNITS = 3;
  private static final float[] INPUT_BIAS = {0, 1, 2};
  private static final float[] FORGET_BIAS = {0, 1, 3};
  private static final float[] CELL_BIAS = {0.4f, -0.7f, 3};

  @Test
  void theCellGoesToAConstantAndTheUnitIsItsGateTimesThatConstant() {
    Random random = new Random(5);
    Matrix w = matrix("out.W", UNITS, 2, random);
    Matrix u = matrix("out.U", UNITS, UNITS, random);
    Lstm lstm =
        Lstm.named("lstm")
            .input(constant("input", INPUT_BIAS))
            .forget(constant("forget", FORGET_BIAS))
            .cell(constant("cell", CELL_BIAS))
            .output(new Sums(w, u, Matrix.vector("out.b", 0, 0, 0)))
            .build();
    try (Plan plan = Plan.compile(new Model(List.of(lstm)));
        Session session = Session.open(plan)) {
      float[] h = new float[UNITS];
      float[] before = new float[UNITS];
      float[] x = new float[2];
      double[] recurrent = new double[UNITS];
      for (int step = 0; step < 400; step++) {
        for (int j = 0; j < x.length; j++) {
          x[j] = (float) random.nextGaussian();
        }
        session.step(x, h);
        float[] c = session.state("lstm.c");
        recurrent = plainUnit(w, u, x, recurrent);
        for (int k = 0; k < UNITS; k++) {
          float towards = Math.signum(CELL_BIAS[k]);
          // A rounding or two at its end are no turn.
          assertThat(towards * (c[k] - before[k])).isGreaterThan(-1e-6f * Math.abs(c[k]));
          before[k] = c[k];
        }
      }
      for (int k = 0; k < UNITS; k++) {
        assertThat((double) before[k]).isCloseTo(end(k), within(1e-5 * Math.abs(end(k)) + 1e-6));
        assertThat((double) h[k]).isCloseTo(recurrent[k], within(1e-5));
      }
      // Only the third is "plus or minus o": tanh(i g / (1 - f)) is above 0.99 there, and 0.36 in
      // the first.
      assertThat(Math.tanh(end(2))).isGreaterThan(0.99);
      assertThat(Math.tanh(end(0))).isBetween(0.3, 0.4);
    }
  }

  /** h' = o tanh(c) with c at its end: the same steps as if c had been there from the first on. */
  private static double[] plainUnit(Matrix w, Matrix u, float[] x, double[] h) {
    double[] next = new double[UNITS];
    for (int k = 0; k < UNITS; k++) {
      double sum = 0;
      for (int j = 0; j < x.length; j++) {
        sum += (double) w.at(k, j) * x[j];
      }
      for (int j = 0; j < UNITS; j++) {
        sum += u.at(k, j) * h[j];
      }
      next[k] = sigmoid(sum) * Math.tanh(end(k));
    }
    return next;
  }

  private static double end(int k) {
    return sigmoid(INPUT_BIAS[k]) * Math.tanh(CELL_BIAS[k]) / (1 - sigmoid(FORGET_BIAS[k]));
  }

  private static double sigmoid(double v) {
    return 1 / (1 + Math.exp(-v));
  }

  private static Sums constant(String name, float[] bias) {
    return new Sums(
        Matrix.of(name + ".W", UNITS, 2, new float[UNITS * 2]),
        Matrix.of(name + ".U", UNITS, UNITS, new float[UNITS * UNITS]),
        Matrix.vector(name + ".b", bias));
  }

  private static Matrix matrix(String name, int rows, int columns, Random random) {
    float[] values = new float[rows * columns];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() / 2;
    }
    return Matrix.of(name, rows, columns, values);
  }
}
