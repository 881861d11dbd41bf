package io.github.stillgate.core.session;

import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.plan.Plan;

/**
 * Replays {@link ProofVectors} through a plan: that an imported network is the one that was meant.
 * Nothing in a file tells a wrong gate order or a transposed square matrix from a right one; its
 * outputs do.
 */
public final class Proof {
  private Proof() {}

  /**
   * Runs every case from state zero.
   *
   * @param tolerance largest error allowed, {@code |y - expected| <= tolerance * max(1,
   *     |expected|)}
   * @return the largest error found, on the same scale
   * @throws ProofFailedException if an error is larger; the message names the case, the step and
   *     the values
   * @throws IllegalArgumentException if a case does not fit the model's widths or tokens
   * @throws IllegalStateException if the plan is closed
   */
  public static double replay(Plan plan, ProofVectors vectors, double tolerance) {
    double worst = 0;
    try (Sequence sequence = Sequence.open(plan)) {
      for (ProofVectors.Case c : vectors.cases()) {
        sequence.reset();
        float[][] output =
            c.tokens().isPresent() ? sequence.run(c.tokens().get()) : sequence.run(c.input());
        for (int t = 0; t < output.length; t++) {
          worst = Math.max(worst, compare(c, t, output[t], tolerance));
        }
      }
    }
    return worst;
  }

  private static double compare(ProofVectors.Case c, int t, float[] actual, double tolerance) {
    float[] expected = c.output()[t];
    if (expected.length != actual.length) {
      throw new IllegalArgumentException(
          "case %s has %d outputs a step, the model gives %d"
              .formatted(c.name(), expected.length, actual.length));
    }
    double worst = 0;
    for (int i = 0; i < actual.length; i++) {
      double error =
          Math.abs((double) actual[i] - expected[i]) / Math.max(1, Math.abs(expected[i]));
      // Written so that NaN fails it too.
      if (!(error <= tolerance)) {
        throw new ProofFailedException(
            ("case %s, step %d, output %d is %s, but %s was expected (error %.3g, tolerance %.3g):"
                    + " this is not the network the vectors came from. Look for another order of"
                    + " the gates, another meaning of z, a bias that is missing, a transposed"
                    + " matrix, or a layer left out")
                .formatted(c.name(), t, i, actual[i], expected[i], error, tolerance));
      }
      worst = Math.max(worst, error);
    }
    return worst;
  }
}
