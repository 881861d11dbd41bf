package io.github.stillgate.kernel.ffm;

import static io.github.stillgate.kernel.ffm.Kernels.address;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.PackedRows;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Rows multiplied by {@code sg_multiply_rows}; its description of the pack lies beside the weights.
 */
final class NativeRows extends PackedRows {
  private final long description;

  NativeRows(RowLayout layout, MemorySegment weights, Arena memory) {
    super(layout);
    long[] fields = {
      weights.address(),
      layout.groupStride(),
      layout.sumStride(),
      layout.stateRows(),
      layout.stateStride(),
      layout.inputRows(),
      layout.inputStride()
    };
    this.description = memory.allocateFrom(JAVA_LONG, fields).address();
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
    Kernels.multiplyRows(
        description,
        set.indices().address() + 4L * from,
        to - from,
        address(state),
        address(stateSums),
        address(input),
        address(inputSums));
  }

  @Override
  public void multiply(Batch batch) {
    if (batch.count() > 1 && batch.isAllLive()) {
      Kernels.multiplyAllRowsBatch(
          description,
          batch.groups(),
          batch.count(),
          batch.addresses().address(),
          batch.capacity());
      return;
    }
    if (layout().bytes() < RowLayout.WORTH_SHARING) {
      super.multiply(batch);
      return;
    }
    batch.sortByGroup();
    Kernels.multiplyRowsBatch(
        description,
        batch.groups(),
        batch.starts().address(),
        batch.members().address(),
        batch.addresses().address(),
        batch.capacity());
  }
}
