package io.github.stillgate.core.session;

import java.util.Arrays;
import java.util.Locale;

/**
 * The largest error of each step of a case so far, and what they say of the step that is off: a
 * network that amplifies rounding agrees for many steps and then departs by a factor a step, one
 * that was imported wrongly is off at once.
 */
final class ProofErrors {
  /** So many steps of another network do not agree by chance. */
  private static final int SURE_STEPS = 8;

  /** Rounding grows from step to step; another network is off at once, by far more than this. */
  private static final double GROWTH = 64;

  /** An error that grows was below this part of the last one. */
  private static final double STILL = 1.0 / 8;

  /** Half the distance of float32 numbers near 1: errors below are rounding. */
  private static final double ROUNDING = 0x1p-24;

  private static final String CAUSES =
      " Look for another order of the gates, another meaning of z, the reset on the other side of the"
          + " matrix (linear_before_reset of an ONNX GRU, which exporters are known to forget), a bias"
          + " that is missing, a transposed matrix, a layer left out (LayerNorm, BatchNorm, an"
          + " activation), or weights rounded to fp16 or bf16";

  private double[] errors = new double[64];
  private int steps;
  private double largest;

  /** Adds a step that is within the tolerance. */
  void add(double error) {
    if (steps == errors.length) {
      errors = Arrays.copyOf(errors, 2 * steps);
    }
    errors[steps++] = error;
    largest = Math.max(largest, error);
  }

  /** The largest error of all steps. */
  double largest() {
    return largest;
  }

  /** What is behind the next step's {@code error}, in sentences, the last without a full stop. */
  String likelyCause(double error) {
    if (steps == 0) {
      return "It differs at the first step, so this is not the network the vectors came from."
          + CAUSES;
    }
    if (steps < SURE_STEPS || !(error <= GROWTH * Math.max(largest, ROUNDING))) {
      return agree(steps, largest)
          + ", then it is off at once: this is not the network the vectors came from."
          + CAUSES;
    }
    if (stepsWithin(STILL * error) < SURE_STEPS) {
      return agree(steps, largest)
          + ", and the difference does not grow: weights or sums rounded to fp16 or bf16 on one side,"
          + " another epsilon of a norm, or another approximation of a function look like this; raise"
          + " --tolerance if the original is one of those";
    }
    // Half-way up, on a logarithmic scale: below, errors stand at rounding.
    int before = stepsWithin(Math.sqrt(Math.max(errors[0], ROUNDING) * error));
    double within = largestOf(before);
    double factor = Math.pow(error / Math.max(within, ROUNDING), 1.0 / (steps + 1 - before));
    return String.format(
        Locale.ROOT,
        "%s, then the difference grows by a factor %.4g a step: this network amplifies rounding; shorten"
            + " the vectors or raise --tolerance. Weights stored as fp16 or bf16 on one side only"
            + " look like this too",
        agree(before, within),
        factor);
  }

  /** How many of the first steps have no larger error. */
  private int stepsWithin(double error) {
    int count = 0;
    while (count < steps && errors[count] <= error) {
      count++;
    }
    return count;
  }

  private double largestOf(int first) {
    return Arrays.stream(errors, 0, first).max().orElse(0);
  }

  private static String agree(int steps, double within) {
    return String.format(
        Locale.ROOT,
        "The first %s within %.2g",
        steps == 1 ? "step agrees" : steps + " steps agree",
        within);
  }
}
