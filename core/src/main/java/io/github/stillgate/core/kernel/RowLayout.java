package io.github.stillgate.core.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * Groups of one unit, row by row.
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
public record RowLayout(int groups, int stateRows, int stateStride, int inputRows, int inputStride)
    implements GroupLayout {
  /** Partial sums a row, and the multiple every extent is padded to. */
  public static final int LANES = 32;

  /**
   * A pack of so many bytes and more is read once for all streams of a batch, row by row; a smaller
   * one stays in a core's second-level cache and goes stream by stream, without sorting by group.
   * Where all groups are live in all streams nothing needs sorting, and a backend may share any.
   */
  public static final long WORTH_SHARING = 1L << 20;

  /** Alignment of all memory in bytes. */
  public static final int ALIGNMENT = 64;

  static RowLayout of(RowGroups rows) {
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

  @Override
  public int groupUnits() {
    return 1;
  }

  @Override
  public int stateWidth() {
    return stateStride;
  }

  @Override
  public int inputWidth() {
    return inputStride;
  }

  @Override
  public long groupStride() {
    return (long) stateRows * stateStride + (long) inputRows * inputStride;
  }

  /** Float offset of a group's rows over the input. */
  public long inputAt() {
    return (long) stateRows * stateStride;
  }

  @Override
  public long groupBytes(boolean overState, boolean overInput) {
    return 4L
        * ((overState ? (long) stateRows * stateStride : 0)
            + (overInput ? (long) inputRows * inputStride : 0));
  }

  @Override
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
