package io.github.stillgate.core.kernel;

import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What is to be packed group-major. A layer has units; each unit has one row of each kind, and each
 * kind multiplies one operand. Neighbouring units form a group, which is live or still as one.
 *
 * @param units number of units
 * @param groupUnits units in a group; the last group may have fewer
 * @param kinds the kinds of rows, those over operand 0 first, then those over operand 1, ...; every
 *     operand up to the last has at least one
 * @param tokens the operand that may be given as a token, if any: its columns can then be taken
 *     without a multiplication
 * @param reach the largest magnitude of each operand; infinite where none is known
 * @param scales the {@link Int8} scale of each operand where one was found on data, else 0
 * @param movement which values count as moved where sums are kept, but for an operand of tokens
 */
public record RowGroups(
    int units,
    int groupUnits,
    List<Rows> kinds,
    OptionalInt tokens,
    List<Double> reach,
    List<Float> scales,
    Movement movement) {
  /**
   * One kind of rows.
   *
   * @param operand number of the operand it multiplies
   * @param weights row i belongs to unit i
   * @param present units that have such a row; null for all. A missing row is not stored and its
   *     sum is +0
   */
  public record Rows(int operand, RowSource weights, @Nullable BitSet present) {
    /** A kind that every unit has. */
    public Rows(int operand, RowSource weights) {
      this(operand, weights, null);
    }

    /** Whether {@code unit} has such a row. */
    public boolean has(int unit) {
      return present == null || present.get(unit);
    }
  }

  /** Rows over operands of any magnitude. */
  public RowGroups(int units, int groupUnits, List<Rows> kinds, OptionalInt tokens) {
    this(units, groupUnits, kinds, tokens, ofEach(kinds, Double.POSITIVE_INFINITY));
  }

  /** Rows over operands of known magnitude, of which no scale was found. */
  public RowGroups(
      int units, int groupUnits, List<Rows> kinds, OptionalInt tokens, List<Double> reach) {
    this(units, groupUnits, kinds, tokens, reach, ofEach(kinds, 0f), Movement.EXACT);
  }

  private static <T> List<T> ofEach(List<Rows> kinds, T value) {
    int operands = kinds.isEmpty() ? 0 : kinds.getLast().operand() + 1;
    return Collections.nCopies(Math.max(0, operands), value);
  }

  /** Checks that all shapes agree. */
  public RowGroups {
    kinds = List.copyOf(kinds);
    reach = List.copyOf(reach);
    scales = List.copyOf(scales);
    if (kinds.isEmpty()) {
      throw new IllegalArgumentException("a pack needs at least one kind of rows");
    }
    if (groupUnits < 1) {
      throw new IllegalArgumentException("groups of %d units".formatted(groupUnits));
    }
    int operand = 0;
    Rows first = kinds.get(0);
    if (first.operand() != 0) {
      throw new IllegalArgumentException(
          "rows over operand %d and none over operand 0".formatted(first.operand()));
    }
    for (Rows kind : kinds) {
      if (kind.operand() == operand + 1) {
        operand++;
        first = kind;
      }
      if (kind.operand() != operand) {
        throw new IllegalArgumentException(
            "rows over operand %d after rows over operand %d".formatted(kind.operand(), operand));
      }
      RowSource weights = kind.weights();
      if (weights.rows() != units || weights.columns() != first.weights().columns()) {
        throw new IllegalArgumentException(
            "rows over operand %d differ in shape: %d x %d, expected %d x %d"
                .formatted(
                    operand, weights.rows(), weights.columns(), units, first.weights().columns()));
      }
    }
    if (reach.size() != operand + 1 || scales.size() != operand + 1) {
      throw new IllegalArgumentException(
          "magnitudes of %d operands and scales of %d, there are %d"
              .formatted(reach.size(), scales.size(), operand + 1));
    }
    if (tokens.isPresent() && (tokens.getAsInt() < 0 || tokens.getAsInt() > operand)) {
      throw new IllegalArgumentException("no rows over operand %d".formatted(tokens.getAsInt()));
    }
  }

  /** Number of groups. */
  public int groups() {
    return Math.ceilDiv(units, groupUnits);
  }

  /** Number of operands. */
  public int operands() {
    return kinds.getLast().operand() + 1;
  }

  /** The kinds over one operand. */
  public List<Rows> over(int operand) {
    return kinds.stream().filter(kind -> kind.operand() == operand).toList();
  }
}
