package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static io.github.stillgate.kernel.vector.Species.ORDER;

import io.github.stillgate.core.kernel.PackedWeights;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** 128-bit rows of bfloat16: eight registers hold the 32 partial sums. */
final class VectorRows128Bf16 extends VectorRows {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_128;

  private static final VectorSpecies<Integer> WORDS = IntVector.SPECIES_128;
  private static final IntVector UPPER = IntVector.broadcast(WORDS, 0xffff_0000);

  VectorRows128Bf16(PackedWeights weights) {
    super(weights);
  }

  @Override
  float sum(long row, long vector, int bytes) {
    long w = Memory.at(row);
    long x = Memory.at(vector);
    FloatVector p0 = FloatVector.zero(S);
    FloatVector p1 = FloatVector.zero(S);
    FloatVector p2 = FloatVector.zero(S);
    FloatVector p3 = FloatVector.zero(S);
    FloatVector p4 = FloatVector.zero(S);
    FloatVector p5 = FloatVector.zero(S);
    FloatVector p6 = FloatVector.zero(S);
    FloatVector p7 = FloatVector.zero(S);
    for (int k = 0; k < bytes; k += 128) {
      IntVector words0 = IntVector.fromMemorySegment(WORDS, ALL, w + k / 2, ORDER);
      IntVector words1 = IntVector.fromMemorySegment(WORDS, ALL, w + k / 2 + 16, ORDER);
      IntVector words2 = IntVector.fromMemorySegment(WORDS, ALL, w + k / 2 + 32, ORDER);
      IntVector words3 = IntVector.fromMemorySegment(WORDS, ALL, w + k / 2 + 48, ORDER);
      p0 =
          words0
              .lanewise(VectorOperators.LSHL, 16)
              .reinterpretAsFloats()
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k, ORDER), p0);
      p1 =
          words1
              .lanewise(VectorOperators.LSHL, 16)
              .reinterpretAsFloats()
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k + 16, ORDER), p1);
      p2 =
          words2
              .lanewise(VectorOperators.LSHL, 16)
              .reinterpretAsFloats()
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k + 32, ORDER), p2);
      p3 =
          words3
              .lanewise(VectorOperators.LSHL, 16)
              .reinterpretAsFloats()
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k + 48, ORDER), p3);
      p4 =
          words0
              .and(UPPER)
              .reinterpretAsFloats()
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k + 64, ORDER), p4);
      p5 =
          words1
              .and(UPPER)
              .reinterpretAsFloats()
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k + 80, ORDER), p5);
      p6 =
          words2
              .and(UPPER)
              .reinterpretAsFloats()
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k + 96, ORDER), p6);
      p7 =
          words3
              .and(UPPER)
              .reinterpretAsFloats()
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k + 112, ORDER), p7);
    }
    FloatVector even = p0.add(p4).add(p2.add(p6));
    FloatVector odd = p1.add(p5).add(p3.add(p7));
    FloatVector p = even.add(odd);
    return (p.lane(0) + p.lane(2)) + (p.lane(1) + p.lane(3));
  }
}
