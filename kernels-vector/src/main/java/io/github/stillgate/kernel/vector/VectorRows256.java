package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** 256-bit rows: four registers hold a row's 32 partial sums, so rows are taken two at a time. */
final class VectorRows256 extends VectorRows {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_256;
  private static final VectorShuffle<Float> BY_4 = VectorShuffle.iota(S, 4, 1, true);
  private static final VectorShuffle<Float> BY_2 = VectorShuffle.iota(S, 2, 1, true);
  private static final VectorShuffle<Float> BY_1 = VectorShuffle.iota(S, 1, 1, true);

  VectorRows256(RowLayout layout, MemorySegment weights) {
    super(layout, weights);
  }

  @Override
  void sumFour(
      MemorySegment weights,
      long r0,
      long r1,
      long r2,
      long r3,
      MemorySegment vector,
      int bytes,
      MemorySegment sums,
      long s0,
      long s1,
      long s2,
      long s3) {
    sumTwo(weights, r0, r1, vector, bytes, sums, s0, s1);
    sumTwo(weights, r2, r3, vector, bytes, sums, s2, s3);
  }

  private static void sumTwo(
      MemorySegment weights,
      long r0,
      long r1,
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
      p0a = FloatVector.fromMemorySegment(S, weights, r0 + k, ORDER).fma(xa, p0a);
      p0b = FloatVector.fromMemorySegment(S, weights, r0 + k + 32, ORDER).fma(xb, p0b);
      p0c = FloatVector.fromMemorySegment(S, weights, r0 + k + 64, ORDER).fma(xc, p0c);
      p0d = FloatVector.fromMemorySegment(S, weights, r0 + k + 96, ORDER).fma(xd, p0d);
      p1a = FloatVector.fromMemorySegment(S, weights, r1 + k, ORDER).fma(xa, p1a);
      p1b = FloatVector.fromMemorySegment(S, weights, r1 + k + 32, ORDER).fma(xb, p1b);
      p1c = FloatVector.fromMemorySegment(S, weights, r1 + k + 64, ORDER).fma(xc, p1c);
      p1d = FloatVector.fromMemorySegment(S, weights, r1 + k + 96, ORDER).fma(xd, p1d);
    }
    sums.set(JAVA_FLOAT, s0, tree(p0a.add(p0c).add(p0b.add(p0d))));
    sums.set(JAVA_FLOAT, s1, tree(p1a.add(p1c).add(p1b.add(p1d))));
  }

  private static float tree(FloatVector p) {
    p = p.add(p.rearrange(BY_4));
    p = p.add(p.rearrange(BY_2));
    return p.add(p.rearrange(BY_1)).lane(0);
  }
}
