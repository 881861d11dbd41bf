package io.github.stillgate.importers;

import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Sums;
import java.util.Arrays;
import java.util.Optional;

/**
 * Matrices and biases of several gates, one behind the other, as files hold them.
 *
 * @param inputs d
 * @param units n, rows of one gate
 * @param outputs p, width of the state; n without a projection
 * @param w (gates n) x d, row-major
 * @param u (gates n) x p
 * @param inputBias gates n; empty for none
 * @param stateBias a second one, gates n; empty for none
 */
public record StackedGates(
    int inputs,
    int units,
    int outputs,
    float[] w,
    float[] u,
    Optional<float[]> inputBias,
    Optional<float[]> stateBias) {
  /** Checks that the arrays have equally many gates. */
  public StackedGates {
    if (units < 1 || inputs < 1 || outputs < 1) {
      throw new IllegalArgumentException(
          "%d units behind %d inputs with %d outputs; expected at least 1 of each"
              .formatted(units, inputs, outputs));
    }
    int rows = w.length / inputs / units * units;
    requireLength("input weights", w, Math.multiplyExact(rows, inputs));
    requireLength("state weights", u, Math.multiplyExact(rows, outputs));
    inputBias.ifPresent(b -> requireLength("input bias", b, rows));
    stateBias.ifPresent(b -> requireLength("state bias", b, rows));
  }

  /** Refuses another number of gates than {@code expected}. */
  void requireCount(int expected) {
    int count = w.length / inputs / units;
    if (count != expected) {
      throw new IllegalArgumentException(
          "%d gates of %d units; expected %d gates".formatted(count, units, expected));
    }
  }

  private static void requireLength(String what, float[] values, int expected) {
    if (values.length != expected) {
      throw new IllegalArgumentException(
          "%s: %d values, expected %d".formatted(what, values.length, expected));
    }
  }

  /** The sums of a layer that has no gates but the one. */
  public Sums only(String name) {
    return gate(name, 0);
  }

  /** The sums of one gate; both biases are added up. */
  Sums gate(String name, int position) {
    return new Sums(
        Matrix.of(name + ".W", units, inputs, slice(w, position, inputs)),
        Matrix.of(name + ".U", units, outputs, slice(u, position, outputs)),
        Matrix.vector(name + ".b", sum(bias(inputBias, position), bias(stateBias, position))));
  }

  /** The same with all signs changed: sigmoid of it is 1 - sigmoid. */
  Sums negatedGate(String name, int position) {
    Sums sums = gate(name, position);
    return new Sums(
        Matrix.of(name + ".W", units, inputs, negated(sums.w())),
        Matrix.of(name + ".U", units, outputs, negated(sums.u())),
        Matrix.vector(name + ".b", negated(sums.b())));
  }

  /** One gate's part of the first bias alone, or zeros. */
  float[] inputBias(int position) {
    return bias(inputBias, position);
  }

  /** One gate's part of the second bias alone, or zeros. */
  float[] stateBias(int position) {
    return bias(stateBias, position);
  }

  private float[] bias(Optional<float[]> bias, int position) {
    return bias.map(b -> slice(b, position, 1)).orElseGet(() -> new float[units]);
  }

  private float[] slice(float[] values, int position, int columns) {
    int length = units * columns;
    return Arrays.copyOfRange(values, position * length, (position + 1) * length);
  }

  private static float[] sum(float[] a, float[] b) {
    float[] sum = a.clone();
    for (int i = 0; i < sum.length; i++) {
      sum[i] += b[i];
    }
    return sum;
  }

  private static float[] negated(Matrix m) {
    float[] values = m.toArray();
    for (int i = 0; i < values.length; i++) {
      values[i] = -values[i];
    }
    return values;
  }
}
