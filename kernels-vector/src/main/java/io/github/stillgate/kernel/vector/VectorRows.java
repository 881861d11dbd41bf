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

  /** Rows of so many bytes and more fill pages of their own and are best read front to back. */
  static final int LONG_ROW_BYTES = 2048;

  private final int together;
  private final Part overState;
  private final Part overInput;

  VectorRows(RowLayout layout, MemorySegment weights) {
    super(layout);
    boolean longRows = 4 * Math.max(layout.stateStride(), layout.inputStride()) >= LONG_ROW_BYTES;
    this.together = longRows ? 1 : GROUPS;
    this.overState = new Part(layout, weights, 0, layout.stateRows(), layout.stateStride());
    this.overInput =
        new Part(layout, weights, layout.inputAt(), layout.inputRows(), layout.inputStride());
  }

  /**
   * Sums one part of some groups' rows in the order of {@link RowLayout}.
   *
   * @param set group numbers
   * @param position first position in the set
   * @param groups how many, at most {@link #GROUPS}
   * @param part which rows
   * @param vector what multiplies them
   * @param sums receives the sums
   */
  abstract void sumGroups(
      ActiveSet set, int position, int groups, Part part, MemorySegment vector, MemorySegment sums);

  @Override
  public final void multiply(
      ActiveSet set,
      int from,
      int to,
      @Nullable MemorySegment state,
      @Nullable MemorySegment stateSums,
      @Nullable MemorySegment input,
      @Nullable MemorySegment inputSums) {
    for (int position = from; position < to; position += together) {
      int groups = Math.min(together, to - position);
      if (state != null && stateSums != null) {
        sumGroups(set, position, groups, overState, state, stateSums);
      }
      if (input != null && inputSums != null) {
        sumGroups(set, position, groups, overInput, input, inputSums);
      }
    }
  }

  /**
   * The state rows or the input rows of all groups, each row a segment of its own, and tables that
   * turn the number of a row within four groups into a group and a row kind without a division.
   *
   * <p>Segments of exactly a row let C2 hoist the bounds checks of a loop over it (rows of 128 in
   * L2: 80 GB/s against 57 with offsets into the pack). They are made when packing: slices made in
   * the kernel vanish in most compilations, but not in all, and then cost 40 KB a step at n = 256.
   */
  static final class Part {
    final int rows;
    final int rowBytes;
    final int[] groupOf;
    final int[] kindOf;
    final long[] sumAt;
    private final MemorySegment[] segments;

    Part(RowLayout layout, MemorySegment weights, long at, int rows, int stride) {
      this.rows = rows;
      this.rowBytes = 4 * stride;
      this.groupOf = new int[GROUPS * rows];
      this.kindOf = new int[GROUPS * rows];
      this.sumAt = new long[GROUPS * rows];
      for (int i = 0; i < GROUPS * rows; i++) {
        groupOf[i] = i / rows;
        kindOf[i] = i % rows;
        sumAt[i] = 4L * (i % rows) * layout.sumStride();
      }
      this.segments = new MemorySegment[layout.groups() * rows];
      for (int i = 0; i < segments.length; i++) {
        long rowAt = i / rows * layout.groupStride() + at + (long) (i % rows) * stride;
        segments[i] = weights.asSlice(4 * rowAt, rowBytes);
      }
    }

    /**
     * The row at {@code position} among those of four groups, {@code group} being the group it is
     * of.
     */
    MemorySegment row(int group, int position) {
      return segments[group * rows + kindOf[position]];
    }
  }
}
