package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.model.Constant;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;

/** A vector that lies with the packs; all streams read it there, and no step does anything. */
public final class ConstantStage extends OperationStage {
  private final MemorySegment values;

  /** Copies the values. */
  public ConstantStage(Constant layer, Packing packing) {
    super(layer, layer.values().magnitude(), packing.backend().vectors());
    this.values = packing.vectors(layer.values());
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    return Run.plain(new Operand(outputs(), values));
  }
}
