package io.github.stillgate.contract;

import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.RowSource;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** Random weights of some shape, kept row by row so that a test can sum them its own way. */
final class SampleRows {
  /**
   * What is packed.
   *
   * @param widths columns of each operand
   * @param kinds kinds of rows over each operand
   * @param missing whether some units lack some rows, and one group all of a kind
   */
  record Shape(
      int units, int groupUnits, List<Integer> widths, List<Integer> kinds, boolean missing) {
    int groups() {
      return Math.ceilDiv(units, groupUnits);
    }

    int operands() {
      return widths.size();
    }

    /** Floats of the sums over an operand. */
    int sumFloats(int operand) {
      return kinds.get(operand) * Lanes.padded(units);
    }
  }

  private final Shape shape;
  private final List<float[][]> weights = new ArrayList<>();
  private final List<RowGroups.Rows> rows = new ArrayList<>();

  SampleRows(Shape shape, SplittableRandom random) {
    this.shape = shape;
    for (int operand = 0; operand < shape.operands(); operand++) {
      for (int kind = 0; kind < shape.kinds().get(operand); kind++) {
        float[][] matrix = new float[shape.units()][];
        for (int unit = 0; unit < matrix.length; unit++) {
          matrix[unit] = vector(shape.widths().get(operand), random);
        }
        weights.add(matrix);
        rows.add(new RowGroups.Rows(operand, source(matrix), present(random)));
      }
    }
  }

  /**
   * Numbers of both signs and of very different sizes, zeros of both signs, and some so small that
   * their products underflow.
   */
  static float[] vector(int length, SplittableRandom random) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      float value = (float) random.nextGaussian();
      values[i] =
          switch (random.nextInt(16)) {
            case 0 -> 0f;
            case 1 -> -0f;
            case 2 -> value * 1e-22f;
            case 3 -> value * 1e3f;
            default -> value;
          };
    }
    return values;
  }

  /** A random shape. */
  static Shape shape(SplittableRandom random) {
    int units = 1 + random.nextInt(random.nextInt(3) == 0 ? 200 : 70);
    int[] sizes = {1, 5, 32, 64, units, 1 + random.nextInt(70)};
    int operands = 1 + random.nextInt(3);
    return new Shape(
        units,
        sizes[random.nextInt(sizes.length)],
        IntStream.range(0, operands).mapToObj(_ -> 1 + random.nextInt(150)).toList(),
        IntStream.range(0, operands).mapToObj(_ -> 1 + random.nextInt(4)).toList(),
        random.nextBoolean());
  }

  private BitSet present(SplittableRandom random) {
    if (!shape.missing() || random.nextInt(3) == 0) {
      return null;
    }
    BitSet present = new BitSet();
    int without = random.nextInt(shape.groups());
    for (int unit = 0; unit < shape.units(); unit++) {
      present.set(unit, unit / shape.groupUnits() != without && random.nextInt(3) > 0);
    }
    return present;
  }

  static RowSource source(float[][] matrix) {
    return new RowSource() {
      @Override
      public int rows() {
        return matrix.length;
      }

      @Override
      public int columns() {
        return matrix[0].length;
      }

      @Override
      public void copyRow(int row, float[] to) {
        System.arraycopy(matrix[row], 0, to, 0, to.length);
      }
    };
  }

  Shape shape() {
    return shape;
  }

  RowGroups groups() {
    return groups(OptionalInt.empty());
  }

  /** The rows, with an operand that may be given by token. */
  RowGroups groups(OptionalInt tokens) {
    return new RowGroups(shape.units(), shape.groupUnits(), rows, tokens);
  }

  /** The same rows with each weight replaced by {@code function} of it. */
  RowGroups map(UnaryOperator<Float> function) {
    List<RowGroups.Rows> mapped = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      float[][] matrix = new float[shape.units()][];
      for (int unit = 0; unit < matrix.length; unit++) {
        matrix[unit] = weights.get(i)[unit].clone();
        for (int column = 0; column < matrix[unit].length; column++) {
          matrix[unit][column] = function.apply(matrix[unit][column]);
        }
      }
      mapped.add(new RowGroups.Rows(rows.get(i).operand(), source(matrix), rows.get(i).present()));
    }
    return new RowGroups(shape.units(), shape.groupUnits(), mapped, OptionalInt.empty());
  }

  /** Whether a unit has the row of some kind over an operand. */
  boolean has(int operand, int kind, int unit) {
    return rows.get(number(operand, kind)).has(unit);
  }

  /** The row itself. */
  float[] row(int operand, int kind, int unit) {
    return weights.get(number(operand, kind))[unit];
  }

  private int number(int operand, int kind) {
    int before = 0;
    for (int i = 0; i < operand; i++) {
      before += shape.kinds().get(i);
    }
    return before + kind;
  }
}
