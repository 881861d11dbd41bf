package io.github.stillgate.bench;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Sums;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Two stacked LSTMs as structured sparsification leaves them: fewer units, and of their gates some
 * constant, whose rows are zeros. Weights are random, and so is which gates are constant; the time
 * of a step depends on how many there are.
 *
 * @param inputs width of what the first layer reads, and of both layers before pruning
 * @param units units that are left, by layer
 * @param gates gates of these units that are not constant, by layer
 */
public record LstmStructure(int inputs, List<Integer> units, List<Integer> gates) {
  private static final int KINDS = 4;

  /** The small word model, Bayes W+G+N: Table 1 of the paper. */
  public static final LstmStructure SMALL =
      new LstmStructure(200, List.of(52, 108), List.of(197, 349));

  /** The large word model, pruned W+G+N. */
  public static final LstmStructure LARGE =
      new LstmStructure(1500, List.of(252, 394), List.of(881, 1418));

  /**
   * The structure of layers of width {@code inputs}.
   *
   * @throws IllegalArgumentException if the paper has none; the message lists what it has
   */
  public static LstmStructure of(int inputs) {
    return List.of(SMALL, LARGE).stream()
        .filter(structure -> structure.inputs == inputs)
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "no structure of %d units; the paper has %d and %d"
                    .formatted(inputs, SMALL.inputs, LARGE.inputs)));
  }

  /** Both layers whole: nothing is removed. */
  public Model dense() {
    return stack(List.of(inputs, inputs), List.of(KINDS * inputs, KINDS * inputs));
  }

  /** Units are removed, and all gates of the others are there: W+N. */
  public Model unitsRemoved() {
    return stack(units, units.stream().map(n -> KINDS * n).toList());
  }

  /** Units are removed, and of the others some gates are constant: W+G+N. */
  public Model gatesConstant() {
    return stack(units, gates);
  }

  private Model stack(List<Integer> widths, List<Integer> changing) {
    SplittableRandom random = new SplittableRandom(42);
    List<Layer> layers = new ArrayList<>();
    int width = inputs;
    for (int layer = 0; layer < widths.size(); layer++) {
      int n = widths.get(layer);
      layers.add(lstm("rnn" + layer, width, n, changing(n, changing.get(layer), random), random));
      width = n;
    }
    return new Model(layers);
  }

  /** Which of all gates change: {@code count} of them, by kind and unit. */
  private static boolean[] changing(int units, int count, SplittableRandom random) {
    boolean[] changing = new boolean[KINDS * units];
    int left = count;
    for (int gate = 0; gate < changing.length; gate++) {
      changing[gate] = random.nextInt(changing.length - gate) < left;
      left -= changing[gate] ? 1 : 0;
    }
    return changing;
  }

  private static Lstm lstm(
      String name, int inputs, int units, boolean[] changing, SplittableRandom random) {
    List<Sums> sums = new ArrayList<>();
    for (int kind = 0; kind < KINDS; kind++) {
      sums.add(
          new Sums(
              matrix(units, inputs, changing, kind * units, random),
              matrix(units, units, changing, kind * units, random),
              Matrix.vector("b", values(units, 0.2, random))));
    }
    return Lstm.named(name)
        .input(sums.get(0))
        .forget(sums.get(1))
        .output(sums.get(2))
        .cell(sums.get(3))
        .build();
  }

  private static Matrix matrix(
      int rows, int columns, boolean[] changing, int first, SplittableRandom random) {
    float[] values = values(rows * columns, 1.5 / Math.sqrt(columns), random);
    for (int i = 0; i < values.length; i++) {
      if (!changing[first + i / columns]) {
        values[i] = 0;
      }
    }
    return Matrix.of("w", rows, columns, values);
  }

  private static float[] values(int count, double scale, SplittableRandom random) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (scale * random.nextDouble(-1, 1));
    }
    return values;
  }
}
