package io.github.stillgate.core.kernel;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Rows packed group-major in a {@link GroupLayout}, together with the kernel that multiplies them.
 *
 * <p>Immutable; any number of threads may multiply at once. The arena it was packed into must be
 * alive.
 */
public abstract class PackedRows {
  private final GroupLayout layout;

  /** A pack of {@code layout}. */
  protected PackedRows(GroupLayout layout) {
    this.layout = layout;
  }

  /** Where the rows lie. */
  public final GroupLayout layout() {
    return layout;
  }

  /**
   * Sums the rows of the groups {@code set[from .. to)}, each row over the state or over the input.
   *
   * <p>For every unit i of a listed group, {@code stateSums[k * sumStride + i]} becomes the sum of
   * its state row k times {@code state}, {@code inputSums[k * sumStride + i]} that of its input row
   * k times {@code input}, each in the order of the layout. Sums and rows of groups that are not
   * listed are neither written nor read. Pass null for a vector and its sums to leave that part
   * out.
   *
   * @param set ascending group numbers
   * @param from first position in the set
   * @param to position behind the last
   * @param state padded to a multiple of {@link RowLayout#LANES} floats, zero in the padding
   * @param stateSums {@link GroupLayout#sumFloats} of stateRows
   * @param input padded to a multiple of {@link RowLayout#LANES} floats, zero in the padding
   * @param inputSums {@link GroupLayout#sumFloats} of inputRows
   */
  public abstract void multiply(
      ActiveSet set,
      int from,
      int to,
      @Nullable MemorySegment state,
      @Nullable MemorySegment stateSums,
      @Nullable MemorySegment input,
      @Nullable MemorySegment inputSums);

  /**
   * The same for every stream of {@code batch}, and the same bits as one stream at a time, which is
   * what this does unless a backend can share what it reads.
   */
  public void multiply(Batch batch) {
    for (int stream = 0; stream < batch.count(); stream++) {
      ActiveSet set = batch.set(stream);
      multiply(
          set,
          0,
          set.count(),
          batch.state(stream),
          batch.stateSums(stream),
          batch.input(stream),
          batch.inputSums(stream));
    }
  }
}
