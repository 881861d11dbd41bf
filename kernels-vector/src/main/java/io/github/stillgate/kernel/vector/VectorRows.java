package io.github.stillgate.kernel.vector;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.PackedRows;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Walks the live groups, four at a time, and leaves their rows to the kernel of one vector width.
 * Rows that are summed together share each load of the vector and keep its multiply-adds in flight.
 */
abstract class VectorRows extends PackedRows {
  /** Groups taken together, so that any number of rows a group fills whole fours. */
  static final int GROUPS = 4;

  private final MemorySegment weights;
  private final Walk overState;
  private final Walk overInput;

  VectorRows(RowLayout layout, MemorySegment weights) {
    super(layout);
    this.weights = weights;
    this.overState = new Walk(layout, 0, layout.stateRows(), layout.stateStride());
    this.overInput = new Walk(layout, layout.inputAt(), layout.inputRows(), layout.inputStride());
  }

  /**
   * Sums one part of some groups' rows in the order of {@link RowLayout}.
   *
   * @param weights the pack
   * @param set group numbers
   * @param position first position in the set
   * @param groups how many, at most {@link #GROUPS}
   * @param walk which rows
   * @param vector what multiplies them
   * @param sums receives the sums
   */
  abstract void sumGroups(
      MemorySegment weights,
      ActiveSet set,
      int position,
      int groups,
      Walk walk,
      MemorySegment vector,
      MemorySegment sums);

  @Override
  public final void multiply(
      ActiveSet set,
      int from,
      int to,
      @Nullable MemorySegment state,
      @Nullable MemorySegment stateSums,
      @Nullable MemorySegment input,
      @Nullable MemorySegment inputSums) {
    for (int position = from; position < to; position += GROUPS) {
      int groups = Math.min(GROUPS, to - position);
      if (state != null && stateSums != null) {
        sumGroups(weights, set, position, groups, overState, state, stateSums);
      }
      if (input != null && inputSums != null) {
        sumGroups(weights, set, position, groups, overInput, input, inputSums);
      }
    }
  }

  /** Tables that turn the number of a row within four groups into offsets without a division. */
  static final class Walk {
    final int rows;
    final int rowBytes;
    final long groupBytes;
    final int[] groupOf;
    final long[] rowAt;
    final long[] sumAt;

    Walk(RowLayout layout, long at, int rows, int stride) {
      this.rows = rows;
      this.rowBytes = 4 * stride;
      this.groupBytes = 4 * layout.groupStride();
      this.groupOf = new int[GROUPS * rows];
      this.rowAt = new long[GROUPS * rows];
      this.sumAt = new long[GROUPS * rows];
      for (int i = 0; i < GROUPS * rows; i++) {
        int row = i % rows;
        groupOf[i] = i / rows;
        rowAt[i] = 4 * (at + (long) row * stride);
        sumAt[i] = 4L * row * layout.sumStride();
      }
    }
  }
}
