package io.github.stillgate.cli;

import io.github.stillgate.core.model.GateEstimate;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
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
 * What one GRU reads and how its gates stand while the exact network runs over data: what the
 * correction of an estimate is found on.
 */
final class GateCalibration {
  /** Enough for thousands of moves of every unit; more would only take longer. */
  private static final int STEPS = 2_000;

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

  /** Runs the layers up to layer {@code at} of {@code model} over the first steps of the data. */
  GateCalibration(Model model, int at, TuneData data, PlanOptions options) {
    this.layer = (Gru) model.layers().get(at);
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
    List<Layer> some = model.layers().subList(0, layers);
    return model.vocabulary().map(v -> new Model(some, v)).orElseGet(() -> new Model(some));
  }

  private void run(TuneData data, Session states, @Nullable Session inputs, int width) {
    for (TuneData.Sequence sequence : data.sequences()) {
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
        } else if (sequence.tokens().isPresent()) {
          token = sequence.tokens().get()[t];
        } else {
          x = sequence.vectors()[t];
        }
        moments.add(
            new Moment(
                t == 0,
                token,
                x,
                h,
                sums(layer.z().w(), layer.z().u(), token, x, h, layer.z().b())));
        h = new float[layer.outputs()];
        sequence.step(states, t, h);
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
   * The estimate with the smallest correction under which a share of the units that fire at {@code
   * epsilon} also seems to: for a unit with mass m and guess a^ that takes {@code c > logit(epsilon
   * - m) - a^}.
   *
   * @param share above 0 and at most 1
   */
  GateEstimate calibrated(GateEstimate estimate, float epsilon, double share) {
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
          double guess = layer.z().b().at(i, 0);
          for (int k = 0; k < narrow.length; k++) {
            guess += (double) estimate.up().at(i, k) * narrow[k];
          }
          double gap = epsilon - mass[i];
          needed[count++] = Math.log(gap / (1 - gap)) - guess;
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
    // Above, not at: a mass must exceed epsilon. A unit whose mass is epsilon needs nothing.
    return estimate.withCorrection((float) Math.max(at + 1e-4, -100));
  }
}
