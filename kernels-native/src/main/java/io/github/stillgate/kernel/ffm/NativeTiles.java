package io.github.stillgate.kernel.ffm;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.KeptSums;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.PackLayout;
import io.github.stillgate.core.kernel.PackedWeights;
import io.github.stillgate.core.kernel.SumOrder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Tiles of int8 in the order {@link SumOrder#TILES}, multiplied by {@code sg_multiply_tiles}. */
final class NativeTiles extends NativePack {
  private static final MethodHandle SEND = NativeLibrary.handle(Export.SEND_INT8);
  private static final MethodHandle ROUND = NativeLibrary.handle(Export.ROUND_INT8);
  private static final MethodHandle MULTIPLY = NativeLibrary.handle(Export.MULTIPLY_TILES);

  private final int operands;
  private final int[] columns;
  private final float[] scales;
  private final long[] rowScales;
  private final int scratchFloats;

  NativeTiles(PackedWeights weights, Arena arena) {
    super(weights, arena);
    PackLayout layout = weights.layout();
    this.operands = layout.operands();
    this.columns = new int[operands];
    this.scales = new float[operands];
    this.rowScales = new long[operands];
    int widest = 0;
    for (int operand = 0; operand < operands; operand++) {
      columns[operand] = layout.part(operand).columns();
      scales[operand] = weights.operandScale(operand);
      rowScales[operand] = weights.rowScales(operand).address();
      widest = Math.max(widest, columns[operand]);
    }
    this.scratchFloats = Lanes.padded(widest);
  }

  /** The widest operand as integers. */
  @Override
  public int scratchFloats() {
    return scratchFloats;
  }

  @Override
  public void prepare(Binding stream) {
    for (int operand = 0; operand < operands; operand++) {
      KeptSums kept = stream.keptSums(operand);
      MemorySegment vector = stream.vector(operand);
      if (kept != null && vector != null) {
        long counts =
            send(
                Lanes.padded(columns[operand]),
                scales[operand],
                vector.address(),
                kept.sent().address(),
                kept.moved().indices().address(),
                kept.changes().address());
        kept.moved().count((int) counts);
        kept.clamped((int) (counts >>> 32));
      }
    }
  }

  @Override
  public void multiply(ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
    long groups = set.indices().address() + 4L * from;
    for (int operand = 0; operand < operands; operand++) {
      MemorySegment vector = stream.vector(operand);
      MemorySegment sums = stream.sums(operand);
      if (vector == null || sums == null) {
        continue;
      }
      KeptSums kept = stream.keptSums(operand);
      if (kept != null) {
        multiply(
            operand,
            groups,
            to - from,
            kept.moved().count(),
            kept.moved().indices().address(),
            kept.changes().address(),
            kept.sums().address(),
            scales[operand],
            sums.address());
      } else {
        int padded = Lanes.padded(columns[operand]);
        float scale = round(padded, scales[operand], vector.address(), scratch.address());
        multiply(
            operand,
            groups,
            to - from,
            columns[operand],
            0,
            scratch.address(),
            0,
            scale,
            sums.address());
      }
    }
  }

  private static long send(
      long padded, float scale, long values, long sent, long moved, long changes) {
    try {
      return (long) SEND.invokeExact(padded, scale, values, sent, moved, changes);
    } catch (Throwable e) {
      throw Kernels.unexpected(e);
    }
  }

  private static float round(long padded, float fixed, long values, long integers) {
    try {
      return (float) ROUND.invokeExact(padded, fixed, values, integers);
    } catch (Throwable e) {
      throw Kernels.unexpected(e);
    }
  }

  private void multiply(
      long operand,
      long groups,
      long count,
      long listed,
      long moved,
      long factors,
      long kept,
      float scale,
      long sums) {
    long by = rowScales[(int) operand];
    try {
      MULTIPLY.invokeExact(
          description, operand, groups, count, listed, moved, factors, kept, by, scale, sums);
    } catch (Throwable e) {
      throw Kernels.unexpected(e);
    }
  }
}
