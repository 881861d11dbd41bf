package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Lanes.SPECIES;

import io.github.stillgate.core.kernel.Elementary;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** {@link Elementary}, operation by operation, on all lanes at once. */
final class VectorElementary {
  private static final FloatVector LIMIT = FloatVector.broadcast(SPECIES, Elementary.EXP_LIMIT);
  private static final FloatVector NEGATIVE_LIMIT =
      FloatVector.broadcast(SPECIES, -Elementary.EXP_LIMIT);

  private VectorElementary() {}

  static FloatVector exp(FloatVector x) {
    FloatVector clamped = x.blend(LIMIT, x.compare(VectorOperators.GT, Elementary.EXP_LIMIT));
    clamped =
        clamped.blend(
            NEGATIVE_LIMIT, clamped.compare(VectorOperators.LT, -Elementary.EXP_LIMIT));
    FloatVector shifted =
        clamped.fma(
            FloatVector.broadcast(SPECIES, Elementary.LOG2_E),
            FloatVector.broadcast(SPECIES, Elementary.ROUNDING));
    FloatVector n = shifted.sub(Elementary.ROUNDING);
    FloatVector r = n.fma(FloatVector.broadcast(SPECIES, -Elementary.LN2_HIGH), clamped);
    r = n.fma(FloatVector.broadcast(SPECIES, -Elementary.LN2_LOW), r);
    FloatVector p =
        r.fma(
            FloatVector.broadcast(SPECIES, Elementary.E4),
            FloatVector.broadcast(SPECIES, Elementary.E3));
    p = r.fma(p, FloatVector.broadcast(SPECIES, Elementary.E2));
    p = r.fma(p, FloatVector.broadcast(SPECIES, Elementary.E1));
    p = r.fma(p, FloatVector.broadcast(SPECIES, Elementary.E0));
    p = r.mul(r).fma(p, r);
    p = p.add(1f);
    IntVector power =
        (IntVector) shifted.reinterpretAsInts().add(127).lanewise(VectorOperators.LSHL, 23);
    return p.mul(power.reinterpretAsFloats());
  }

  static FloatVector sigmoid(FloatVector x) {
    FloatVector one = FloatVector.broadcast(SPECIES, 1f);
    return one.div(one.add(exp(x.neg())));
  }

  static FloatVector tanh(FloatVector x) {
    FloatVector magnitude = x.abs();
    FloatVector s = x.mul(x);
    FloatVector p =
        s.fma(
            FloatVector.broadcast(SPECIES, Elementary.T4),
            FloatVector.broadcast(SPECIES, Elementary.T3));
    p = s.fma(p, FloatVector.broadcast(SPECIES, Elementary.T2));
    p = s.fma(p, FloatVector.broadcast(SPECIES, Elementary.T1));
    p = s.fma(p, FloatVector.broadcast(SPECIES, Elementary.T0));
    FloatVector small = x.mul(s).fma(p, x);
    FloatVector one = FloatVector.broadcast(SPECIES, 1f);
    FloatVector two = FloatVector.broadcast(SPECIES, 2f);
    FloatVector large = one.sub(two.div(exp(magnitude.add(magnitude)).add(one)));
    IntVector sign = (IntVector) x.reinterpretAsInts().and(0x8000_0000);
    IntVector bits = (IntVector) large.reinterpretAsInts().and(0x7fff_ffff);
    FloatVector signed = bits.or(sign).reinterpretAsFloats();
    return signed.blend(
        small, magnitude.compare(VectorOperators.LT, Elementary.TANH_POLYNOMIAL_BELOW));
  }

  static FloatVector flush(FloatVector x) {
    return x.blend(0f, x.abs().compare(VectorOperators.LT, Elementary.FLUSH_BELOW));
  }
}
