package io.github.stillgate.kernel.ffm;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.PackLayout;
import io.github.stillgate.core.kernel.PackedWeights;
import io.github.stillgate.core.kernel.SumOrder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Rows of int8 in the order {@link SumOrder#ROWS}, multiplied by {@code sg_multiply_rows_i8}. */
final class NativeIntegerRows extends NativePack {
  private static final MethodHandle ROUND = NativeLibrary.handle(Export.ROUND_BYTES);
  private static final MethodHandle MULTIPLY = NativeLibrary.handle(Export.MULTIPLY_ROWS_I8);

  private final int operands;
  private final int[] columns;
  private final long[] rowScales;
  private final int scratchFloats;

  NativeIntegerRows(PackedWeights weights, Arena arena) {
    super(weights, arena);
    PackLayout layout = weights.layout();
    this.operands = layout.operands();
    this.columns = new int[operands];
    this.rowScales = new long[operands];
    int widest = 0;
    for (int operand = 0; operand < operands; operand++) {
      columns[operand] = layout.part(operand).columns();
      rowScales[operand] = weights.rowScales(operand).address();
      widest = Math.max(widest, layout.part(operand).stride());
    }
    this.scratchFloats = Lanes.padded(widest / Float.BYTES);
  }

  /** The widest operand as bytes, padded as rows are. */
  @Override
  public int scratchFloats() {
    return scratchFloats;
  }

  @Override
  public void multiply(ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
    long groups = set.indices().address() + 4L * from;
    for (int operand = 0; operand < operands; operand++) {
      MemorySegment vector = stream.vector(operand);
      MemorySegment sums = stream.sums(operand);
      if (vector != null && sums != null) {
        float fixed = weights().operandScale(operand);
        int padded = Lanes.padded(columns[operand]);
        float scale = round(padded, fixed, vector.address(), scratch.address());
        multiply(operand, groups, to - from, scratch.address(), scale, sums.address());
      }
    }
  }

  private static float round(long padded, float fixed, long values, long bytes) {
    try {
      return (float) ROUND.invokeExact(padded, fixed, values, bytes);
    } catch (Throwable e) {
      throw Kernels.unexpected(e);
    }
  }

  private void multiply(long operand, long groups, long count, long bytes, float scale, long sums) {
    long by = rowScales[(int) operand];
    try {
      MULTIPLY.invokeExact(description, operand, groups, count, bytes, by, scale, sums);
    } catch (Throwable e) {
      throw Kernels.unexpected(e);
    }
  }
}
