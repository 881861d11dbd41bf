package io.github.stillgate.kernel.ffm;

import static io.github.stillgate.kernel.ffm.Kernels.address;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.BlockLayout;
import io.github.stillgate.core.kernel.PackedRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Blocks multiplied by {@code sg_multiply_blocks}; their description lies beside the weights. */
final class NativeBlocks extends PackedRows {
  private final long description;

  NativeBlocks(BlockLayout layout, MemorySegment weights, Arena memory) {
    super(layout);
    long[] fields = {
      weights.address(),
      layout.groupStride(),
      layout.sumStride(),
      layout.groupUnits(),
      layout.stateRows(),
      layout.stateWidth(),
      layout.inputAt(),
      layout.inputRows(),
      layout.inputWidth()
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
    Kernels.multiplyBlocks(
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
    batch.sortByGroup();
    Kernels.multiplyBlocksBatch(
        description,
        batch.groups(),
        batch.starts().address(),
        batch.members().address(),
        batch.addresses().address(),
        batch.capacity());
  }
}
