package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Lanes.BYTES;
import static io.github.stillgate.kernel.vector.Lanes.COUNT;
import static io.github.stillgate.kernel.vector.Lanes.ORDER;
import static io.github.stillgate.kernel.vector.Lanes.SPECIES;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The formulas of {@link Cells} a register of units at a time; the padding makes tails needless.
 */
final class VectorCells implements Cells {
  static final VectorCells INSTANCE = new VectorCells();

  private static final FloatVector ZERO = FloatVector.zero(SPECIES);
  private static final FloatVector FLUSH_BELOW =
      FloatVector.broadcast(SPECIES, Elementary.FLUSH_BELOW);
  private static final VectorSpecies<Float> S128 = FloatVector.SPECIES_128;

  private VectorCells() {}

  @Override
  public void selectPositive(int n, MemorySegment scores, ActiveSet set) {
    MemorySegment indices = set.indices();
    int count = 0;
    // Padding scores are 0, so the whole padded range may be looked at.
    for (int i = 0; i < n; i += COUNT) {
      long live =
          FloatVector.fromMemorySegment(SPECIES, scores, 4L * i, ORDER)
              .compare(VectorOperators.GT, ZERO)
              .toLong();
      while (live != 0) {
        indices.setAtIndex(JAVA_INT, count++, i + Long.numberOfTrailingZeros(live));
        live &= live - 1;
      }
    }
    set.count(count);
  }

