package io.github.stillgate.cli;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.model.Vocabulary;
import java.util.List;
import java.util.SplittableRandom;

/** A small random network of gated and dense layers, the same on every machine. */
final class SelfTestModel {
  private static final int TOKENS = 11;
  private static final int UNITS = 75;
  private static final int RANK = 9;

  private final SplittableRandom random = new SplittableRandom(20160311);

  private SelfTestModel() {}

  static Model create() {
    return new SelfTestModel().model();
  }

  private Model model() {
    ConditionalGru conditional =
        ConditionalGru.named("conditional")
            .gating(
                new Gating.Unit(
                    new Sums(
                        matrix("Wu", RANK, TOKENS), matrix("Uu", RANK, UNITS), vector("bu", RANK)),
                    matrix("Wz", UNITS, RANK),
                    vector("bz", UNITS)))
            .reset(
                new Sums(
                    matrix("Wr", UNITS, TOKENS), matrix("Ur", UNITS, UNITS), vector("br", UNITS)))
            .candidate(
                new Sums(
                    matrix("Wc", UNITS, TOKENS), matrix("Uc", UNITS, UNITS), vector("bc", UNITS)))
            .build();
    Gru gru =
        Gru.named("gru")
            .update(
                new Sums(
                    matrix("Wz", UNITS, UNITS), matrix("Uz", UNITS, UNITS), vector("bz", UNITS)))
            .reset(
                new Sums(
                    matrix("Wr", UNITS, UNITS), matrix("Ur", UNITS, UNITS), vector("br", UNITS)))
            .candidate(
                new Sums(
                    matrix("Wc", UNITS, UNITS), matrix("Uc", UNITS, UNITS), vector("bc", UNITS)))
            .build();
    Dense dense =
        new Dense("dense", matrix("W", TOKENS, UNITS), vector("b", TOKENS), Activation.SOFTMAX);
    return new Model(List.of(conditional, gru, dense), new Vocabulary("abcdefghijk"));
  }

  private Matrix matrix(String name, int rows, int columns) {
    return Matrix.of(name, rows, columns, values(rows * columns, 2 / Math.sqrt(columns)));
  }

  private Matrix vector(String name, int length) {
    return Matrix.vector(name, values(length, 0.5));
  }

  private float[] values(int count, double scale) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (scale * (2 * random.nextDouble() - 1));
    }
    return values;
  }
}
