package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static io.github.stillgate.kernel.vector.Species.BYTES;
import static io.github.stillgate.kernel.vector.Species.ORDER;
import static io.github.stillgate.kernel.vector.Species.SPECIES;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Softmax: the largest value, exponentials, their sum, a division, each a pass. */
final class VectorSoftmax {
  private static final VectorSpecies<Float> S128 = FloatVector.SPECIES_128;

  private VectorSoftmax() {}

  static void softmax(int n, long values, long out) {
    int bytes = 4 * Lanes.padded(n);
    long from = Memory.at(values);
    long to = Memory.at(out);
    float max = ALL.get(JAVA_FLOAT, from);
    for (int i = 1; i < n; i++) {
      float v = ALL.get(JAVA_FLOAT, from + 4L * i);
      max = v > max ? v : max;
    }
    subtract(bytes, max, from, to);
    VectorElementary.exp(to, bytes);
    for (int i = n; i < bytes / 4; i++) {
      ALL.set(JAVA_FLOAT, to + 4L * i, 0f);
    }
    divide(bytes, sum(bytes, to), to);
  }

  private static void subtract(int bytes, float amount, long address, long out) {
    long values = Memory.at(address);
    long to = Memory.at(out);
    FloatVector amounts = FloatVector.broadcast(SPECIES, amount);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER)
          .sub(amounts)
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  private static void divide(int bytes, float divisor, long address) {
    long values = Memory.at(address);
    FloatVector divisors = FloatVector.broadcast(SPECIES, divisor);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER)
          .div(divisors)
          .intoMemorySegment(ALL, values + at, ORDER);
    }
  }

  /** 128-bit registers on every machine: eight hold the 32 partial sums, and the tree is short. */
  private static float sum(int bytes, long address) {
    long values = Memory.at(address);
    FloatVector p0 = FloatVector.zero(S128);
    FloatVector p1 = FloatVector.zero(S128);
    FloatVector p2 = FloatVector.zero(S128);
    FloatVector p3 = FloatVector.zero(S128);
    FloatVector p4 = FloatVector.zero(S128);
    FloatVector p5 = FloatVector.zero(S128);
    FloatVector p6 = FloatVector.zero(S128);
    FloatVector p7 = FloatVector.zero(S128);
    for (int at = 0; at < bytes; at += 4 * Lanes.COUNT) {
      p0 = p0.add(FloatVector.fromMemorySegment(S128, ALL, values + at, ORDER));
      p1 = p1.add(FloatVector.fromMemorySegment(S128, ALL, values + at + 16, ORDER));
      p2 = p2.add(FloatVector.fromMemorySegment(S128, ALL, values + at + 32, ORDER));
      p3 = p3.add(FloatVector.fromMemorySegment(S128, ALL, values + at + 48, ORDER));
      p4 = p4.add(FloatVector.fromMemorySegment(S128, ALL, values + at + 64, ORDER));
      p5 = p5.add(FloatVector.fromMemorySegment(S128, ALL, values + at + 80, ORDER));
      p6 = p6.add(FloatVector.fromMemorySegment(S128, ALL, values + at + 96, ORDER));
      p7 = p7.add(FloatVector.fromMemorySegment(S128, ALL, values + at + 112, ORDER));
    }
    FloatVector even = p0.add(p4).add(p2.add(p6));
    FloatVector odd = p1.add(p5).add(p3.add(p7));
    FloatVector p = even.add(odd);
    return (p.lane(0) + p.lane(2)) + (p.lane(1) + p.lane(3));
  }
}
