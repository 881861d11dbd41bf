package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Lanes.BYTES;
import static io.github.stillgate.kernel.vector.Lanes.COUNT;
import static io.github.stillgate.kernel.vector.Lanes.ORDER;
import static io.github.stillgate.kernel.vector.Lanes.SPECIES;
import static io.github.stillgate.kernel.vector.Memory.ALL;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.BlockLayout;
import io.github.stillgate.core.kernel.PackedRows;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/**
 * Blocks whose lanes are rows. One stream: four registers of rows at a time, whose chains overlap
 * in the CPU. Several streams: two registers of rows for four streams, which share the load of the
 * weights.
 */
final class VectorBlocks extends PackedRows {
  private static final int REGISTERS = 4;
  private static final int BATCH_REGISTERS = 2;
  private static final int STREAMS = 4;
  private static final int PER_PANEL = BlockLayout.PANEL_ROWS / COUNT;
  private static final int COLUMN_BYTES = 4 * BlockLayout.PANEL_ROWS;

  private final long weights;
  private final Part overState;
  private final Part overInput;

  VectorBlocks(BlockLayout layout, MemorySegment weights) {
    super(layout);
    this.weights = Memory.at(weights);
    int units = layout.groupUnits();
    int stride = layout.sumStride();
    this.overState = new Part(units, stride, 0, layout.stateRows(), layout.stateWidth());
    this.overInput =
        new Part(units, stride, 4 * layout.inputAt(), layout.inputRows(), layout.inputWidth());
  }

  /** The rows over the state or over the input of every block. */
  private record Part(int units, int sumStride, long at, int kinds, int width) {
    int rows() {
      return kinds * units;
    }

    /** Registers that hold a row; those of nothing but padding are not read. */
    int registers() {
      return Math.ceilDiv(rows(), COUNT);
    }

    /** Where a register's lanes of column 0 stand; one behind the last stands for the last. */
    long register(long partAt, int number) {
      int r = Math.min(number, registers() - 1);
      return partAt + (long) (r / PER_PANEL) * width * COLUMN_BYTES + r % PER_PANEL * BYTES;
    }

    /** Whether the sums of some rows stand next to each other, all of them in one row kind. */
    boolean together(int row, int count) {
      return row + count <= rows() && row / units == (row + count - 1) / units;
    }

    /** Byte offset of a row's sum. */
    long sumAt(int group, int row) {
      return 4L * ((long) (row / units) * sumStride + (long) group * units + row % units);
    }

    /** Room behind the sums. */
    long sortingAt() {
      return 4L * kinds * sumStride;
    }

    /** Moves sums that were written behind the others to their places. */
    void sort(long sums, int group, int row, int count) {
      long from = Memory.at(sums + sortingAt());
      int behind = Math.min(row + count, rows());
      for (int r = row; r < behind; r++) {
        float sum = ALL.get(JAVA_FLOAT, from + 4L * (r - row));
        ALL.set(JAVA_FLOAT, Memory.at(sums + sumAt(group, r)), sum);
      }
    }
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
    long groupBytes = 4 * layout().groupStride();
    for (int position = from; position < to; position++) {
      int group = set.at(position);
      long at = weights + group * groupBytes;
      if (state != null && stateSums != null) {
        sumPart(overState, at, group, Memory.at(state), Memory.at(stateSums));
      }
      if (input != null && inputSums != null) {
        sumPart(overInput, at, group, Memory.at(input), Memory.at(inputSums));
      }
    }
  }

  private static void sumPart(Part part, long groupAt, int group, long vector, long sums) {
    long partAt = groupAt + part.at;
    int registers = part.registers();
    for (int r = 0; r < registers; r += REGISTERS) {
      int row = r * COUNT;
      boolean together = part.together(row, REGISTERS * COUNT);
      sumFour(
          part.register(partAt, r),
          part.register(partAt, r + 1),
          part.register(partAt, r + 2),
          part.register(partAt, r + 3),
          part.width,
          vector,
          sums + (together ? part.sumAt(group, row) : part.sortingAt()));
      if (!together) {
        part.sort(sums, group, row, REGISTERS * COUNT);
      }
    }
  }