  @Override
  public void add(int n, MemorySegment sums, MemorySegment bias, MemorySegment out) {
    int bytes = 4 * RowLayout.padded(n);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, sums, at, ORDER)
          .add(FloatVector.fromMemorySegment(SPECIES, bias, at, ORDER))
          .intoMemorySegment(out, at, ORDER);
    }
  }

  @Override
  public void relu(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment out) {
    int bytes = 4 * RowLayout.padded(n);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector v =
          FloatVector.fromMemorySegment(SPECIES, inputSums, at, ORDER)
              .add(FloatVector.fromMemorySegment(SPECIES, stateSums, at, ORDER))
              .add(FloatVector.fromMemorySegment(SPECIES, bias, at, ORDER));
      ZERO.blend(v, v.compare(VectorOperators.GT, ZERO)).intoMemorySegment(out, at, ORDER);
    }
  }

  @Override
  public void conditionalGru(
      int n,
      MemorySegment a,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment h) {
    int bytes = 4 * RowLayout.padded(n);
    sigmoid(0, bytes, stateSums, inputSums, bias);
    candidate(0, bytes, stateSums, inputSums, bias);
    VectorElementary.tanh(a, 0, bytes, stateSums, 0);
    blendLive(bytes, a, stateSums, h);
  }

  @Override
  public void gru(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment h) {
    int bytes = 4 * RowLayout.padded(n);
    sigmoid(0, 2 * bytes, stateSums, inputSums, bias);
    candidate(bytes, bytes, stateSums, inputSums, bias);
    blendAll(bytes, stateSums, h);
  }

  /** Replaces the state sums of whole row kinds by sigmoid(inputSums + stateSums + bias). */
  private static void sigmoid(
      int from, int bytes, MemorySegment stateSums, MemorySegment inputSums, MemorySegment bias) {
    for (int at = from; at < from + bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, inputSums, at, ORDER)
          .add(FloatVector.fromMemorySegment(SPECIES, stateSums, at, ORDER))
          .add(FloatVector.fromMemorySegment(SPECIES, bias, at, ORDER))
          .neg()
          .intoMemorySegment(stateSums, at, ORDER);
    }
    VectorElementary.sigmoidOfNegated(stateSums, from, bytes);
  }

  /**
   * With r at {@code resetAt}, replaces the row kind behind it by tanh(fma(r, state, input) +
   * bias); r is gone afterwards.
   */
  private static void candidate(
      int resetAt,
      int bytes,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias) {
    int from = resetAt + bytes;
    for (int at = from; at < from + bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, stateSums, at - bytes, ORDER)
          .fma(
              FloatVector.fromMemorySegment(SPECIES, stateSums, at, ORDER),
              FloatVector.fromMemorySegment(SPECIES, inputSums, at, ORDER))
          .add(FloatVector.fromMemorySegment(SPECIES, bias, at, ORDER))
          .intoMemorySegment(stateSums, at, ORDER);
    }
    VectorElementary.tanh(stateSums, from, bytes, stateSums, resetAt);
  }

  /**
   * With c in the second row kind: h = z > 0 ? flush(fma(z, c - h, h)) : h. The polynomial of tanh
   * keeps the sign of its argument down to the smallest denormal, so z > 0 exactly where a > 0.
   */
  private static void blendLive(
      int bytes, MemorySegment z, MemorySegment stateSums, MemorySegment h) {
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector gate = FloatVector.fromMemorySegment(SPECIES, z, at, ORDER);
      FloatVector before = FloatVector.fromMemorySegment(SPECIES, h, at, ORDER);
      FloatVector c = FloatVector.fromMemorySegment(SPECIES, stateSums, bytes + at, ORDER);
      FloatVector after = gate.fma(c.sub(before), before);
      after = after.blend(ZERO, after.abs().compare(VectorOperators.LT, FLUSH_BELOW));
      before.blend(after, gate.compare(VectorOperators.GT, ZERO)).intoMemorySegment(h, at, ORDER);
    }
  }

  /** With z in the first row kind and c in the third: h = flush(fma(z, c - h, h)). */
  private static void blendAll(int bytes, MemorySegment stateSums, MemorySegment h) {
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector before = FloatVector.fromMemorySegment(SPECIES, h, at, ORDER);
      FloatVector c = FloatVector.fromMemorySegment(SPECIES, stateSums, 2 * bytes + at, ORDER);
      FloatVector after =
          FloatVector.fromMemorySegment(SPECIES, stateSums, at, ORDER).fma(c.sub(before), before);
      after
          .blend(ZERO, after.abs().compare(VectorOperators.LT, FLUSH_BELOW))
          .intoMemorySegment(h, at, ORDER);
    }
  }

  @Override
  public void softmax(int n, MemorySegment sums, MemorySegment bias, MemorySegment out) {
    int bytes = 4 * RowLayout.padded(n);
    add(n, sums, bias, out);
    float max = out.getAtIndex(JAVA_FLOAT, 0);
    for (int i = 1; i < n; i++) {
      float v = out.getAtIndex(JAVA_FLOAT, i);
      max = v > max ? v : max;
    }
    subtract(bytes, max, out);
    VectorElementary.exp(out, 0, bytes);
    for (int at = 4 * n; at < bytes; at += 4) {
      out.set(JAVA_FLOAT, at, 0f);
    }
    divide(bytes, sum(bytes, out), out);
  }

  private static void subtract(int bytes, float amount, MemorySegment values) {
    FloatVector amounts = FloatVector.broadcast(SPECIES, amount);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, values, at, ORDER)
          .sub(amounts)
          .intoMemorySegment(values, at, ORDER);
    }
  }

  private static void divide(int bytes, float divisor, MemorySegment values) {
    FloatVector divisors = FloatVector.broadcast(SPECIES, divisor);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, values, at, ORDER)
          .div(divisors)
          .intoMemorySegment(values, at, ORDER);
    }
  }

  /** 128-bit registers on every machine: eight hold the 32 partial sums, and the tree is short. */
  private static float sum(int bytes, MemorySegment values) {
    FloatVector p0 = FloatVector.zero(S128);
    FloatVector p1 = FloatVector.zero(S128);
    FloatVector p2 = FloatVector.zero(S128);
    FloatVector p3 = FloatVector.zero(S128);
    FloatVector p4 = FloatVector.zero(S128);
    FloatVector p5 = FloatVector.zero(S128);
    FloatVector p6 = FloatVector.zero(S128);
    FloatVector p7 = FloatVector.zero(S128);
    for (int at = 0; at < bytes; at += 4 * RowLayout.LANES) {
      p0 = p0.add(FloatVector.fromMemorySegment(S128, values, at, ORDER));
      p1 = p1.add(FloatVector.fromMemorySegment(S128, values, at + 16, ORDER));
      p2 = p2.add(FloatVector.fromMemorySegment(S128, values, at + 32, ORDER));
      p3 = p3.add(FloatVector.fromMemorySegment(S128, values, at + 48, ORDER));
      p4 = p4.add(FloatVector.fromMemorySegment(S128, values, at + 64, ORDER));
      p5 = p5.add(FloatVector.fromMemorySegment(S128, values, at + 80, ORDER));
      p6 = p6.add(FloatVector.fromMemorySegment(S128, values, at + 96, ORDER));
      p7 = p7.add(FloatVector.fromMemorySegment(S128, values, at + 112, ORDER));
    }
    FloatVector even = p0.add(p4).add(p2.add(p6));
    FloatVector odd = p1.add(p5).add(p3.add(p7));
    FloatVector p = even.add(odd);
    return (p.lane(0) + p.lane(2)) + (p.lane(1) + p.lane(3));
  }
}
