package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.IndexMap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;

/**
 * Moves values: neighbours that stay neighbours as one copy, the others one by one, which the
 * backend does. What is 0 is not written after its memory was made.
 */
public final class IndexMapStage extends OperationStage {
  /** From so many neighbours on, one copy costs less than its values one by one. */
  private static final int LEAST_COPY = 12;

  /**
   * What is taken from one of the vectors it reads.
   *
   * @param copies begin there, begin here, number of values; and the next three
   * @param ranges of what is gathered
   * @param table of {@link VectorOps#gather}
   */
  private record Taken(int[] copies, int ranges, MemorySegment table) {
    void move(VectorOps ops, MemorySegment from, MemorySegment to) {
      for (int i = 0; i < copies.length; i += 3) {
        MemorySegment.copy(from, 4L * copies[i], to, 4L * copies[i + 1], 4L * copies[i + 2]);
      }
      if (ranges > 0) {
        ops.gather(ranges, table, from, to);
      }
    }
  }

  private final Taken[] taken;

  /**
   * A stage.
   *
   * @param bounds of the vectors it reads
   */
  public IndexMapStage(IndexMap layer, List<Double> bounds, Packing packing) {
    super(
        layer,
        operands(layer, bounds).stream().mapToDouble(Double::doubleValue).max().orElseThrow(),
        packing.backend().vectors());
    List<Taken> all = new ArrayList<>();
    int first = 0;
    for (int width : layer.inputWidths()) {
      all.add(taken(layer, first, first + width, packing.memory()));
      first += width;
    }
    this.taken = all.toArray(Taken[]::new);
  }

  /** What is taken from the positions {@code first} to {@code behind}, exclusive. */
  private static Taken taken(IndexMap layer, int first, int behind, Arena memory) {
    List<Integer> copies = new ArrayList<>();
    List<Integer> table = new ArrayList<>();
    int ranges = 0;
    int range = 0;
    int end = -1;
    for (int at = 0, count; at < layer.outputs(); at += count) {
      count = neighbours(layer, at, first, behind);
      int from = layer.at(at) - first;
      if (count >= LEAST_COPY) {
        copies.addAll(List.of(from, at, count));
      } else if (count == 0) {
        count = 1;
      } else {
        if (at != end) {
          range = table.size();
          table.addAll(List.of(at, 0));
          ranges++;
        }
        for (int i = 0; i < count; i++) {
          table.add(from + i);
        }
        table.set(range + 1, table.get(range + 1) + count);
        end = at + count;
      }
    }
    MemorySegment all = memory.allocate(Math.max(4, 4L * table.size()), Lanes.ALIGNMENT);
    MemorySegment.copy(ints(table), 0, all, JAVA_INT, 0, table.size());
    return new Taken(ints(copies), ranges, all);
  }

  /** How many values from {@code at} on are neighbours there too; 0 if it is not taken there. */
  private static int neighbours(IndexMap layer, int at, int first, int behind) {
    int from = layer.at(at);
    if (from < first || from >= behind) {
      return 0;
    }
    int count = 1;
    while (at + count < layer.outputs()
        && layer.at(at + count) == from + count
        && from + count < behind) {
      count++;
    }
    return count;
  }

  private static int[] ints(List<Integer> values) {
    return values.stream().mapToInt(Integer::intValue).toArray();
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand output = new Operand(outputs(), scratch);
    MemorySegment[] from = inputs.stream().map(Operand::floats).toArray(MemorySegment[]::new);
    return Run.plain(output, Phase.elementwise(() -> move(from, output.floats())));
  }

  private void move(MemorySegment[] from, MemorySegment out) {
    for (int i = 0; i < from.length; i++) {
      taken[i].move(ops(), from[i], out);
    }
    clip(out);
  }
}
