package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.VectorOps;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;

/**
 * What follows when the layers of a graph have made their step: outputs that are inputs or states
 * are kept, and states become what is next. All that is next is read before a state is written.
 *
 * <p>Belongs to one stream.
 */
final class StepEnd {
  /** A vector of padded width that is copied. */
  private record Copy(MemorySegment from, MemorySegment to, int width) {}

  private final VectorOps ops;
  private final Copy[] kept;
  private final Copy[] replaced;

  /**
   * The end of a step.
   *
   * @param values all values by their numbers
   * @param outputs receives where each output lies after a step
   */
  StepEnd(
      Wiring wiring,
      Operand[] values,
      MemorySegment[] outputs,
      VectorOps ops,
      SegmentAllocator memory) {
    this.ops = ops;
    List<Copy> keeps = new ArrayList<>();
    for (int i = 0; i < outputs.length; i++) {
      int number = wiring.outputs().get(i);
      outputs[i] =
          wiring.isGiven(number) ? kept(values[number], memory, keeps) : values[number].floats();
    }
    List<Copy> replacements = new ArrayList<>();
    int first = wiring.inputs().size();
    for (int i = 0; i < wiring.states().size(); i++) {
      int next = wiring.states().get(i).next();
      if (next != first + i) {
        MemorySegment from =
            wiring.isGiven(next) ? kept(values[next], memory, keeps) : values[next].floats();
        Operand state = values[first + i];
        replacements.add(new Copy(from, state.floats(), state.width()));
      }
    }
    this.kept = keeps.toArray(Copy[]::new);
    this.replaced = replacements.toArray(Copy[]::new);
  }

  private static MemorySegment kept(Operand value, SegmentAllocator memory, List<Copy> keeps) {
    MemorySegment to = Lanes.floats(value.width(), memory);
    keeps.add(new Copy(value.floats(), to, value.width()));
    return to;
  }

  void run() {
    for (Copy copy : kept) {
      MemorySegment.copy(copy.from, 0, copy.to, 0, 4L * copy.width);
    }
    for (Copy copy : replaced) {
      ops.flush(copy.width, copy.from, copy.to);
    }
  }
}
