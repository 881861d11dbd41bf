package io.github.stillgate.core.kernel.reference;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackLayout;
import io.github.stillgate.core.kernel.PackedWeights;
import io.github.stillgate.core.kernel.SumOrder;
import java.lang.foreign.MemorySegment;

/** Rows summed one after the other, as {@link SumOrder} says, in plain loops. */
final class ReferencePack extends Pack {
  private final PackedWeights weights;

  ReferencePack(PackedWeights weights) {
    super(weights);
    this.weights = weights;
  }

  @Override
  public void multiply(ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
    for (int position = from; position < to; position++) {
      int group = set.at(position);
      for (int operand = 0; operand < stream.operands(); operand++) {
        MemorySegment vector = stream.vector(operand);
        MemorySegment sums = stream.sums(operand);
        if (vector != null && sums != null) {
          sumRows(layout().part(operand), group, vector, sums);
        }
      }
    }
  }

  private void sumRows(PackLayout.Part part, int group, MemorySegment vector, MemorySegment sums) {
    boolean chain = layout().order() == SumOrder.CHAIN;
    int first = part.firstRow(group);
    int rows = part.rows(group);
    for (int row = 0; row < rows; row++) {
      long at = part.at(group, row, 0);
      float sum = chain ? chain(at, vector, part.columns()) : tree(at, vector, part.stride());
      sums.setAtIndex(JAVA_FLOAT, part.sumAt(first + row), sum);
    }
  }

  private float chain(long at, MemorySegment vector, int columns) {
    float sum = 0;
    for (int column = 0; column < columns; column++) {
      float weight = weights.weight(at + (long) column * Lanes.COUNT);
      sum = Math.fma(weight, vector.getAtIndex(JAVA_FLOAT, column), sum);
    }
    return sum;
  }

  /** The last two levels of the tree: (q0 + q2) + (q1 + q3). */
  private float tree(long at, MemorySegment vector, int width) {
    return (everyFourth(at, vector, width, 0) + everyFourth(at, vector, width, 2))
        + (everyFourth(at, vector, width, 1) + everyFourth(at, vector, width, 3));
  }

  /**
   * The partial sums first, first + 4, ..., first + 28, and their share of the tree. Eight at a
   * time are locals that keep the fused multiply-adds busy; an array of all 32 would be allocated
   * on each call.
   */
  private float everyFourth(long at, MemorySegment vector, int width, int first) {
    float p0 = 0;
    float p4 = 0;
    float p8 = 0;
    float p12 = 0;
    float p16 = 0;
    float p20 = 0;
    float p24 = 0;
    float p28 = 0;
    for (int k = first; k < width; k += Lanes.COUNT) {
      p0 = accumulate(at, vector, k, p0);
      p4 = accumulate(at, vector, k + 4, p4);
      p8 = accumulate(at, vector, k + 8, p8);
      p12 = accumulate(at, vector, k + 12, p12);
      p16 = accumulate(at, vector, k + 16, p16);
      p20 = accumulate(at, vector, k + 20, p20);
      p24 = accumulate(at, vector, k + 24, p24);
      p28 = accumulate(at, vector, k + 28, p28);
    }
    return ((p0 + p16) + (p8 + p24)) + ((p4 + p20) + (p12 + p28));
  }

  private float accumulate(long at, MemorySegment vector, int k, float sum) {
    return Math.fma(weights.weight(at + k), vector.getAtIndex(JAVA_FLOAT, k), sum);
  }
}
