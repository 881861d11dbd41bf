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
 * 256-bit rows: four registers hold a row's 32 partial sums, so rows are taken two at a time, and
 * their trees are one.
 */
final class VectorRows256 extends VectorRows {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_256;
  private static final VectorShuffle<Float> ACROSS_4 = VectorShuffle.fromOp(S, lane -> lane ^ 4);
  private static final VectorShuffle<Float> ACROSS_2 = VectorShuffle.fromOp(S, lane -> lane ^ 2);
  private static final VectorShuffle<Float> ACROSS_1 = VectorShuffle.fromOp(S, lane -> lane ^ 1);
  private static final VectorMask<Float> UPPER_4 = VectorMask.fromLong(S, 0xf0);

  VectorRows256(RowLayout layout, MemorySegment weights) {
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
    int last = groups * part.rows - 1;
    for (int row = 0; row <= last; row += 2) {
      int row1 = Math.min(row + 1, last);
      int group0 = set.at(position + part.groupOf[row]);
      int group1 = set.at(position + part.groupOf[row1]);
      sumTwo(
          part.row(group0, row),
          part.row(group1, row1),
          vector,
          part.rowBytes,
          sums,
          4L * group0 + part.sumAt[row],
          4L * group1 + part.sumAt[row1]);
    }
  }

  private static void sumTwo(
      MemorySegment w0,
      MemorySegment w1,
      MemorySegment vector,
      int bytes,
      MemorySegment sums,
      long s0,
      long s1) {
    FloatVector p0a = FloatVector.zero(S);
    FloatVector p0b = FloatVector.zero(S);
    FloatVector p0c = FloatVector.zero(S);
    FloatVector p0d = FloatVector.zero(S);
    FloatVector p1a = FloatVector.zero(S);
    FloatVector p1b = FloatVector.zero(S);
    FloatVector p1c = FloatVector.zero(S);
    FloatVector p1d = FloatVector.zero(S);
    for (int k = 0; k < bytes; k += 128) {
      FloatVector xa = FloatVector.fromMemorySegment(S, vector, k, ORDER);
      FloatVector xb = FloatVector.fromMemorySegment(S, vector, k + 32, ORDER);
      FloatVector xc = FloatVector.fromMemorySegment(S, vector, k + 64, ORDER);
      FloatVector xd = FloatVector.fromMemorySegment(S, vector, k + 96, ORDER);
      p0a = FloatVector.fromMemorySegment(S, w0, k, ORDER).fma(xa, p0a);
      p0b = FloatVector.fromMemorySegment(S, w0, k + 32, ORDER).fma(xb, p0b);
      p0c = FloatVector.fromMemorySegment(S, w0, k + 64, ORDER).fma(xc, p0c);
      p0d = FloatVector.fromMemorySegment(S, w0, k + 96, ORDER).fma(xd, p0d);
      p1a = FloatVector.fromMemorySegment(S, w1, k, ORDER).fma(xa, p1a);
      p1b = FloatVector.fromMemorySegment(S, w1, k + 32, ORDER).fma(xb, p1b);
      p1c = FloatVector.fromMemorySegment(S, w1, k + 64, ORDER).fma(xc, p1c);
      p1d = FloatVector.fromMemorySegment(S, w1, k + 96, ORDER).fma(xd, p1d);
    }
    FloatVector p0 = p0a.add(p0c).add(p0b.add(p0d));
    FloatVector p1 = p1a.add(p1c).add(p1b.add(p1d));
    // Lanes 0 .. 3 become p0[l] + p0[l + 4], lanes 4 .. 7 the same of p1.
    FloatVector p =
        p0.blend(p1.rearrange(ACROSS_4), UPPER_4).add(p0.rearrange(ACROSS_4).blend(p1, UPPER_4));
    p = p.add(p.rearrange(ACROSS_2));
    p = p.add(p.rearrange(ACROSS_1));
    sums.set(JAVA_FLOAT, s0, p.lane(0));
    sums.set(JAVA_FLOAT, s1, p.lane(4));
  }
}
