package io.github.stillgate.core.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Where a {@link PackedRows} keeps its groups, and the order in which one row is summed. Groups of
 * one unit lie in {@link RowLayout}, larger ones in {@link BlockLayout}; each layout has an order
 * of its own, which all backends share.
 *
 * <p>In both, a group is one contiguous run: the rows that multiply the state, then those that
 * multiply the input. And in both, the sum of unit i's row k over the state stands at {@code k *
 * sumStride + i} of the state sums, and likewise for the input.
 */
public sealed interface GroupLayout permits RowLayout, BlockLayout {
  /** Floats behind the sums that a kernel may use: two panels. */
  int SORTING_ROOM = 64;

  /** The layout {@code rows} are packed in. */
  static GroupLayout of(RowGroups rows) {
    return rows.groupUnits() == 1 ? RowLayout.of(rows) : BlockLayout.of(rows);
  }

  /** Number of groups. */
  int groups();

  /** Units in each group. */
  int groupUnits();

  /** Rows over the state of each unit. */
  int stateRows();

  /** Rows over the input of each unit. */
  int inputRows();

  /** Width of the state in floats, padded or not; 0 if no row reads it. */
  int stateWidth();

  /** Width of the input in floats, padded or not; 0 if no row reads it. */
  int inputWidth();

  /** Floats from one group to the next. */
  long groupStride();

  /** Floats between the sums of one row kind and the next: the padded number of units. */
  default int sumStride() {
    return RowLayout.padded(groups() * groupUnits());
  }

  /**
   * Floats that hold the sums of {@code rows} row kinds: {@code rows * sumStride} and, behind them,
   * room in which a kernel may sort what it has summed.
   */
  default int sumFloats(int rows) {
    return rows * sumStride() + SORTING_ROOM;
  }

  /** Size of the whole pack. */
  default long bytes() {
    return Math.multiplyExact(Math.multiplyExact(groups(), groupStride()), 4L);
  }

  /** Bytes one group contributes to a multiplication over the state, the input, or both. */
  long groupBytes(boolean overState, boolean overInput);

  /** Copies {@code rows} into freshly allocated, zero-padded memory of this layout. */
  MemorySegment pack(RowGroups rows, Arena memory);
}
