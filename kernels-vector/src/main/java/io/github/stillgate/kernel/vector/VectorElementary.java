package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static io.github.stillgate.kernel.vector.Species.BYTES;
import static io.github.stillgate.kernel.vector.Species.ORDER;
import static io.github.stillgate.kernel.vector.Species.SPECIES;

import io.github.stillgate.core.kernel.Elementary;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link Elementary}, operation by operation, over ranges of memory, each given by its address and
 * its size in bytes.
 *
 * <p>Memory and not vectors pass between these methods. As functions from vector to vector they
 * were inlined in one run and not in the next, depending on what had been compiled before; and each
 * one that is not inlined allocates its vectors (up to 25 KB a step at n = 96, 2026-11-22).
 */
final class VectorElementary {
  private static final FloatVector ZERO = FloatVector.zero(SPECIES);
  private static final FloatVector ONE = FloatVector.broadcast(SPECIES, 1f);
  private static final FloatVector TWO = FloatVector.broadcast(SPECIES, 2f);
  private static final FloatVector LIMIT = FloatVector.broadcast(SPECIES, Elementary.EXP_LIMIT);
  private static final FloatVector NEGATIVE_LIMIT = LIMIT.neg();
  private static final FloatVector LOG2_E = FloatVector.broadcast(SPECIES, Elementary.LOG2_E);
  private static final FloatVector ROUNDING = FloatVector.broadcast(SPECIES, Elementary.ROUNDING);
  private static final FloatVector MINUS_LN2_HIGH =
      FloatVector.broadcast(SPECIES, -Elementary.LN2_HIGH);
  private static final FloatVector MINUS_LN2_LOW =
      FloatVector.broadcast(SPECIES, -Elementary.LN2_LOW);
  private static final FloatVector E0 = FloatVector.broadcast(SPECIES, Elementary.E0);
  private static final FloatVector E1 = FloatVector.broadcast(SPECIES, Elementary.E1);
  private static final FloatVector E2 = FloatVector.broadcast(SPECIES, Elementary.E2);
  private static final FloatVector E3 = FloatVector.broadcast(SPECIES, Elementary.E3);
  private static final FloatVector E4 = FloatVector.broadcast(SPECIES, Elementary.E4);
  private static final FloatVector T0 = FloatVector.broadcast(SPECIES, Elementary.T0);
  private static final FloatVector T1 = FloatVector.broadcast(SPECIES, Elementary.T1);
  private static final FloatVector T2 = FloatVector.broadcast(SPECIES, Elementary.T2);
  private static final FloatVector T3 = FloatVector.broadcast(SPECIES, Elementary.T3);
  private static final FloatVector T4 = FloatVector.broadcast(SPECIES, Elementary.T4);
  private static final FloatVector POLYNOMIAL_BELOW =
      FloatVector.broadcast(SPECIES, Elementary.TANH_POLYNOMIAL_BELOW);
  private static final IntVector EXPONENT_BIAS = ONE.reinterpretAsInts().broadcast(127);
  private static final IntVector SIGN = EXPONENT_BIAS.broadcast(0x8000_0000);
  private static final IntVector MAGNITUDE = EXPONENT_BIAS.broadcast(0x7fff_ffff);

  private VectorElementary() {}

