package io.github.stillgate.core.kernel;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Rows packed group-major in {@link RowLayout}, together with the kernel that multiplies them.
 *
 * <p>Immutable; any number of threads may multiply at once. The arena it was packed into must be
 * alive.
 */
public abstract class PackedRows {
  private final RowLayout layout;

  /** A pack of {@code layout}. */
  protected PackedRows(RowLayout layout) {
    this.layout = layout;
  }

  /** Where the rows lie. */
  public final RowLayout layout() {
    return layout;
  }

  /**
   * Sums the rows of the groups {@code set[from .. to)}, each row over the state or over the input.
   *
   * <p>For a listed group i, {@code stateSums[k * sumStride + i]} becomes the sum of its state row
   * k times {@code state}, {@code inputSums[k * sumStride + i]} that of its input row k times
   * {@code input}, each in the order of {@link RowLayout}. Sums and rows of groups that are not
   * listed are neither written nor read. Pass null for a vector and its sums to leave that part
   * out.
   *
   * @param set ascending group numbers
   * @param from first position in the set
   * @param to position behind the last
   * @param state padded to {@code stateStride} floats, zero in the padding
   * @param stateSums stateRows * sumStride floats
   * @param input padded to {@code inputStride} floats, zero in the padding
   * @param inputSums inputRows * sumStride floats
   */
  public abstract void multiply(
      ActiveSet set,
      int from,
      int to,
      @Nullable MemorySegment state,
      @Nullable MemorySegment stateSums,
      @Nullable MemorySegment input,
      @Nullable MemorySegment inputSums);
}
