package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Int8Values.PRODUCTS;
import static io.github.stillgate.kernel.vector.Int8Values.SUMS;
import static io.github.stillgate.kernel.vector.Int8Values.WEIGHTS;
import static io.github.stillgate.kernel.vector.Memory.ALL;
import static io.github.stillgate.kernel.vector.Species.BYTES;
import static io.github.stillgate.kernel.vector.Species.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Int8;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackLayout;
import io.github.stillgate.core.kernel.PackedWeights;
import io.github.stillgate.core.kernel.SumOrder;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Rows of int8 in the order {@link SumOrder#ROWS}. The sum of two products of int8 fits 16 bits; a
 * 32-bit lane holds two such sums, which shifts take apart.
 */
final class VectorIntegerRows extends Pack {
  /** Weights of a register of products. */
  private static final int WIDTH = PRODUCTS.length();

  private final int operands;
  private final int scratchFloats;

  VectorIntegerRows(PackedWeights weights) {
    super(weights);
    this.operands = layout().operands();
    int widest = 0;
    for (int operand = 0; operand < operands; operand++) {
      widest = Math.max(widest, layout().part(operand).stride());
    }
    // Integers of 32 bits while they are rounded, in front of those of 16 bits they become.
    this.scratchFloats = widest + Lanes.padded(widest / 2);
  }

  /** The widest operand as integers of 32 and of 16 bits, padded as rows are. */
  @Override
  public int scratchFloats() {
    return scratchFloats;
  }

  @Override
  public void multiply(ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
    for (int operand = 0; operand < operands; operand++) {
      MemorySegment vector = stream.vector(operand);
      MemorySegment sums = stream.sums(operand);
      if (vector == null || sums == null) {
        continue;
      }
      PackLayout.Part part = layout().part(operand);
      float scale = Int8Values.scale(weights(), operand, Memory.at(vector));
      long integers = Memory.at(scratch);
      long shorts = integers + 4L * part.stride();
      Int8Values.round(part.columns(), 1 / scale, Memory.at(vector), integers);
      Int8Values.narrow(part.columns(), part.stride(), integers, shorts);
      for (int i = from; i < to; i++) {
        sumGroup(operand, set.at(i), shorts, scale, sums);
      }
    }
  }

  private void sumGroup(int operand, int group, long values, float scale, MemorySegment sums) {
    PackLayout.Part part = layout().part(operand);
    long rowsAt = Memory.at(weights().weights()) + part.at(group);
    MemorySegment rowScales = weights().rowScales(operand);
    int first = part.firstRow(group);
    int rows = part.rows(group);
    for (int row = 0; row < rows; row++) {
      int sum = sum(rowsAt + (long) row * part.stride(), part.stride(), values);
      int sumAt = part.sumAt(first + row);
      float rowScale = rowScales.getAtIndex(JAVA_FLOAT, sumAt);
      sums.setAtIndex(JAVA_FLOAT, sumAt, Int8.sum(sum, rowScale, scale));
    }
  }

  private static int sum(long row, int width, long values) {
    long weights = Memory.at(row);
    long by = Memory.at(values);
    IntVector even = IntVector.zero(SUMS);
    IntVector odd = IntVector.zero(SUMS);
    for (int k = 0; k < width; k += 2 * WIDTH) {
      ShortVector w0 =
          (ShortVector)
              ByteVector.fromMemorySegment(WEIGHTS, ALL, weights + k, ORDER)
                  .convertShape(VectorOperators.B2S, PRODUCTS, 0);
      ShortVector w1 =
          (ShortVector)
              ByteVector.fromMemorySegment(WEIGHTS, ALL, weights + k + WIDTH, ORDER)
                  .convertShape(VectorOperators.B2S, PRODUCTS, 0);
      ShortVector x0 = ShortVector.fromMemorySegment(PRODUCTS, ALL, by + 2L * k, ORDER);
      ShortVector x1 = ShortVector.fromMemorySegment(PRODUCTS, ALL, by + 2L * k + BYTES, ORDER);
      IntVector both = w0.mul(x0).add(w1.mul(x1)).reinterpretAsInts();
      even = even.add(both.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16));
      odd = odd.add(both.lanewise(VectorOperators.ASHR, 16));
    }
    return even.add(odd).reduceLanes(VectorOperators.ADD);
  }
}
