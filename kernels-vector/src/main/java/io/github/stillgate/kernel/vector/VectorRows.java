package io.github.stillgate.kernel.vector;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.PackedRows;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Walks the live groups and hands their rows, four at a time, to the kernel of one vector width. Four
 * rows share each load of the vector and keep eight or more multiply-adds in flight.
 */
abstract class VectorRows extends PackedRows {
  /** Groups taken together, so that any number of rows a group fills whole fours. */
  private static final int GROUPS = 4;

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
   * Four row sums in the order of {@link RowLayout}. All offsets in bytes.
   *
   * @param weights the pack
   * @param r0 where the first row begins; then the other three, which may repeat a row
   * @param vector what multiplies the rows
   * @param bytes padded width
   * @param sums receives the sums
   * @param s0 where the first goes; then the other three
   */
  abstract void sumFour(
      MemorySegment weights,
      long r0,
      long r1,
      long r2,
      long r3,
      MemorySegment vector,
      int bytes,
      MemorySegment sums,
      long s0,
      long s1,
      long s2,
      long s3);

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
        sumGroups(set, position, groups, overState, state, stateSums);
      }
      if (input != null && inputSums != null) {
        sumGroups(set, position, groups, overInput, input, inputSums);
      }
    }
  }

  private void sumGroups(
      ActiveSet set, int position, int groups, Walk walk, MemorySegment vector, MemorySegment sums) {
    int last = groups * walk.rows - 1;
    for (int row = 0; row <= last; row += 4) {
      // A short last four repeats its last row: it is in L1 by then, and no second kernel is needed.
      int row1 = Math.min(row + 1, last);
      int row2 = Math.min(row + 2, last);
      int row3 = Math.min(row + 3, last);
      int group0 = set.at(position + walk.groupOf[row]);
      int group1 = set.at(position + walk.groupOf[row1]);
      int group2 = set.at(position + walk.groupOf[row2]);
      int group3 = set.at(position + walk.groupOf[row3]);
      sumFour(
          weights,
          group0 * walk.groupBytes + walk.rowAt[row],
          group1 * walk.groupBytes + walk.rowAt[row1],
          group2 * walk.groupBytes + walk.rowAt[row2],
          group3 * walk.groupBytes + walk.rowAt[row3],
          vector,
          walk.rowBytes,
          sums,
          4L * group0 + walk.sumAt[row],
          4L * group1 + walk.sumAt[row1],
          4L * group2 + walk.sumAt[row2],
          4L * group3 + walk.sumAt[row3]);
    }
  }

  /** Tables that turn the number of a row within four groups into offsets without a division. */
  private static final class Walk {
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