  /** {@code v = exp(v)}. */
  static void exp(long address, int bytes) {
    long values = Memory.at(address);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER);
      x = x.blend(LIMIT, x.compare(VectorOperators.GT, LIMIT));
      x = x.blend(NEGATIVE_LIMIT, x.compare(VectorOperators.LT, NEGATIVE_LIMIT));
      FloatVector shifted = x.fma(LOG2_E, ROUNDING);
      FloatVector n = shifted.sub(ROUNDING);
      FloatVector r = n.fma(MINUS_LN2_HIGH, x);
      r = n.fma(MINUS_LN2_LOW, r);
      FloatVector p = r.fma(E4, E3);
      p = r.fma(p, E2);
      p = r.fma(p, E1);
      p = r.fma(p, E0);
      p = r.mul(r).fma(p, r);
      p = p.add(ONE);
      FloatVector power =
          shifted
              .reinterpretAsInts()
              .add(EXPONENT_BIAS)
              .lanewise(VectorOperators.LSHL, 23)
              .reinterpretAsFloats();
      p.mul(power).intoMemorySegment(ALL, values + at, ORDER);
    }
  }

  /** {@code v = sigmoid(-v)}: the caller has negated already, which saves a pass. */
  static void sigmoidOfNegated(long address, int bytes) {
    long values = Memory.at(address);
    exp(values, bytes);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector e = FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER);
      ONE.div(ONE.add(e)).intoMemorySegment(ALL, values + at, ORDER);
    }
  }

  /**
   * {@code out = sigmoid((x + h) + bias)} in one pass.
   *
   * <p>Written out, it is a method that C2 does not inline: more than 325 bytes of code. Made of
   * passes, each of them inlined, it brought the end of a GRU layer within 100 of the 18,000 nodes
   * after which C2 inlines piecemeal (-XX:+LogCompilation), and on one machine that end allocated
   * 96 bytes for every 16 units (2026-11-27).
   */
  static void sigmoidOfSum(int bytes, long x, long h, long bias, long out) {
    long overX = Memory.at(x);
    long overH = Memory.at(h);
    long b = Memory.at(bias);
    long to = Memory.at(out);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector e =
          FloatVector.fromMemorySegment(SPECIES, ALL, overX + at, ORDER)
              .add(FloatVector.fromMemorySegment(SPECIES, ALL, overH + at, ORDER))
              .add(FloatVector.fromMemorySegment(SPECIES, ALL, b + at, ORDER))
              .neg();
      e = e.blend(LIMIT, e.compare(VectorOperators.GT, LIMIT));
      e = e.blend(NEGATIVE_LIMIT, e.compare(VectorOperators.LT, NEGATIVE_LIMIT));
      FloatVector shifted = e.fma(LOG2_E, ROUNDING);
      FloatVector n = shifted.sub(ROUNDING);
      FloatVector r = n.fma(MINUS_LN2_HIGH, e);
      r = n.fma(MINUS_LN2_LOW, r);
      FloatVector q = r.fma(E4, E3);
      q = r.fma(q, E2);
      q = r.fma(q, E1);
      q = r.fma(q, E0);
      q = r.mul(r).fma(q, r);
      q = q.add(ONE);
      FloatVector power =
          shifted
              .reinterpretAsInts()
              .add(EXPONENT_BIAS)
              .lanewise(VectorOperators.LSHL, 23)
              .reinterpretAsFloats();
      e = q.mul(power);
      ONE.div(ONE.add(e)).intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  /**
   * {@code out = tanh(values)}, which may be the same memory: so the exponential is written out
   * once more, since a pass of its own would overwrite what the next one reads.
   */
  static void tanh(long address, int bytes, long outAddress) {
    long values = Memory.at(address);
    long out = Memory.at(outAddress);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER);
      FloatVector e = x.abs();
      e = e.add(e);
      e = e.blend(LIMIT, e.compare(VectorOperators.GT, LIMIT));
      e = e.blend(NEGATIVE_LIMIT, e.compare(VectorOperators.LT, NEGATIVE_LIMIT));
      FloatVector shifted = e.fma(LOG2_E, ROUNDING);
      FloatVector n = shifted.sub(ROUNDING);
      FloatVector r = n.fma(MINUS_LN2_HIGH, e);
      r = n.fma(MINUS_LN2_LOW, r);
      FloatVector q = r.fma(E4, E3);
      q = r.fma(q, E2);
      q = r.fma(q, E1);
      q = r.fma(q, E0);
      q = r.mul(r).fma(q, r);
      q = q.add(ONE);
      FloatVector power =
          shifted
              .reinterpretAsInts()
              .add(EXPONENT_BIAS)
              .lanewise(VectorOperators.LSHL, 23)
              .reinterpretAsFloats();
      e = q.mul(power);
      IntVector large = ONE.sub(TWO.div(e.add(ONE))).reinterpretAsInts();
      FloatVector signed =
          large.and(MAGNITUDE).or(x.reinterpretAsInts().and(SIGN)).reinterpretAsFloats();
      FloatVector s = x.mul(x);
      FloatVector p = s.fma(T4, T3);
      p = s.fma(p, T2);
      p = s.fma(p, T1);
      p = s.fma(p, T0);
      FloatVector small = x.mul(s).fma(p, x);
      signed
          .blend(small, x.abs().compare(VectorOperators.LT, POLYNOMIAL_BELOW))
          .intoMemorySegment(ALL, out + at, ORDER);
    }
  }

  /** {@code out = v > 0 ? v : scale (exp(v) - 1)}, in one pass like {@link #tanh}. */
  static void elu(float scale, long address, int bytes, long outAddress) {
    long values = Memory.at(address);
    long out = Memory.at(outAddress);
    FloatVector a = FloatVector.broadcast(SPECIES, scale);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER);
      FloatVector e = x;
      e = e.blend(LIMIT, e.compare(VectorOperators.GT, LIMIT));
      e = e.blend(NEGATIVE_LIMIT, e.compare(VectorOperators.LT, NEGATIVE_LIMIT));
      FloatVector shifted = e.fma(LOG2_E, ROUNDING);
      FloatVector n = shifted.sub(ROUNDING);
      FloatVector r = n.fma(MINUS_LN2_HIGH, e);
      r = n.fma(MINUS_LN2_LOW, r);
      FloatVector q = r.fma(E4, E3);
      q = r.fma(q, E2);
      q = r.fma(q, E1);
      q = r.fma(q, E0);
      q = r.mul(r).fma(q, r);
      q = q.add(ONE);
      FloatVector power =
          shifted
              .reinterpretAsInts()
              .add(EXPONENT_BIAS)
              .lanewise(VectorOperators.LSHL, 23)
              .reinterpretAsFloats();
      e = q.mul(power);
      e.sub(ONE)
          .mul(a)
          .blend(x, x.compare(VectorOperators.GT, ZERO))
          .intoMemorySegment(ALL, out + at, ORDER);
    }
  }
}
