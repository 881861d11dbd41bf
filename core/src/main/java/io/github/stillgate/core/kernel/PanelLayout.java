package io.github.stillgate.core.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Where a {@link PackedPanels} keeps its matrix, and the order in which a row is summed.
 *
 * <p>A panel holds {@link #PANEL_ROWS} neighbouring rows column by column, so that lanes are rows
 * and no horizontal sum is needed:
 *
 * <pre>
 *   panel p, column k:  floats (p * columns + k) * 32 .. + 32  =  rows 32 p .. 32 p + 31 of column k
 * </pre>
 *
 * <p><b>Order of a row's sum.</b> One chain: from +0, fused multiply-add in ascending column order.
 * It suits short rows, such as those behind a gate's bottleneck.
 *
 * @param rows rows of the matrix
 * @param columns columns of the matrix
 */
public record PanelLayout(int rows, int columns) {
  /** Rows in a panel. */
  public static final int PANEL_ROWS = RowLayout.LANES;

  /** The number of panels; the last is filled up with zero rows. */
  public int panels() {
    return Math.ceilDiv(rows, PANEL_ROWS);
  }

  /** Size of the whole pack. */
  public long bytes() {
    return 4L * panels() * PANEL_ROWS * columns;
  }

  /** Copies {@code matrix} into freshly allocated, zero-padded memory of this layout. */
  public MemorySegment pack(DenseMatrix matrix, Arena memory) {
    MemorySegment packed = PackMemory.allocate(bytes(), memory);
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        long at = ((long) (row / PANEL_ROWS) * columns + column) * PANEL_ROWS + row % PANEL_ROWS;
        packed.setAtIndex(ValueLayout.JAVA_FLOAT, at, matrix.at(row, column));
      }
    }
    return packed;
  }
}
