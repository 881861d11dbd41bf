package io.github.stillgate.core.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * Groups of several units as panels: {@link #PANEL_ROWS} rows column by column, so that lanes are
 * rows, no horizontal sum is needed, and a live block is one contiguous read.
 *
 * <pre>
 *   block 0                                      block 1
 *   | state panel 0 | state panel 1 | input panel 0 .. | state panel 0 | ...
 *
 *   a panel, column k:  floats k * 32 .. + 32  =  rows 32 p .. 32 p + 31 of column k
 * </pre>
 *
 * The rows of a block are those of its first kind, unit by unit, then those of its second kind: row
 * {@code j} of a part is kind {@code j / groupUnits} of unit {@code j % groupUnits}. The last panel
 * of a part is filled up with zero rows.
 *
 * <p><b>Order of a row's sum.</b> One chain: from +0, fused multiply-add in ascending column order.
 *
 * @param groups number of blocks
 * @param groupUnits units in each block
 * @param stateRows rows over the state of each unit
 * @param stateWidth width of the state, 0 if no row reads it
 * @param inputRows rows over the input of each unit
 * @param inputWidth width of the input, 0 if no row reads it
 */
public record BlockLayout(
    int groups, int groupUnits, int stateRows, int stateWidth, int inputRows, int inputWidth)
    implements GroupLayout {
  /** Rows in a panel. */
  public static final int PANEL_ROWS = RowLayout.LANES;

  static BlockLayout of(RowGroups rows) {
    List<DenseMatrix> state = rows.state();
    List<DenseMatrix> input = rows.input();
    return new BlockLayout(
        rows.groups(),
        rows.groupUnits(),
        state.size(),
        state.isEmpty() ? 0 : state.get(0).columns(),
        input.size(),
        input.isEmpty() ? 0 : input.get(0).columns());
  }

  /** Panels over the state in each block. */
  public int statePanels() {
    return Math.ceilDiv(stateRows * groupUnits, PANEL_ROWS);
  }

  /** Panels over the input in each block. */
  public int inputPanels() {
    return Math.ceilDiv(inputRows * groupUnits, PANEL_ROWS);
  }

  /** Float offset of a block's panels over the input. */
  public long inputAt() {
    return (long) PANEL_ROWS * statePanels() * stateWidth;
  }

  @Override
  public long groupStride() {
    return inputAt() + (long) PANEL_ROWS * inputPanels() * inputWidth;
  }

  @Override
  public long groupBytes(boolean overState, boolean overInput) {
    // Rows, not panels: kernels leave out registers that hold only padding.
    long state = (long) stateRows * groupUnits * stateWidth;
    long input = (long) inputRows * groupUnits * inputWidth;
    return 4 * ((overState ? state : 0) + (overInput ? input : 0));
  }

  @Override
  public MemorySegment pack(RowGroups rows, Arena memory) {
    MemorySegment packed = PackMemory.allocate(bytes(), memory);
    for (int group = 0; group < groups; group++) {
      long at = group * groupStride();
      packPart(rows.state(), group, packed, at);
      packPart(rows.input(), group, packed, at + inputAt());
    }
    return packed;
  }

  private void packPart(List<DenseMatrix> kinds, int group, MemorySegment packed, long partAt) {
    for (int kind = 0; kind < kinds.size(); kind++) {
      DenseMatrix m = kinds.get(kind);
      for (int unit = 0; unit < groupUnits; unit++) {
        int row = kind * groupUnits + unit;
        long at = partAt + (long) (row / PANEL_ROWS) * m.columns() * PANEL_ROWS + row % PANEL_ROWS;
        for (int column = 0; column < m.columns(); column++) {
          packed.setAtIndex(
              ValueLayout.JAVA_FLOAT,
              at + (long) column * PANEL_ROWS,
              m.at(group * groupUnits + unit, column));
        }
      }
    }
  }
}
