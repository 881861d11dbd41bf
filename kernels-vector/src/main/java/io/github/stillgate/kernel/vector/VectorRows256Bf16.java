package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static io.github.stillgate.kernel.vector.Species.ORDER;

import io.github.stillgate.core.kernel.PackedWeights;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** 256-bit rows of bfloat16: four registers hold the 32 partial sums. */
final class VectorRows256Bf16 extends VectorRows {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_256;
  private static final VectorShuffle<Float> ACROSS_4 = VectorShuffle.fromOp(S, lane -> lane ^ 4);
  private static final VectorShuffle<Float> ACROSS_2 = VectorShuffle.fromOp(S, lane -> lane ^ 2);
  private static final VectorShuffle<Float> ACROSS_1 = VectorShuffle.fromOp(S, lane -> lane ^ 1);

  private static final VectorSpecies<Integer> WORDS = IntVector.SPECIES_256;
  private static final IntVector UPPER = IntVector.broadcast(WORDS, 0xffff_0000);

  VectorRows256Bf16(PackedWeights weights) {
    super(weights);
  }

  @Override
  float sum(long row, long vector, int bytes) {
    long w = Memory.at(row);
    long x = Memory.at(vector);
    FloatVector a = FloatVector.zero(S);
    FloatVector b = FloatVector.zero(S);
    FloatVector c = FloatVector.zero(S);
    FloatVector d = FloatVector.zero(S);
    for (int k = 0; k < bytes; k += 128) {
      IntVector words0 = IntVector.fromMemorySegment(WORDS, ALL, w + k / 2, ORDER);
      IntVector words1 = IntVector.fromMemorySegment(WORDS, ALL, w + k / 2 + 32, ORDER);
      a =
          words0
              .lanewise(VectorOperators.LSHL, 16)
              .reinterpretAsFloats()
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k, ORDER), a);
      b =
          words1
              .lanewise(VectorOperators.LSHL, 16)
              .reinterpretAsFloats()
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k + 32, ORDER), b);
      c =
          words0
              .and(UPPER)
              .reinterpretAsFloats()
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k + 64, ORDER), c);
      d =
          words1
              .and(UPPER)
              .reinterpretAsFloats()
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k + 96, ORDER), d);
    }
    FloatVector p = a.add(c).add(b.add(d));
    p = p.add(p.rearrange(ACROSS_4));
    p = p.add(p.rearrange(ACROSS_2));
    return p.add(p.rearrange(ACROSS_1)).lane(0);
  }
}
