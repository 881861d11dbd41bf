package io.github.stillgate.tuning;

import io.github.stillgate.core.model.GateEstimate;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one GRU reads and how its gates stand while the exact network runs over data, and the
 * corrections of estimates that are found on it. Of the data the first 2,000 steps are used; each
 * keeps 2 n + d numbers. Immutable, and safe for several threads.
 *
 * <p>A unit with mass m and gate sum a moves at epsilon if {@code m + sigmoid(a) > epsilon}. An
 * estimate a^ without correction overlooks it unless {@code m + sigmoid(a^ + correction) >
 * epsilon}, so each move asks for a
 *
 * <pre>
 *   correction > log(g / (1 - g)) - a^        with the gap g = epsilon - m
 * </pre>
 */
public final class EstimateCalibration {
  /** Enough for thousands of moves of every unit; more would only take longer. */
  private static final int STEPS = 2_000;

  /** Above what a move asks for, not at it: a mass must exceed epsilon. */
  private static final double ABOVE = 1e-4;

  /** A unit whose mass is epsilon asks for nothing, minus infinity; estimates are finite. */
  private static final double LOWEST = -100;

  private final Gru layer;
  private final List<Moment> moments = new ArrayList<>();

  /**
   * One step of the layer.
   *
   * @param first whether the state was zero
   * @param token what was read, or -1
   * @param x what was read, or nothing
   * @param h the state before
   * @param a the exact gate's sum
   */
  private record Moment(boolean first, int token, float[] x, float[] h, float[] a) {}

  /**
   * Runs the layers up to layer {@code at} of {@code model} over the first steps of the data.
   *
   * @param at a layer among {@link Estimates#layers}
   * @param options of the plans that are run; they should be exact
   * @throws IllegalArgumentException if layer {@code at} is another, or the network does not read
   *     the data
   * @throws UnsupportedOperationException if the data are tokens and the network reads vectors, or
   *     its layers up to this one cannot be run step by step
   * @throws IndexOutOfBoundsException if there is no such layer
   */
  public EstimateCalibration(Model model, int at, TuningData data, PlanOptions options) {
    if (!(model.layers().get(at) instanceof Gru gru) || !Sweep.approximates(gru)) {
      throw new IllegalArgumentException(
          "layer %s has no gate to estimate: estimates are for GRU layers with the reset after the"
                  .formatted(model.layers().get(at).name())
              + " matrix, sigmoid gates and tanh");
    }
    this.layer = gru;
    try (Plan whole = Plan.compile(first(model, at + 1), options);
        Session states = Session.open(whole)) {
      if (at == 0) {
        run(data, states, null, 0);
      } else {
        try (Plan before = Plan.compile(first(model, at), options);
            Session inputs = Session.open(before)) {
          run(data, states, inputs, layer.inputs());
        }
      }
    }
  }

  private static Model first(Model model, int layers) {
    return Estimates.withLayers(model, model.layers().subList(0, layers));
  }

  private void run(TuningData data, Session states, @Nullable Session inputs, int width) {
    for (TuningData.Sequence sequence : data.sequences()) {
      states.reset();
      if (inputs != null) {
        inputs.reset();
      }
      float[] h = new float[layer.outputs()];
      for (int t = 0; t < sequence.steps() && moments.size() < STEPS; t++) {
        float[] x = new float[width];
        int token = -1;
        if (inputs != null) {
          sequence.step(inputs, t, x);
        } else {
          switch (sequence) {
            case TuningData.Tokens(int[] tokens) -> token = tokens[t];
            case TuningData.Vectors(float[][] vectors) -> x = vectors[t];
          }
        }
        float[] before = h;
        h = new float[layer.outputs()];
        // Before the sums, which trust their arguments: the session refuses what cannot be read.
        sequence.step(states, t, h);
        moments.add(
            new Moment(
                t == 0,
                token,
                x,
                before,
                sums(layer.z().w(), layer.z().u(), token, x, before, layer.z().b())));
      }
    }
  }

  private static float[] sums(
      Matrix w, Matrix u, int token, float[] x, float[] h, @Nullable Matrix b) {
    float[] sums = new float[w.rows()];
    for (int i = 0; i < sums.length; i++) {
      double sum = b == null ? 0 : b.at(i, 0);
      if (token >= 0) {
        sum += w.at(i, token);
      } else {
        for (int j = 0; j < x.length; j++) {
          sum += (double) w.at(i, j) * x[j];
        }
      }
      for (int j = 0; j < h.length; j++) {
        sum += (double) u.at(i, j) * h[j];
      }
      sums[i] = (float) sum;
    }
    return sums;
  }

  /**
   * {@code estimate} with the smallest correction under which a share of the moves at {@code
   * epsilon} is not overlooked; 0 if no unit moves.
   *
   * @param estimate of this layer's gate; its own correction is not used
   * @param epsilon above 0 and below 1
   * @param share above 0 and at most 1
   * @throws IllegalArgumentException if epsilon or the share is out of range, or the estimate has
   *     the shapes of another layer
   */
  public GateEstimate calibrated(GateEstimate estimate, float epsilon, double share) {
    if (!(epsilon > 0 && epsilon < 1)) {
      throw new IllegalArgumentException(
          "epsilon %s; expected a number above 0 and below 1".formatted(epsilon));
    }
    requireShare(share);
    // The layer itself refuses an estimate with other shapes.
    layer.withEstimate(estimate);
    double[] mass = new double[layer.outputs()];
    double[] needed = new double[layer.outputs() * moments.size()];
    int count = 0;
    for (Moment moment : moments) {
      if (moment.first()) {
        Arrays.fill(mass, 0);
      }
      float[] narrow =
          sums(estimate.wDown(), estimate.uDown(), moment.token(), moment.x(), moment.h(), null);
      for (int i = 0; i < mass.length; i++) {
        double z = 1 / (1 + Math.exp(-moment.a()[i]));
        if (mass[i] + z > epsilon) {
          double estimated = layer.z().b().at(i, 0);
          for (int k = 0; k < narrow.length; k++) {
            estimated += (double) estimate.up().at(i, k) * narrow[k];
          }
          double gap = epsilon - mass[i];
          needed[count++] = Math.log(gap / (1 - gap)) - estimated;
          mass[i] = 0;
        } else {
          mass[i] += z;
        }
      }
    }
    if (count == 0) {
      return estimate.withCorrection(0);
    }
    Arrays.sort(needed, 0, count);
    double at = needed[Math.min(count, (int) Math.ceil(share * count)) - 1];
    return estimate.withCorrection((float) Math.max(at + ABOVE, LOWEST));
  }

  /** Refuses a share that no correction can meet or that asks for nothing. */
  static void requireShare(double share) {
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException(
          "share %s; expected a number above 0 and at most 1".formatted(share));
    }
  }
}
