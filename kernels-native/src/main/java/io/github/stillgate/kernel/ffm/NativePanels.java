package io.github.stillgate.kernel.ffm;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.PackedWeights;
import io.github.stillgate.core.kernel.SumOrder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Panels in the order {@link SumOrder#CHAIN}, multiplied by {@code sg_multiply_panels_*}. */
final class NativePanels extends NativePack {
  private final Products products;

  NativePanels(PackedWeights weights, Arena arena) {
    super(weights, arena);
    this.products = Products.of(weights.layout().format());
  }

  @Override
  public void multiply(ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
    products.multiplyPanels(
        description, set.indices().address() + 4L * from, to - from, stream.addresses().address());
  }

  @Override
  public void prepare(Batch batch) {
    batch.sort();
  }

  @Override
  public void multiply(Batch batch, int from, int to, MemorySegment scratch) {
    products.multiplyPanelsBatch(
        description,
        from,
        to,
        batch.starts().address(),
        batch.members().address(),
        batch.addresses().address(),
        batch.capacity());
  }
}
