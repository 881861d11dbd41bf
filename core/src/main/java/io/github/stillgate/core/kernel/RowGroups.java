package io.github.stillgate.core.kernel;

import java.util.List;

/**
 * What is to be packed group-major: group i (a unit, or a block of neighbouring units) owns the
 * rows of its units in each matrix. Rows over the state come first in a group, then rows over the
 * input; each is summed separately.
 *
 * @param groupUnits units in each group; divides the number of rows
 * @param state matrices that multiply the state, all (units, state width); may be empty
 * @param input matrices that multiply the input, all (units, input width); may be empty
 */
public record RowGroups(int groupUnits, List<DenseMatrix> state, List<DenseMatrix> input) {
  /** Checks that all shapes agree. */
  public RowGroups {
    state = List.copyOf(state);
    input = List.copyOf(input);
    if (state.isEmpty() && input.isEmpty()) {
      throw new IllegalArgumentException("a group needs at least one row");
    }
    checkAlike(state);
    checkAlike(input);
    if (!state.isEmpty() && !input.isEmpty() && state.get(0).rows() != input.get(0).rows()) {
      throw new IllegalArgumentException(
          "state matrices have %d rows, input matrices %d"
              .formatted(state.get(0).rows(), input.get(0).rows()));
    }
    int units = (state.isEmpty() ? input : state).get(0).rows();
    if (groupUnits < 1 || units % groupUnits != 0) {
      throw new IllegalArgumentException(
          "%d units cannot be cut into groups of %d".formatted(units, groupUnits));
    }
  }

  /** Groups of one unit each. */
  public RowGroups(List<DenseMatrix> state, List<DenseMatrix> input) {
    this(1, state, input);
  }

  /** Number of units: rows of each matrix. */
  public int units() {
    return (state.isEmpty() ? input : state).get(0).rows();
  }

  /** Number of groups. */
  public int groups() {
    return units() / groupUnits;
  }

  private static void checkAlike(List<DenseMatrix> matrices) {
    for (DenseMatrix m : matrices) {
      DenseMatrix first = matrices.get(0);
      if (m.rows() != first.rows() || m.columns() != first.columns()) {
        throw new IllegalArgumentException(
            "rows of one group differ in shape: %d x %d and %d x %d"
                .formatted(first.rows(), first.columns(), m.rows(), m.columns()));
      }
    }
  }
}
