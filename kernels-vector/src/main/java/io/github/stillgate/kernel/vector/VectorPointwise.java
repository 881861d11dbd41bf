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

  /** {@code out = f(values)}; {@code out} may be {@code values}. */
  static void apply(Pointwise function, float a, float b, int bytes, long from, long to) {
    switch (function) {
      case SIGMOID -> {
        affine(-1f, -0f, bytes, from, to);
        VectorElementary.sigmoidOfNegated(to, bytes);
      }
      case TANH -> VectorElementary.tanh(from, bytes, to);
      case AFFINE -> affine(a, b, bytes, from, to);
      case CLAMP -> clamp(a, b, bytes, from, to);
      case LEAK -> leak(a, bytes, from, to);
      case THRESHOLD -> threshold(a, bytes, from, to);
      case ELU -> VectorElementary.elu(a, from, bytes, to);
      case SOFTSIGN -> softsign(bytes, from, to);
    }
  }

  private static void affine(float scale, float shift, int bytes, long values, long out) {
    long v = Memory.at(values);
    long to = Memory.at(out);
    FloatVector a = FloatVector.broadcast(SPECIES, scale);
    FloatVector b = FloatVector.broadcast(SPECIES, shift);
    for (int at = 0; at < bytes; at += BYTES) {
      a.fma(FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER), b)
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  private static void clamp(float low, float high, int bytes, long values, long out) {
    long v = Memory.at(values);
    long to = Memory.at(out);
    FloatVector a = FloatVector.broadcast(SPECIES, low);
    FloatVector b = FloatVector.broadcast(SPECIES, high);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER);
      FloatVector below = b.blend(x, x.compare(VectorOperators.LT, b));
      a.blend(below, x.compare(VectorOperators.GT, a)).intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  private static void leak(float slope, int bytes, long values, long out) {
    long v = Memory.at(values);
    long to = Memory.at(out);
    FloatVector a = FloatVector.broadcast(SPECIES, slope);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER);
      a.mul(x).blend(x, x.compare(VectorOperators.GT, ZERO)).intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  private static void threshold(float threshold, int bytes, long values, long out) {
    long v = Memory.at(values);
    long to = Memory.at(out);
    FloatVector a = FloatVector.broadcast(SPECIES, threshold);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER);
      ZERO.blend(x, x.compare(VectorOperators.GT, a)).intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  private static void softsign(int bytes, long values, long out) {
    long v = Memory.at(values);
    long to = Memory.at(out);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER);
      x.div(ONE.add(x.abs())).intoMemorySegment(ALL, to + at, ORDER);
    }
  }
}
