package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * 512-bit rows: two registers hold a row's 32 partial sums, and the trees of four rows are one.
 *
 * <p>The joint tree needs half the shuffles (rows of 128: 78 GB/s against 47), and four separate
 * trees would not be inlined any more (NodeCountInliningCutoff), which boxes every sum.
 */
final class VectorRows512 extends VectorRows {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_512;
  private static final VectorShuffle<Float> ACROSS_8 = VectorShuffle.fromOp(S, lane -> lane ^ 8);
  private static final VectorShuffle<Float> ACROSS_4 = VectorShuffle.fromOp(S, lane -> lane ^ 4);
  private static final VectorShuffle<Float> ACROSS_2 = VectorShuffle.fromOp(S, lane -> lane ^ 2);
  private static final VectorShuffle<Float> ACROSS_1 = VectorShuffle.fromOp(S, lane -> lane ^ 1);
  private static final VectorMask<Float> UPPER_8 = VectorMask.fromLong(S, 0xff00);
  private static final VectorMask<Float> UPPER_4 = VectorMask.fromLong(S, 0xf0f0);

  VectorRows512(RowLayout layout, MemorySegment weights) {
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
    int bytes = part.rowBytes;
    if (bytes >= LONG_ROW_BYTES) {
      sumLongRows(set, position, groups, part, vector, sums);
      return;
    }
    int last = groups * part.rows - 1;
    for (int row = 0; row <= last; row += 4) {
      // A short last four repeats its last row: it is in L1 by then, and no second kernel is
      // needed.
      int row1 = Math.min(row + 1, last);
      int row2 = Math.min(row + 2, last);
      int row3 = Math.min(row + 3, last);
      int group0 = set.at(position + part.groupOf[row]);
      int group1 = set.at(position + part.groupOf[row1]);
      int group2 = set.at(position + part.groupOf[row2]);
      int group3 = set.at(position + part.groupOf[row3]);
      MemorySegment w0 = part.row(group0, row);
      MemorySegment w1 = part.row(group1, row1);
      MemorySegment w2 = part.row(group2, row2);
      MemorySegment w3 = part.row(group3, row3);
      FloatVector p0a = FloatVector.zero(S);
      FloatVector p0b = FloatVector.zero(S);
      FloatVector p1a = FloatVector.zero(S);
      FloatVector p1b = FloatVector.zero(S);
      FloatVector p2a = FloatVector.zero(S);
      FloatVector p2b = FloatVector.zero(S);
      FloatVector p3a = FloatVector.zero(S);
      FloatVector p3b = FloatVector.zero(S);
      for (int k = 0; k < bytes; k += 128) {
        FloatVector xa = FloatVector.fromMemorySegment(S, vector, k, ORDER);
        FloatVector xb = FloatVector.fromMemorySegment(S, vector, k + 64, ORDER);
        p0a = FloatVector.fromMemorySegment(S, w0, k, ORDER).fma(xa, p0a);
        p0b = FloatVector.fromMemorySegment(S, w0, k + 64, ORDER).fma(xb, p0b);
        p1a = FloatVector.fromMemorySegment(S, w1, k, ORDER).fma(xa, p1a);
        p1b = FloatVector.fromMemorySegment(S, w1, k + 64, ORDER).fma(xb, p1b);
        p2a = FloatVector.fromMemorySegment(S, w2, k, ORDER).fma(xa, p2a);
        p2b = FloatVector.fromMemorySegment(S, w2, k + 64, ORDER).fma(xb, p2b);
        p3a = FloatVector.fromMemorySegment(S, w3, k, ORDER).fma(xa, p3a);
        p3b = FloatVector.fromMemorySegment(S, w3, k + 64, ORDER).fma(xb, p3b);
      }
      FloatVector p0 = p0a.add(p0b);
      FloatVector p1 = p1a.add(p1b);
      FloatVector p2 = p2a.add(p2b);
      FloatVector p3 = p3a.add(p3b);
      // Lanes 0 .. 7 become p0[l] + p0[l + 8], lanes 8 .. 15 the same of p1; then of p2 and p3.
      FloatVector p01 =
          p0.blend(p1.rearrange(ACROSS_8), UPPER_8).add(p0.rearrange(ACROSS_8).blend(p1, UPPER_8));
      FloatVector p23 =
          p2.blend(p3.rearrange(ACROSS_8), UPPER_8).add(p2.rearrange(ACROSS_8).blend(p3, UPPER_8));
      // Four lanes a row, in the order p0, p2, p1, p3.
      FloatVector p =
          p01.blend(p23.rearrange(ACROSS_4), UPPER_4)
              .add(p01.rearrange(ACROSS_4).blend(p23, UPPER_4));
      p = p.add(p.rearrange(ACROSS_2));
      p = p.add(p.rearrange(ACROSS_1));
      sums.set(JAVA_FLOAT, 4L * group0 + part.sumAt[row], p.lane(0));
      sums.set(JAVA_FLOAT, 4L * group1 + part.sumAt[row1], p.lane(8));
      sums.set(JAVA_FLOAT, 4L * group2 + part.sumAt[row2], p.lane(4));
      sums.set(JAVA_FLOAT, 4L * group3 + part.sumAt[row3], p.lane(12));
    }
  }

  private static void sumLongRows(
      ActiveSet set,
      int position,
      int groups,
      Part part,
      MemorySegment vector,
      MemorySegment sums) {
    for (int row = 0; row < groups * part.rows; row++) {
      int group = set.at(position + part.groupOf[row]);
      float sum = sum(part.row(group, row), vector, part.rowBytes);
      sums.set(JAVA_FLOAT, 4L * group + part.sumAt[row], sum);
    }
  }

  private static float sum(MemorySegment row, MemorySegment vector, int bytes) {
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    for (int k = 0; k < bytes; k += 128) {
      a =
          FloatVector.fromMemorySegment(S, row, k, ORDER)
              .fma(FloatVector.fromMemorySegment(S, vector, k, ORDER), a);
      b =
          FloatVector.fromMemorySegment(S, row, k + 64, ORDER)
              .fma(FloatVector.fromMemorySegment(S, vector, k + 64, ORDER), b);
    }
    FloatVector p = a.add(b);
    p = p.add(p.rearrange(ACROSS_8));
    p = p.add(p.rearrange(ACROSS_4));
    p = p.add(p.rearrange(ACROSS_2));
    return p.add(p.rearrange(ACROSS_1)).lane(0);
  }
}
