package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static io.github.stillgate.kernel.vector.Species.ORDER;

import io.github.stillgate.core.kernel.PackedWeights;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** 512-bit rows of bfloat16: two registers hold the 32 partial sums. */
final class VectorRows512Bf16 extends VectorRows {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_512;
  private static final VectorShuffle<Float> ACROSS_8 = VectorShuffle.fromOp(S, lane -> lane ^ 8);
  private static final VectorShuffle<Float> ACROSS_4 = VectorShuffle.fromOp(S, lane -> lane ^ 4);
  private static final VectorShuffle<Float> ACROSS_2 = VectorShuffle.fromOp(S, lane -> lane ^ 2);
  private static final VectorShuffle<Float> ACROSS_1 = VectorShuffle.fromOp(S, lane -> lane ^ 1);

  private static final VectorSpecies<Integer> WORDS = IntVector.SPECIES_512;
  private static final IntVector UPPER = IntVector.broadcast(WORDS, 0xffff_0000);

  VectorRows512Bf16(PackedWeights weights) {
    super(weights);
  }

  @Override
  float sum(long row, long vector, int bytes) {
    long w = Memory.at(row);
    long x = Memory.at(vector);
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    for (int k = 0; k < bytes; k += 128) {
      IntVector words0 = IntVector.fromMemorySegment(WORDS, ALL, w + k / 2, ORDER);
      a =
          words0
              .lanewise(VectorOperators.LSHL, 16)
              .reinterpretAsFloats()
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k, ORDER), a);
      b =
          words0
              .and(UPPER)
              .reinterpretAsFloats()
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k + 64, ORDER), b);
    }
    FloatVector p = a.add(b);
    p = p.add(p.rearrange(ACROSS_8));
    p = p.add(p.rearrange(ACROSS_4));
    p = p.add(p.rearrange(ACROSS_2));
    return p.add(p.rearrange(ACROSS_1)).lane(0);
  }
}
