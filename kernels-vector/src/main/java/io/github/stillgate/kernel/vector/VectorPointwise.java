package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static io.github.stillgate.kernel.vector.Species.BYTES;
import static io.github.stillgate.kernel.vector.Species.ORDER;
import static io.github.stillgate.kernel.vector.Species.SPECIES;

import io.github.stillgate.core.kernel.Pointwise;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** {@link Pointwise}, operation by operation, over ranges of memory. */
final class VectorPointwise {
  private static final FloatVector ZERO = FloatVector.zero(SPECIES);
  private static final FloatVector ONE = FloatVector.broadcast(SPECIES, 1f);

  private VectorPointwise() {}

  /**
   * {@code out = f(values)}; {@code out} may be {@code values}.
   *
   * <p>Written out for the same reason as {@link VectorElementary#sigmoidOfSum}: a layer applies
   * several functions in a step, and with each of them inlined one broadcast of a threshold was a
   * vector on the heap in each step (96 bytes, 2026-11-27).
   */
  static void apply(Pointwise function, float a, float b, int bytes, long from, long out) {
    long values = Memory.at(from);
    long to = Memory.at(out);
    FloatVector first = FloatVector.broadcast(SPECIES, a);
    switch (function) {
      case SIGMOID -> {
        for (int at = 0; at < bytes; at += BYTES) {
          FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER)
              .neg()
              .intoMemorySegment(ALL, to + at, ORDER);
        }
        VectorElementary.sigmoidOfNegated(to, bytes);
      }
      case TANH -> VectorElementary.tanh(values, bytes, to);
      case AFFINE -> {
        FloatVector shift = FloatVector.broadcast(SPECIES, b);
        for (int at = 0; at < bytes; at += BYTES) {
          first
              .fma(FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER), shift)
              .intoMemorySegment(ALL, to + at, ORDER);
        }
      }
      case CLAMP -> {
        FloatVector high = FloatVector.broadcast(SPECIES, b);
        for (int at = 0; at < bytes; at += BYTES) {
          FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER);
          FloatVector below = high.blend(x, x.compare(VectorOperators.LT, high));
          first
              .blend(below, x.compare(VectorOperators.GT, first))
              .intoMemorySegment(ALL, to + at, ORDER);
        }
      }
      case LEAK -> {
        for (int at = 0; at < bytes; at += BYTES) {
          FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER);
          first
              .mul(x)
              .blend(x, x.compare(VectorOperators.GT, ZERO))
              .intoMemorySegment(ALL, to + at, ORDER);
        }
      }
      case THRESHOLD -> {
        for (int at = 0; at < bytes; at += BYTES) {
          FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER);
          ZERO.blend(x, x.compare(VectorOperators.GT, first))
              .intoMemorySegment(ALL, to + at, ORDER);
        }
      }
      case ELU -> VectorElementary.elu(a, values, bytes, to);
      case SOFTSIGN -> {
        for (int at = 0; at < bytes; at += BYTES) {
          FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER);
          x.div(ONE.add(x.abs())).intoMemorySegment(ALL, to + at, ORDER);
        }
      }
    }
  }
}
