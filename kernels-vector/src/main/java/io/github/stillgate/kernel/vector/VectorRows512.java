package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** 512-bit rows: two registers hold a row's 32 partial sums. */
final class VectorRows512 extends VectorRows {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_512;
  private static final VectorShuffle<Float> BY_8 = VectorShuffle.iota(S, 8, 1, true);
  private static final VectorShuffle<Float> BY_4 = VectorShuffle.iota(S, 4, 1, true);
  private static final VectorShuffle<Float> BY_2 = VectorShuffle.iota(S, 2, 1, true);
  private static final VectorShuffle<Float> BY_1 = VectorShuffle.iota(S, 1, 1, true);

  VectorRows512(RowLayout layout, MemorySegment weights) {
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
      p0a = FloatVector.fromMemorySegment(S, weights, r0 + k, ORDER).fma(xa, p0a);
      p0b = FloatVector.fromMemorySegment(S, weights, r0 + k + 64, ORDER).fma(xb, p0b);
      p1a = FloatVector.fromMemorySegment(S, weights, r1 + k, ORDER).fma(xa, p1a);
      p1b = FloatVector.fromMemorySegment(S, weights, r1 + k + 64, ORDER).fma(xb, p1b);
      p2a = FloatVector.fromMemorySegment(S, weights, r2 + k, ORDER).fma(xa, p2a);
      p2b = FloatVector.fromMemorySegment(S, weights, r2 + k + 64, ORDER).fma(xb, p2b);
      p3a = FloatVector.fromMemorySegment(S, weights, r3 + k, ORDER).fma(xa, p3a);
      p3b = FloatVector.fromMemorySegment(S, weights, r3 + k + 64, ORDER).fma(xb, p3b);
    }
    sums.set(JAVA_FLOAT, s0, tree(p0a.add(p0b)));
    sums.set(JAVA_FLOAT, s1, tree(p1a.add(p1b)));
    sums.set(JAVA_FLOAT, s2, tree(p2a.add(p2b)));
    sums.set(JAVA_FLOAT, s3, tree(p3a.add(p3b)));
  }

  private static float tree(FloatVector p) {
    p = p.add(p.rearrange(BY_8));
    p = p.add(p.rearrange(BY_4));
    p = p.add(p.rearrange(BY_2));
    return p.add(p.rearrange(BY_1)).lane(0);
  }
}
