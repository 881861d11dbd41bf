package io.github.stillgate.kernel.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.PackedRows;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Walks the live groups and leaves each row to the kernel of one vector width. One row at a time
 * reads the pack from front to back; two or four at once were 10 to 40 % slower at every length.
 */
abstract class VectorRows extends PackedRows {
  private final RowLayout layout;
  private final long weights;

  VectorRows(RowLayout layout, MemorySegment weights) {
    super(layout);
    this.layout = layout;
    this.weights = Memory.at(weights);
  }

  /**
   * The sum of one row in the order of {@link RowLayout}.
   *
   * @param row address of the row
   * @param vector address of what multiplies it
   * @param bytes of the padded row
   */
  abstract float sum(long row, long vector, int bytes);

  @Override
  public final void multiply(
      ActiveSet set,
      int from,
      int to,
      @Nullable MemorySegment state,
      @Nullable MemorySegment stateSums,
      @Nullable MemorySegment input,
      @Nullable MemorySegment inputSums) {
    RowLayout l = layout;
    boolean overState = state != null && stateSums != null;
    boolean overInput = input != null && inputSums != null;
    int stateRows = l.stateRows();
    int firstRow = overState ? 0 : stateRows;
    int behindRow = overInput ? stateRows + l.inputRows() : stateRows;
    int stateBytes = 4 * l.stateStride();
    int inputBytes = 4 * l.inputStride();
    long stateAt = overState ? Memory.at(state) : 0;
    long inputAt = overInput ? Memory.at(input) : 0;
    long sumBytes = 4L * l.sumStride();
    long stateSumsAt = overState ? Memory.at(stateSums) : 0;
    long inputSumsAt = overInput ? Memory.at(inputSums) - stateRows * sumBytes : 0;
    long groupBytes = 4 * l.groupStride();
    long firstAt = weights + (overState ? 0 : 4 * l.inputAt());
    long groupsAt = Memory.at(set.indices());
    for (int position = from; position < to; position++) {
      int group = Memory.ALL.get(JAVA_INT, groupsAt + 4L * position);
      long rowAt = firstAt + group * groupBytes;
      for (int row = firstRow; row < behindRow; row++) {
        // One call for both parts: called twice it is too large to be inlined.
        boolean state1 = row < stateRows;
        int bytes = state1 ? stateBytes : inputBytes;
        float sum = sum(rowAt, state1 ? stateAt : inputAt, bytes);
        long sumAt = (state1 ? stateSumsAt : inputSumsAt) + row * sumBytes + 4L * group;
        Memory.ALL.set(JAVA_FLOAT, Memory.at(sumAt), sum);
        rowAt += bytes;
      }
    }
  }

  /** A row stays in the first-level cache while it is multiplied for all streams that need it. */
  @Override
  public final void multiply(Batch batch) {
    if (layout.bytes() < RowLayout.WORTH_SHARING) {
      super.multiply(batch);
      return;
    }
    batch.sortByGroup();
    boolean state = batch.state(0) != null;
    boolean input = batch.input(0) != null;
    int stateBytes = 4 * layout.stateStride();
    int inputBytes = 4 * layout.inputStride();
    for (int group = 0; group < batch.groups(); group++) {
      long at = weights + 4 * group * layout.groupStride();
      if (state) {
        sumRows(at, layout.stateRows(), stateBytes, group, batch, 0);
      }
      if (input) {
        sumRows(at + 4 * layout.inputAt(), layout.inputRows(), inputBytes, group, batch, 2);
      }
    }
  }

  private void sumRows(long at, int rows, int bytes, int group, Batch batch, int vectorKind) {
    long members = Memory.at(batch.members());
    long vectors = Memory.at(batch.addresses()) + 8L * vectorKind * batch.capacity();
    long sums = vectors + 8L * batch.capacity();
    int behind = batch.start(group + 1);
    for (int row = 0; row < rows; row++) {
      long sumAt = 4L * ((long) row * layout.sumStride() + group);
      for (int member = batch.start(group); member < behind; member++) {
        int stream = Memory.ALL.get(JAVA_INT, members + 4L * member);
        long vector = Memory.ALL.get(JAVA_LONG, vectors + 8L * stream);
        long sum = Memory.ALL.get(JAVA_LONG, sums + 8L * stream);
        Memory.ALL.set(
            JAVA_FLOAT, Memory.at(sum + sumAt), sum(at + (long) row * bytes, vector, bytes));
      }
    }
  }
}
