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

/**
 * Random networks of the shapes that are measured; the time of a step does not depend on training.
 */
public final class Networks {
  /** Tokens of the conditional network, and inputs of its full twin. */
  public static final int TOKENS = 27;

  static final int RANK = 16;
  private static final String ALPHABET = " abcdefghijklmnopqrstuvwxyz";

  private final SplittableRandom random = new SplittableRandom(42);

  private Networks() {}

  /**
   * 27-n-n-27 with unit gating and softmax, its gate biases set so that about {@code live} of the
   * units move in a step on random tokens; which ones changes from step to step.
   */
  public static Model conditional(int units, double live) {
    double low = -8;
    double high = 8;
    Model model = conditional(units, 0f);
    for (int i = 0; i < 12; i++) {
      double bias = (low + high) / 2;
      model = conditional(units, (float) bias);
      double measured = liveFraction(model);
      if (Math.abs(measured - live) < 0.01) {
        break;
      }
      if (measured > live) {
        high = bias;
      } else {
        low = bias;
      }
    }
    return model;
  }

  private static double liveFraction(Model model) {
    float[] out = new float[TOKENS];
    SplittableRandom tokens = new SplittableRandom(7);
    try (Plan plan = Plan.compile(model, PlanOptions.defaults());
        Session session = Session.open(plan)) {
      for (int step = 0; step < 200; step++) {
        session.step(tokens.nextInt(TOKENS), out);
      }
      return (session.stats().liveFraction(0) + session.stats().liveFraction(1)) / 2;
    }
  }

  private static Model conditional(int units, float gateBias) {
    Networks n = new Networks();
    return new Model(
        List.of(
            n.layer("rnn0", TOKENS, units, gateBias),
            n.layer("rnn1", units, units, gateBias),
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
                new Sums(matrix("Wu", RANK, inputs), matrix("Uu", RANK, units), vector("bu", RANK)),
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
    return Matrix.of(name, rows, columns, values(rows * columns, 3 / Math.sqrt(columns)));
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
