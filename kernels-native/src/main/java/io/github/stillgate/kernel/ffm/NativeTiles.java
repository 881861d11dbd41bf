package io.github.stillgate.kernel.ffm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.KeptSums;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Movement;
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

  /** Where {@code held_back} lies in {@code sg_terms}. */
  private static final long HELD_BACK = 12;

  /** {@code SG_TERMS_AHEAD}. */
  private static final int TERMS_AHEAD = 16;

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
    this.scratchFloats = floatsOfTerms(widest);
  }

  /** What {@code sg_terms} needs. */
  private static int floatsOfTerms(int columns) {
    int room = 2 * Lanes.padded(columns) + 8 + 2 * TERMS_AHEAD;
    return Lanes.padded(8 + room + room / 4 + Lanes.padded(columns));
  }

  /** The terms of the widest operand. */
  @Override
  public int scratchFloats() {
    return scratchFloats;
  }

  @Override
  public int changeFloats(int operand) {
    return floatsOfTerms(columns[operand]);
  }

  @Override
  public void prepare(Binding stream) {
    for (int operand = 0; operand < operands; operand++) {
      KeptSums kept = stream.keptSums(operand);
      MemorySegment vector = stream.vector(operand);
      if (kept != null && vector != null) {
        Movement movement = kept.movement();
        MemorySegment sent = kept.sent();
        long count =
            send(
                Lanes.padded(columns[operand]),
                scales[operand],
                movement.threshold(),
                movement.most(),
                vector.address(),
                sent == null ? 0 : sent.address(),
                kept.summed().address(),
                kept.moved().indices().address(),
                kept.changes().address());
        kept.moved().count((int) count);
        kept.heldBack(kept.changes().get(JAVA_INT, HELD_BACK));
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
            kept.changes().address(),
            kept.sums().address(),
            scales[operand],
            sums.address());
      } else {
        int padded = Lanes.padded(columns[operand]);
        float scale = round(padded, scales[operand], vector.address(), scratch.address());
        multiply(operand, groups, to - from, scratch.address(), 0, scale, sums.address());
      }
    }
  }

  private static long send(
      long padded,
      float scale,
      float threshold,
      long most,
      long values,
      long sent,
      long summed,
      long moved,
      long terms) {
    try {
      return (long)
          SEND.invokeExact(padded, scale, threshold, most, values, sent, summed, moved, terms);
    } catch (Throwable e) {
      throw Kernels.unexpected(e);
    }
  }

  private static float round(long padded, float fixed, long values, long terms) {
    try {
      return (float) ROUND.invokeExact(padded, fixed, values, terms);
    } catch (Throwable e) {
      throw Kernels.unexpected(e);
    }
  }

  private void multiply(
      long operand, long groups, long count, long terms, long kept, float scale, long sums) {
    long by = rowScales[(int) operand];
    try {
      MULTIPLY.invokeExact(description, operand, groups, count, terms, kept, by, scale, sums);
    } catch (Throwable e) {
      throw Kernels.unexpected(e);
    }
  }
}