  private static void sumFour(
      long at0, long at1, long at2, long at3, int width, long vector, long sums) {
    long w0 = Memory.at(at0);
    long w1 = Memory.at(at1);
    long w2 = Memory.at(at2);
    long w3 = Memory.at(at3);
    long x = Memory.at(vector);
    FloatVector p0 = FloatVector.zero(SPECIES);
    FloatVector p1 = FloatVector.zero(SPECIES);
    FloatVector p2 = FloatVector.zero(SPECIES);
    FloatVector p3 = FloatVector.zero(SPECIES);
    for (int column = 0; column < width; column++) {
      FloatVector v = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, x + 4L * column));
      long k = (long) column * COLUMN_BYTES;
      p0 = FloatVector.fromMemorySegment(SPECIES, ALL, w0 + k, ORDER).fma(v, p0);
      p1 = FloatVector.fromMemorySegment(SPECIES, ALL, w1 + k, ORDER).fma(v, p1);
      p2 = FloatVector.fromMemorySegment(SPECIES, ALL, w2 + k, ORDER).fma(v, p2);
      p3 = FloatVector.fromMemorySegment(SPECIES, ALL, w3 + k, ORDER).fma(v, p3);
    }
    long to = Memory.at(sums);
    p0.intoMemorySegment(ALL, to, ORDER);
    p1.intoMemorySegment(ALL, to + BYTES, ORDER);
    p2.intoMemorySegment(ALL, to + 2 * BYTES, ORDER);
    p3.intoMemorySegment(ALL, to + 3 * BYTES, ORDER);
  }

  @Override
  public void multiply(Batch batch) {
    batch.sortByGroup();
    long groupBytes = 4 * layout().groupStride();
    boolean state = batch.state(0) != null;
    boolean input = batch.input(0) != null;
    for (int group = 0; group < batch.groups(); group++) {
      long at = weights + group * groupBytes;
      if (state) {
        sumPart(overState, at, group, batch, 0);
      }
      if (input) {
        sumPart(overInput, at, group, batch, 2);
      }
    }
  }

  /** The panels one after the other, each for all streams, so that it stays in the cache. */
  private static void sumPart(Part part, long groupAt, int group, Batch batch, int vectorKind) {
    long partAt = groupAt + part.at;
    int registers = part.registers();
    int behind = batch.start(group + 1);
    for (int r = 0; r < registers; r += BATCH_REGISTERS) {
      int row = r * COUNT;
      boolean together = part.together(row, BATCH_REGISTERS * COUNT);
      long sumAt = together ? part.sumAt(group, row) : part.sortingAt();
      for (int member = batch.start(group); member < behind; member += STREAMS) {
        int stream0 = stream(batch, member);
        int stream1 = stream(batch, Math.min(member + 1, behind - 1));
        int stream2 = stream(batch, Math.min(member + 2, behind - 1));
        int stream3 = stream(batch, Math.min(member + 3, behind - 1));
        sumTwoForFour(
            part.register(partAt, r),
            part.register(partAt, r + 1),
            part.width,
            address(batch, vectorKind, stream0),
            address(batch, vectorKind, stream1),
            address(batch, vectorKind, stream2),
            address(batch, vectorKind, stream3),
            address(batch, vectorKind + 1, stream0) + sumAt,
            address(batch, vectorKind + 1, stream1) + sumAt,
            address(batch, vectorKind + 1, stream2) + sumAt,
            address(batch, vectorKind + 1, stream3) + sumAt);
        if (!together) {
          for (int m = member; m < Math.min(member + STREAMS, behind); m++) {
            long sums = address(batch, vectorKind + 1, stream(batch, m));
            part.sort(sums, group, row, BATCH_REGISTERS * COUNT);
          }
        }
      }
    }
  }

  private static int stream(Batch batch, int member) {
    return batch.members().getAtIndex(JAVA_INT, member);
  }

  private static long address(Batch batch, int kind, int stream) {
    return batch.addresses().getAtIndex(JAVA_LONG, (long) kind * batch.capacity() + stream);
  }

  private static void sumTwoForFour(
      long at0,
      long at1,
      int width,
      long vector0,
      long vector1,
      long vector2,
      long vector3,
      long sums0,
      long sums1,
      long sums2,
      long sums3) {
    long w0 = Memory.at(at0);
    long w1 = Memory.at(at1);
    long x0 = Memory.at(vector0);
    long x1 = Memory.at(vector1);
    long x2 = Memory.at(vector2);
    long x3 = Memory.at(vector3);
    FloatVector p00 = FloatVector.zero(SPECIES);
    FloatVector p01 = FloatVector.zero(SPECIES);
    FloatVector p10 = FloatVector.zero(SPECIES);
    FloatVector p11 = FloatVector.zero(SPECIES);
    FloatVector p20 = FloatVector.zero(SPECIES);
    FloatVector p21 = FloatVector.zero(SPECIES);
    FloatVector p30 = FloatVector.zero(SPECIES);
    FloatVector p31 = FloatVector.zero(SPECIES);
    for (int column = 0; column < width; column++) {
      long k = (long) column * COLUMN_BYTES;
      FloatVector wa = FloatVector.fromMemorySegment(SPECIES, ALL, w0 + k, ORDER);
      FloatVector wb = FloatVector.fromMemorySegment(SPECIES, ALL, w1 + k, ORDER);
      FloatVector v = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, x0 + 4L * column));
      p00 = wa.fma(v, p00);
      p01 = wb.fma(v, p01);
      v = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, x1 + 4L * column));
      p10 = wa.fma(v, p10);
      p11 = wb.fma(v, p11);
      v = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, x2 + 4L * column));
      p20 = wa.fma(v, p20);
      p21 = wb.fma(v, p21);
      v = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, x3 + 4L * column));
      p30 = wa.fma(v, p30);
      p31 = wb.fma(v, p31);
    }
    long to0 = Memory.at(sums0);
    long to1 = Memory.at(sums1);
    long to2 = Memory.at(sums2);
    long to3 = Memory.at(sums3);
    p00.intoMemorySegment(ALL, to0, ORDER);
    p01.intoMemorySegment(ALL, to0 + BYTES, ORDER);
    p10.intoMemorySegment(ALL, to1, ORDER);
    p11.intoMemorySegment(ALL, to1 + BYTES, ORDER);
    p20.intoMemorySegment(ALL, to2, ORDER);
    p21.intoMemorySegment(ALL, to2 + BYTES, ORDER);
    p30.intoMemorySegment(ALL, to3, ORDER);
    p31.intoMemorySegment(ALL, to3 + BYTES, ORDER);
  }
}
