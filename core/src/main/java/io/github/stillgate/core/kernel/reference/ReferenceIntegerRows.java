package io.github.stillgate.core.kernel.reference;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Int8;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackLayout;
import io.github.stillgate.core.kernel.PackedWeights;
import java.lang.foreign.MemorySegment;

/** Rows of int8, each summed by itself, in plain loops: {@link Int8}. */
final class ReferenceIntegerRows extends Pack {
  private final int widest;

  ReferenceIntegerRows(PackedWeights weights) {
    super(weights);
    this.widest = layout().widest();
  }

  /** The values of an operand as integers. */
  @Override
  public int scratchFloats() {
    return widest;
  }

  @Override
  public void multiply(ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
    for (int operand = 0; operand < stream.operands(); operand++) {
      MemorySegment vector = stream.vector(operand);
      MemorySegment sums = stream.sums(operand);
      if (vector == null || sums == null) {
        continue;
      }
      float scale = round(operand, vector, scratch);
      for (int position = from; position < to; position++) {
        sumGroup(operand, set.at(position), scale, scratch, sums);
      }
    }
  }

  private float round(int operand, MemorySegment vector, MemorySegment to) {
    int columns = layout().part(operand).columns();
    float scale = weights().operandScale(operand, vector);
    for (int column = 0; column < columns; column++) {
      int value = Int8.round(vector.getAtIndex(JAVA_FLOAT, column), 1 / scale);
      to.setAtIndex(JAVA_INT, column, value);
    }
    return scale;
  }

  private void sumGroup(
      int operand, int group, float scale, MemorySegment values, MemorySegment sums) {
    PackLayout.Part part = layout().part(operand);
    int first = part.firstRow(group);
    for (int row = 0; row < part.rows(group); row++) {
      long at = part.at(group, row, 0);
      int sum = 0;
      for (int column = 0; column < part.columns(); column++) {
        int weight = weights().weights().get(JAVA_BYTE, at + column);
        sum += weight * values.getAtIndex(JAVA_INT, column);
      }
      int sumAt = part.sumAt(first + row);
      float rowScale = weights().rowScales(operand).getAtIndex(JAVA_FLOAT, sumAt);
      sums.setAtIndex(JAVA_FLOAT, sumAt, Int8.sum(sum, rowScale, scale));
    }
  }
}
