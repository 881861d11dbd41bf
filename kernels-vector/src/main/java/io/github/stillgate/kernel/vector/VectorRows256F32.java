package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static io.github.stillgate.kernel.vector.Species.ORDER;

import io.github.stillgate.core.kernel.PackedWeights;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** 256-bit rows of float32: four registers hold the 32 partial sums. */
final class VectorRows256F32 extends VectorRows {
  private static final VectorSpecies<Float> S = FloatVector.SPECIES_256;
  private static final VectorShuffle<Float> ACROSS_4 = VectorShuffle.fromOp(S, lane -> lane ^ 4);
  private static final VectorShuffle<Float> ACROSS_2 = VectorShuffle.fromOp(S, lane -> lane ^ 2);
  private static final VectorShuffle<Float> ACROSS_1 = VectorShuffle.fromOp(S, lane -> lane ^ 1);

  VectorRows256F32(PackedWeights weights) {
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
      a =
          FloatVector.fromMemorySegment(S, ALL, w + k, ORDER)
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k, ORDER), a);
      b =
          FloatVector.fromMemorySegment(S, ALL, w + k + 32, ORDER)
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k + 32, ORDER), b);
      c =
          FloatVector.fromMemorySegment(S, ALL, w + k + 64, ORDER)
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k + 64, ORDER), c);
      d =
          FloatVector.fromMemorySegment(S, ALL, w + k + 96, ORDER)
              .fma(FloatVector.fromMemorySegment(S, ALL, x + k + 96, ORDER), d);
    }
    FloatVector p = a.add(c).add(b.add(d));
    p = p.add(p.rearrange(ACROSS_4));
    p = p.add(p.rearrange(ACROSS_2));
    return p.add(p.rearrange(ACROSS_1)).lane(0);
  }
}
