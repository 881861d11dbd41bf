package io.github.stillgate.bench.step;

import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Sums;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Layers whose input decides which of their states move: unit i follows input i. So a feed that
 * changes a share of its values moves, one step later, the same share of the states.
 *
 * <p>The gates stand open (a GRU's update gate, an LSTM's input and output gate) or shut (its
 * forget gate) by a bias of {@value #BIAS}, which their random weights do not overcome. The
 * candidate of unit i is {@code tanh(w x_i)} and a little of all states. For {@code x_i = +-INPUT}
 * a state is within a third of an int8 step of {@code +-STATE / 127}: it keeps its int8 value
 * exactly as long as its input does.
 *
 * <p>Matrices are whole, and a product's time does not depend on their values.
 */
final class DrivenLayer {
  /** Magnitude of every input. A change is twice that, and so no larger than one column bears. */
  static final float INPUT = 50f / 127;

  /** Magnitude of every state, as int8. */
  static final int STATE = 60;

  private static final double BIAS = 9;

  /** Magnitude of a gate's weights times the root of their number. */
  private static final double GATE_SPREAD = 0.5;

  /** The same of what a candidate sees of the states. */
  private static final double STATE_SPREAD = 1e-3;

  private final int units;
  private final SplittableRandom random = new SplittableRandom(12);

  private DrivenLayer(int units) {
    this.units = units;
  }

  static Gru gru(int units) {
    DrivenLayer draw = new DrivenLayer(units);
    return Gru.named("driven")
        .update(draw.gate(BIAS))
        .reset(draw.gate(0))
        .candidate(draw.candidate(atanh(STATE / 127.0)))
        .build();
  }

  /** Its state is the tanh of a tanh. */
  static Lstm lstm(int units) {
    DrivenLayer draw = new DrivenLayer(units);
    return Lstm.named("driven")
        .input(draw.gate(BIAS))
        .forget(draw.gate(-BIAS))
        .output(draw.gate(BIAS))
        .cell(draw.candidate(atanh(atanh(STATE / 127.0))))
        .build();
  }

  /** The layer of this kind. */
  static Layer of(Cell cell, int units) {
    return switch (cell) {
      case GRU -> gru(units);
      case LSTM -> lstm(units);
      case CONDITIONAL ->
          throw new IllegalArgumentException("a conditional network skips rows, not columns");
    };
  }

  private Sums gate(double bias) {
    float[] biases = new float[units];
    Arrays.fill(biases, (float) bias);
    return new Sums(
        Matrix.of("w", units, units, values(GATE_SPREAD)),
        Matrix.of("u", units, units, values(GATE_SPREAD)),
        Matrix.vector("b", biases));
  }

  private Sums candidate(double sum) {
    float[] w = new float[units * units];
    for (int i = 0; i < units; i++) {
      w[i * units + i] = (float) (sum / INPUT);
    }
    return new Sums(
        Matrix.of("w", units, units, w),
        Matrix.of("u", units, units, values(STATE_SPREAD)),
        Matrix.vector("b", new float[units]));
  }

  private float[] values(double spread) {
    float[] values = new float[units * units];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (spread / Math.sqrt(units) * random.nextDouble(-1, 1));
    }
    return values;
  }

  private static double atanh(double value) {
    return Math.log((1 + value) / (1 - value)) / 2;
  }
}
