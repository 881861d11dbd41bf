package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** 128-bit rows: eight registers hold a row's 32 partial sums, so rows are taken one at a time. */
final class VectorRows128 extends VectorRows {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_128;

  VectorRows128(RowLayout layout, MemorySegment weights) {
    super(layout, weights);
  }

  @Override
  void sumGroups(
      ActiveSet set,
      int position,
      int groups,
      Part part,
      MemorySegment vector,
      MemorySegment sums) {
    for (int row = 0; row < groups * part.rows; row++) {
      int group = set.at(position + part.groupOf[row]);
      sums.set(
          JAVA_FLOAT,
          4L * group + part.sumAt[row],
          sum(part.row(group, row), vector, part.rowBytes));
    }
  }

  private static float sum(MemorySegment row, MemorySegment vector, int bytes) {
    FloatVector p0 = FloatVector.zero(S);
    FloatVector p1 = FloatVector.zero(S);
    FloatVector p2 = FloatVector.zero(S);
    FloatVector p3 = FloatVector.zero(S);
    FloatVector p4 = FloatVector.zero(S);
    FloatVector p5 = FloatVector.zero(S);
    FloatVector p6 = FloatVector.zero(S);
    FloatVector p7 = FloatVector.zero(S);
    for (int k = 0; k < bytes; k += 128) {
      p0 =
          FloatVector.fromMemorySegment(S, row, k, ORDER)
              .fma(FloatVector.fromMemorySegment(S, vector, k, ORDER), p0);
      p1 =
          FloatVector.fromMemorySegment(S, row, k + 16, ORDER)
              .fma(FloatVector.fromMemorySegment(S, vector, k + 16, ORDER), p1);
      p2 =
          FloatVector.fromMemorySegment(S, row, k + 32, ORDER)
              .fma(FloatVector.fromMemorySegment(S, vector, k + 32, ORDER), p2);
      p3 =
          FloatVector.fromMemorySegment(S, row, k + 48, ORDER)
              .fma(FloatVector.fromMemorySegment(S, vector, k + 48, ORDER), p3);
      p4 =
          FloatVector.fromMemorySegment(S, row, k + 64, ORDER)
              .fma(FloatVector.fromMemorySegment(S, vector, k + 64, ORDER), p4);
      p5 =
          FloatVector.fromMemorySegment(S, row, k + 80, ORDER)
              .fma(FloatVector.fromMemorySegment(S, vector, k + 80, ORDER), p5);
      p6 =
          FloatVector.fromMemorySegment(S, row, k + 96, ORDER)
              .fma(FloatVector.fromMemorySegment(S, vector, k + 96, ORDER), p6);
      p7 =
          FloatVector.fromMemorySegment(S, row, k + 112, ORDER)
              .fma(FloatVector.fromMemorySegment(S, vector, k + 112, ORDER), p7);
    }
    FloatVector even = p0.add(p4).add(p2.add(p6));
    FloatVector odd = p1.add(p5).add(p3.add(p7));
    FloatVector p = even.add(odd);
    return (p.lane(0) + p.lane(2)) + (p.lane(1) + p.lane(3));
  }
}
