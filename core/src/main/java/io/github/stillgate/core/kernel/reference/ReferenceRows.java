package io.github.stillgate.core.kernel.reference;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.PackedRows;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Rows summed as {@link RowLayout} says, in plain loops. */
final class ReferenceRows extends PackedRows {
  private final RowLayout layout;
  private final MemorySegment weights;

  ReferenceRows(RowLayout layout, MemorySegment weights) {
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
    RowLayout l = layout;
    for (int position = from; position < to; position++) {
      int group = set.at(position);
      long at = group * l.groupStride();
      if (state != null && stateSums != null) {
        sumRows(at, l.stateRows(), l.stateStride(), state, stateSums, group);
      }
      if (input != null && inputSums != null) {
        sumRows(at + l.inputAt(), l.inputRows(), l.inputStride(), input, inputSums, group);
      }
    }
  }

  private void sumRows(
      long at, int rows, int stride, MemorySegment vector, MemorySegment sums, int group) {
    for (int row = 0; row < rows; row++) {
      float sum = dot(at + (long) row * stride, vector, stride);
      sums.setAtIndex(JAVA_FLOAT, (long) row * layout.sumStride() + group, sum);
    }
  }

  /** The last two levels of the tree: (q0 + q2) + (q1 + q3). */
  private float dot(long at, MemorySegment vector, int width) {
    return (everyFourth(at, vector, width, 0) + everyFourth(at, vector, width, 2))
        + (everyFourth(at, vector, width, 1) + everyFourth(at, vector, width, 3));
  }

  /**
   * The partial sums first, first + 4, ..., first + 28, and their share of the tree. Eight at a
   * time are locals that keep the fused multiply-adds busy; an array of all 32 would be allocated
   * on each call.
   */
  private float everyFourth(long at, MemorySegment vector, int width, int first) {
    float p0 = 0;
    float p4 = 0;
    float p8 = 0;
    float p12 = 0;
    float p16 = 0;
    float p20 = 0;
    float p24 = 0;
    float p28 = 0;
    for (int k = first; k < width; k += RowLayout.LANES) {
      p0 = accumulate(at, vector, k, p0);
      p4 = accumulate(at, vector, k + 4, p4);
      p8 = accumulate(at, vector, k + 8, p8);
      p12 = accumulate(at, vector, k + 12, p12);
      p16 = accumulate(at, vector, k + 16, p16);
      p20 = accumulate(at, vector, k + 20, p20);
      p24 = accumulate(at, vector, k + 24, p24);
      p28 = accumulate(at, vector, k + 28, p28);
    }
    return ((p0 + p16) + (p8 + p24)) + ((p4 + p20) + (p12 + p28));
  }

  private float accumulate(long at, MemorySegment vector, int k, float sum) {
    return Math.fma(weights.getAtIndex(JAVA_FLOAT, at + k), vector.getAtIndex(JAVA_FLOAT, k), sum);
  }
}
