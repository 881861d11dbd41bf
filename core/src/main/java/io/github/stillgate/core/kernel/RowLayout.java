package io.github.stillgate.core.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * Where the rows of a {@link PackedRows} lie, and the order in which one row is summed. All
 * backends share it.
 *
 * <pre>
 *   group 0                                     group 1
 *   | state row 0 | state row 1 | input row 0 .. | state row 0 | ...
 *   |&lt;-stateStride-&gt;|           |&lt;-inputStride-&gt;|
 *   |&lt;--------------- groupStride --------------&gt;|
 * </pre>
 *
 * Rows are padded with zeros to a multiple of {@link #LANES} floats, so each begins on a cache
 * line.
 *
 * <p><b>Order of a row's sum.</b> 32 partial sums, number l taking the elements l, l + 32, l + 64,
 * ... by fused multiply-add from +0; then the tree p[l] += p[l + 16], p[l] += p[l + 8], += 4, += 2,
 * += 1. 512-bit code keeps two registers a row, 256-bit code four, 128-bit code eight.
 *
 * @param groups number of groups
 * @param stateRows rows over the state in each group
 * @param stateStride padded width of the state in floats, 0 if no row reads it
 * @param inputRows rows over the input in each group
 * @param inputStride padded width of the input in floats, 0 if no row reads it
 */
public record RowLayout(
    int groups, int stateRows, int stateStride, int inputRows, int inputStride) {
  /** Partial sums a row, and the multiple every extent is padded to. */
  public static final int LANES = 32;

  /** Alignment of all memory in bytes. */
  public static final int ALIGNMENT = 64;

  /** The layout of {@code rows}. */
  public static RowLayout of(RowGroups rows) {
    List<DenseMatrix> state = rows.state();
    List<DenseMatrix> input = rows.input();
    return new RowLayout(
        rows.groups(),
        state.size(),
        state.isEmpty() ? 0 : padded(state.get(0).columns()),
        input.size(),
        input.isEmpty() ? 0 : padded(input.get(0).columns()));
  }

  /** {@code extent} rounded up to a multiple of {@link #LANES}. */
  public static int padded(int extent) {
    return Math.multiplyExact(Math.ceilDiv(extent, LANES), LANES);
  }

  /** Floats from one group to the next. */
  public long groupStride() {
    return (long) stateRows * stateStride + (long) inputRows * inputStride;
  }

  /** Float offset of a group's rows over the input. */
  public long inputAt() {
    return (long) stateRows * stateStride;
  }

  /** Floats between the sums of one row kind and the next: the padded number of groups. */
  public int sumStride() {
    return padded(groups);
  }

  /** Size of the whole pack. */
  public long bytes() {
    return Math.multiplyExact(Math.multiplyExact(groups, groupStride()), 4L);
  }

  /** Bytes one group contributes to a multiplication over the state, the input, or both. */
  public long groupBytes(boolean overState, boolean overInput) {
    return 4L
        * ((overState ? (long) stateRows * stateStride : 0)
            + (overInput ? (long) inputRows * inputStride : 0));
  }

  /** Copies {@code rows} into freshly allocated, zero-padded memory of this layout. */
  public MemorySegment pack(RowGroups rows, Arena memory) {
    MemorySegment packed = PackMemory.allocate(bytes(), memory);
    for (int group = 0; group < groups; group++) {
      long at = group * groupStride();
      at = copyRows(rows.state(), group, stateStride, packed, at);
      copyRows(rows.input(), group, inputStride, packed, at);
    }
    return packed;
  }

  private static long copyRows(
      List<DenseMatrix> matrices, int row, int stride, MemorySegment packed, long at) {
    for (DenseMatrix m : matrices) {
      MemorySegment.copy(
          m.values(), row * m.columns(), packed, ValueLayout.JAVA_FLOAT, 4 * at, m.columns());
      at += stride;
    }
    return at;
  }
}
