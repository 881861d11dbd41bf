package io.github.stillgate.core.session;

import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.plan.Plan;
import java.util.Arrays;
import java.util.Locale;

/**
 * Replays {@link ProofVectors} through a plan: that an imported network is the one that was meant.
 * Nothing in a file tells a wrong gate order or a transposed square matrix from a right one; its
 * outputs do.
 */
public final class Proof {
  private Proof() {}

  /**
   * Runs every case from the initial state. Any thread may call it, several at a time.
   *
   * @param tolerance largest error allowed, {@code |y - expected| <= tolerance * max(1,
   *     |expected|)}; above 0 and below {@link ProofVectors#TOLERANCE_BELOW}
   * @return the largest error found, on the same scale
   * @throws ProofFailedException if an error is larger; the message names the case, the step and
   *     the values, and says whether this looks like rounding or like another network
   * @throws IllegalArgumentException if the tolerance is none, or a case does not fit the model's
   *     widths or tokens
   * @throws IllegalStateException if the plan is closed
   */
  public static double replay(Plan plan, ProofVectors vectors, double tolerance) {
    ProofVectors.requireTolerance(tolerance);
    return plan.model().isChain()
        ? replayAtOnce(plan, vectors, tolerance)
        : replayStepByStep(plan, vectors, tolerance);
  }

  private static double replayAtOnce(Plan plan, ProofVectors vectors, double tolerance) {
    double worst = 0;
    try (Sequence sequence = Sequence.open(plan)) {
      for (ProofVectors.Case c : vectors.cases()) {
        sequence.reset();
        float[][] output =
            c.tokens().isPresent() ? sequence.run(c.tokens().get()) : sequence.run(c.input());
        worst = Math.max(worst, compare(c, output, tolerance));
      }
    }
    return worst;
  }

  private static double replayStepByStep(Plan plan, ProofVectors vectors, double tolerance) {
    double worst = 0;
    try (Session session = Session.open(plan)) {
      for (ProofVectors.Case c : vectors.cases()) {
        session.reset();
        float[][] output = new float[c.output().length][];
        for (int t = 0; t < output.length; t++) {
          if (c.tokens().isPresent()) {
            output[t] = new float[plan.model().outputs()];
            session.step(c.tokens().get()[t], output[t]);
          } else {
            output[t] = step(session, c, t);
          }
        }
        worst = Math.max(worst, compare(c, output, tolerance));
      }
    }
    return worst;
  }

  /** A row of a case holds all inputs, or all outputs, in the order of the model. */
  private static float[] step(Session session, ProofVectors.Case c, int t) {
    Graph graph = session.plan().model().graph();
    float[] input = c.input()[t];
    int width = graph.inputs().stream().mapToInt(Graph.Value::width).sum();
    if (input.length != width) {
      throw new IllegalArgumentException(
          "case %s has %d inputs a step, the model reads %d: %s"
              .formatted(c.name(), input.length, width, graph.inputs()));
    }
    int at = 0;
    for (Graph.Value value : graph.inputs()) {
      session.set(value.name(), Arrays.copyOfRange(input, at, at + value.width()));
      at += value.width();
    }
    session.step();
    float[] output = new float[graph.outputs().stream().mapToInt(graph::width).sum()];
    at = 0;
    for (String name : graph.outputs()) {
      float[] values = new float[graph.width(name)];
      session.get(name, values);
      System.arraycopy(values, 0, output, at, values.length);
      at += values.length;
    }
    return output;
  }

  private static double compare(ProofVectors.Case c, float[][] output, double tolerance) {
    ProofErrors errors = new ProofErrors();
    for (int t = 0; t < output.length; t++) {
      compare(c, t, output[t], tolerance, errors);
    }
    return errors.largest();
  }

  private static void compare(
      ProofVectors.Case c, int t, float[] actual, double tolerance, ProofErrors before) {
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
      if (!(error <= tolerance)) {
        throw new ProofFailedException(
            String.format(
                Locale.ROOT,
                "case %s, step %d, output %d is %s, but %s was expected (error %.3g, tolerance %.3g). %s",
                c.name(),
                t,
                i,
                actual[i],
                expected[i],
                error,
                tolerance,
                before.likelyCause(error)));
      }
      worst = Math.max(worst, error);
    }
    before.add(worst);
  }
}
