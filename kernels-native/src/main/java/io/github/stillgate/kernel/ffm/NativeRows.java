package io.github.stillgate.kernel.ffm;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.PackedWeights;
import io.github.stillgate.core.kernel.SumOrder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Rows in the order {@link SumOrder#INTERLEAVED}, multiplied by {@code sg_multiply_rows_*}. */
final class NativeRows extends NativePack {
  /**
   * A pack of so many bytes and more is read once for all streams of a batch; a smaller one stays
   * in a core's second-level cache and goes stream by stream, without sorting by group. Where all
   * groups are live in all streams nothing needs sorting, and any pack is shared.
   */
  private static final long WORTH_SHARING = 1L << 20;

  private final Products products;

  NativeRows(PackedWeights weights, Arena arena) {
    super(weights, arena);
    this.products = Products.of(weights.layout().format());
  }

  @Override
  public void multiply(ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
    products.multiplyRows(
        description, set.indices().address() + 4L * from, to - from, stream.addresses().address());
  }

  @Override
  public void prepare(Batch batch) {
    if (!isWhole(batch) && isShared()) {
      batch.sort();
    }
  }

  private static boolean isWhole(Batch batch) {
    return batch.count() > 1 && batch.isAllLive();
  }

  private boolean isShared() {
    return layout().bytes() >= WORTH_SHARING;
  }

  @Override
  public void multiply(Batch batch, int from, int to, MemorySegment scratch) {
    if (isWhole(batch)) {
      products.multiplyAllRowsBatch(
          description, from, to, batch.count(), batch.addresses().address(), batch.capacity());
    } else if (isShared()) {
      products.multiplyRowsBatch(
          description,
          from,
          to,
          batch.starts().address(),
          batch.members().address(),
          batch.addresses().address(),
          batch.capacity());
    } else {
      super.multiply(batch, from, to, scratch);
    }
  }
}
