package io.github.stillgate.core.kernel.reference;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.BlockLayout;
import io.github.stillgate.core.kernel.PackedRows;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Blocks summed as {@link BlockLayout} says, one row's chain after the other. */
final class ReferenceBlocks extends PackedRows {
  private final BlockLayout layout;
  private final MemorySegment weights;

  ReferenceBlocks(BlockLayout layout, MemorySegment weights) {
    super(layout);
    this.layout = layout;
    this.weights = weights;
  }

  @Override
  public void multiply(
      ActiveSet set,
      int from,
      int to,
      @Nullable MemorySegment state,
      @Nullable MemorySegment stateSums,
      @Nullable MemorySegment input,
      @Nullable MemorySegment inputSums) {
    BlockLayout l = layout;
    for (int position = from; position < to; position++) {
      int group = set.at(position);
      long at = group * l.groupStride();
      if (state != null && stateSums != null) {
        sumRows(at, group, l.stateRows(), l.stateWidth(), state, stateSums);
      }
      if (input != null && inputSums != null) {
        sumRows(at + l.inputAt(), group, l.inputRows(), l.inputWidth(), input, inputSums);
      }
    }
  }

  private void sumRows(
      long at, int group, int kinds, int width, MemorySegment vector, MemorySegment sums) {
    int units = layout.groupUnits();
    for (int row = 0; row < kinds * units; row++) {
      long panelAt = at + (long) (row / BlockLayout.PANEL_ROWS) * width * BlockLayout.PANEL_ROWS;
      float sum = chain(panelAt + row % BlockLayout.PANEL_ROWS, vector, width);
      int unit = group * units + row % units;
      sums.setAtIndex(JAVA_FLOAT, (long) (row / units) * layout.sumStride() + unit, sum);
    }
  }

  private float chain(long at, MemorySegment vector, int width) {
    float sum = 0;
    for (int column = 0; column < width; column++) {
      float weight = weights.getAtIndex(JAVA_FLOAT, at + (long) column * BlockLayout.PANEL_ROWS);
      sum = Math.fma(weight, vector.getAtIndex(JAVA_FLOAT, column), sum);
    }
    return sum;
  }
}
