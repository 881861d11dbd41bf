package io.github.stillgate.bench;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.model.Vocabulary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;

/**
 * Random networks of the shapes that are measured; the time of a step does not depend on training.
 */
public final class Networks {
  /** Tokens of the conditional network, and inputs of its full twin. */
  public static final int TOKENS = 27;

  static final int RANK = 16;
  private static final String ALPHABET = " abcdefghijklmnopqrstuvwxyz";

  private static final double SCALE = 3;

  /**
   * Of what a gate reads of the state. With {@link #SCALE} the units that stand still decide which
   * others do: the share that is live then drifts over thousands of steps.
   */
  private static final double GATE_SCALE = 0.3;

  /** Steps until a state no longer shows where it began, and steps whose live units are counted. */
  private static final int SETTLING = 100;

  private static final int COUNTED = 400;

  private final SplittableRandom random = new SplittableRandom(42);

  private Networks() {}

  /**
   * 27-n-n-27 with unit gating and softmax, the gate biases of each layer set so that about {@code
   * live} of its units move in a step on random tokens; which ones changes from step to step.
   *
   * <p>The first layer is set first, since the second reads it.
   */
  public static Model conditional(int units, double live) {
    float first = gateBias(live, 0, bias -> conditional(units, bias, 0));
    float second = gateBias(live, 1, bias -> conditional(units, first, bias));
    return conditional(units, first, second);
  }

  /** Of the biases that a bisection tries, the one whose share of live units is the closest. */
  private static float gateBias(double live, int layer, Function<Float, Model> network) {
    float low = -8;
    float high = 8;
    float best = 0;
    double closest = Double.POSITIVE_INFINITY;
    for (int i = 0; i < 14 && closest > 0.005; i++) {
      float bias = (low + high) / 2;
      double measured = liveFraction(network.apply(bias), layer);
      if (Math.abs(measured - live) < closest) {
        closest = Math.abs(measured - live);
        best = bias;
      }
      if (measured > live) {
        high = bias;
      } else {
        low = bias;
      }
    }
    return best;
  }

  private static double liveFraction(Model model, int layer) {
    float[] out = new float[TOKENS];
    SplittableRandom tokens = new SplittableRandom(7);
    long live = 0;
    try (Plan plan = Plan.compile(model, PlanOptions.defaults());
        Session session = Session.open(plan)) {
      for (int step = 0; step < SETTLING + COUNTED; step++) {
        session.step(tokens.nextInt(TOKENS), out);
        live += step < SETTLING ? 0 : session.stats().liveUnits(layer);
      }
      return (double) live / COUNTED / session.stats().units(layer);
    }
  }

  private static Model conditional(int units, float firstBias, float secondBias) {
    Networks n = new Networks();
    return new Model(
        List.of(
            n.layer("rnn0", TOKENS, units, firstBias),
            n.layer("rnn1", units, units, secondBias),
            new Dense(
                "out", n.matrix("W", TOKENS, units), n.vector("b", TOKENS), Activation.SOFTMAX)),
        new Vocabulary(ALPHABET));
  }

  /** Two full GRU layers, d-n-n, no output layer. */
  public static Model gru(int inputs, int units) {
    Networks n = new Networks();
    return new Model(List.of(n.gruLayer("rnn0", inputs, units), n.gruLayer("rnn1", units, units)));
  }

  private ConditionalGru layer(String name, int inputs, int units, float gateBias) {
    float[] bz = new float[units];
    Arrays.fill(bz, gateBias);
    return ConditionalGru.named(name)
        .gating(
            new Gating.Unit(
                new Sums(
                    matrix("Wu", RANK, inputs),
                    matrix("Uu", RANK, units, GATE_SCALE),
                    vector("bu", RANK)),
                matrix("Wz", units, RANK),
                Matrix.vector("bz", bz)))
        .reset(
            new Sums(matrix("Wr", units, inputs), matrix("Ur", units, units), vector("br", units)))
        .candidate(
            new Sums(matrix("Wc", units, inputs), matrix("Uc", units, units), vector("bc", units)))
        .build();
  }

  private Gru gruLayer(String name, int inputs, int units) {
    return Gru.named(name)
        .update(
            new Sums(matrix("Wz", units, inputs), matrix("Uz", units, units), vector("bz", units)))
        .reset(
            new Sums(matrix("Wr", units, inputs), matrix("Ur", units, units), vector("br", units)))
        .candidate(
            new Sums(matrix("Wc", units, inputs), matrix("Uc", units, units), vector("bc", units)))
        .build();
  }

  private Matrix matrix(String name, int rows, int columns) {
    return matrix(name, rows, columns, SCALE);
  }

  private Matrix matrix(String name, int rows, int columns, double scale) {
    return Matrix.of(name, rows, columns, values(rows * columns, scale / Math.sqrt(columns)));
  }

  private Matrix vector(String name, int length) {
    return Matrix.vector(name, values(length, 0.2));
  }

  private float[] values(int count, double scale) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (scale * (2 * random.nextDouble() - 1));
    }
    return values;
  }
}
