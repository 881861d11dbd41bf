package io.github.stillgate.bench.paper.sru;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sru;
import io.github.stillgate.core.model.Sums;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/** Stacks of layers with random weights, for what is only timed. */
final class Stacks {
  private final SplittableRandom random = new SplittableRandom(11);

  private Stacks() {}

  /** Makes one layer. */
  private interface Kind {
    Layer make(String name, int inputs, int units);
  }

  /**
   * LSTM layers.
   *
   * @param inputs values that the first layer reads
   * @param units of a layer and direction
   * @param layers how many
   * @param bothWays whether each reads in both directions
   */
  static Model lstm(int inputs, int units, int layers, boolean bothWays) {
    return stack(new Stacks()::lstm, inputs, units, layers, bothWays);
  }

  /** SRU layers; the highway has a matrix where a layer reads another number than it has units. */
  static Model sru(int inputs, int units, int layers, boolean bothWays) {
    return stack(new Stacks()::sru, inputs, units, layers, bothWays);
  }

  private static Model stack(Kind kind, int inputs, int units, int layers, boolean bothWays) {
    List<Layer> stack = new ArrayList<>();
    int width = inputs;
    for (int i = 0; i < layers; i++) {
      Layer layer =
          bothWays
              ? new Bidirectional(
                  "rnn" + i,
                  kind.make("forward", width, units),
                  kind.make("backward", width, units))
              : kind.make("rnn" + i, width, units);
      stack.add(layer);
      width = layer.outputs();
    }
    return new Model(stack);
  }

  private Layer lstm(String name, int inputs, int units) {
    return Lstm.named(name)
        .input(sums(inputs, units))
        .forget(sums(inputs, units))
        .output(sums(inputs, units))
        .cell(sums(inputs, units))
        .build();
  }

  private Layer sru(String name, int inputs, int units) {
    Matrix candidate = matrix(units, inputs);
    Sru.Gate forget = gate(inputs, units);
    Sru.Gate reset = gate(inputs, units);
    return new Sru(
        name,
        candidate,
        forget,
        inputs == units
            ? new Sru.Highway.FromInput(reset, 1)
            : new Sru.Highway.FromMatrix(reset, matrix(units, inputs)),
        Activation.LINEAR);
  }

  private Sru.Gate gate(int inputs, int units) {
    return new Sru.Gate(matrix(units, inputs), Optional.of(vector(units)), vector(units));
  }

  private Sums sums(int inputs, int units) {
    return new Sums(matrix(units, inputs), matrix(units, units), vector(units));
  }

  private Matrix matrix(int rows, int columns) {
    return Matrix.of("W", rows, columns, values(rows * columns, 1 / Math.sqrt(columns)));
  }

  private Matrix vector(int length) {
    return Matrix.vector("b", values(length, 0.2));
  }

  private float[] values(int count, double scale) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextDouble(-scale, scale);
    }
    return values;
  }

  /** Multiplications by weights in one step of one stream, element by element ones left out. */
  static long multiplications(Model model) {
    return model.layers().stream()
        .flatMap(layer -> layer.tensors().values().stream())
        .filter(tensor -> tensor.columns() > 1)
        .mapToLong(tensor -> (long) tensor.rows() * tensor.columns())
        .sum();
  }
}
