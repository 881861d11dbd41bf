package io.github.stillgate.kernel.ffm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackLayout;
import io.github.stillgate.core.kernel.PackedWeights;
import io.github.stillgate.core.kernel.SumOrder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A pack with its description for C, the structs {@code sg_pack} and {@code sg_part}. */
abstract class NativePack extends Pack {
  private static final int PACK_FIELDS = 3;
  private static final int PART_FIELDS = 7;

  /** Address of the {@code sg_pack}. */
  final long description;

  NativePack(PackedWeights weights, Arena arena) {
    super(weights);
    PackLayout layout = weights.layout();
    int operands = layout.operands();
    boolean hasKinds = layout.isRegular() || layout.order() == SumOrder.TILES;
    MemorySegment fields =
        arena.allocate(8L * (PACK_FIELDS + PART_FIELDS * operands), Lanes.ALIGNMENT);
    long partsAt = fields.address() + 8L * PACK_FIELDS;
    int at = 0;
    fields.setAtIndex(JAVA_LONG, at++, weights.weights().address());
    fields.setAtIndex(JAVA_LONG, at++, operands);
    fields.setAtIndex(JAVA_LONG, at++, partsAt);
    for (int operand = 0; operand < operands; operand++) {
      PackLayout.Part part = layout.part(operand);
      fields.setAtIndex(JAVA_LONG, at++, part.groupTable().address());
      fields.setAtIndex(JAVA_LONG, at++, part.firstRows().address());
      fields.setAtIndex(JAVA_LONG, at++, part.sumTable().address());
      fields.setAtIndex(JAVA_LONG, at++, part.stride());
      fields.setAtIndex(JAVA_LONG, at++, hasKinds ? part.kinds() : 0);
      fields.setAtIndex(JAVA_LONG, at++, layout.elements() / layout.groups());
      fields.setAtIndex(JAVA_LONG, at++, layout.sumStride());
    }
    this.description = fields.address();
  }
}
