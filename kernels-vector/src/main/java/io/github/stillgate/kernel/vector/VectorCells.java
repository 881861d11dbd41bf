package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static io.github.stillgate.kernel.vector.Species.BYTES;
import static io.github.stillgate.kernel.vector.Species.ORDER;
import static io.github.stillgate.kernel.vector.Species.SPECIES;

import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.ComposedCells;
import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.kernel.Lanes;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Ends of layers in fewer passes than {@link ComposedCells} makes. */
final class VectorCells implements Cells {
  static final VectorCells INSTANCE = new VectorCells();

  private static final FloatVector ZERO = FloatVector.zero(SPECIES);
  private static final FloatVector FLUSH_BELOW =
      FloatVector.broadcast(SPECIES, Elementary.FLUSH_BELOW);

  private VectorCells() {}

  @Override
  public void preactivate(
      int n, MemorySegment x, MemorySegment h, MemorySegment bias, MemorySegment out) {
    long overX = Memory.at(x);
    long overH = Memory.at(h);
    long b = Memory.at(bias);
    long to = Memory.at(out);
    int bytes = 4 * Lanes.padded(n);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, overX + at, ORDER)
          .add(FloatVector.fromMemorySegment(SPECIES, ALL, overH + at, ORDER))
          .add(FloatVector.fromMemorySegment(SPECIES, ALL, b + at, ORDER))
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  @Override
  public void conditionalGru(
      int n,
      MemorySegment z,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment scratch,
      MemorySegment state) {
    int bytes = 4 * Lanes.padded(n);
    long room = Memory.at(scratch);
    long overX = Memory.at(x);
    long overH = Memory.at(h);
    long b = Memory.at(bias);
    VectorElementary.sigmoidOfSum(bytes, overX, overH, b, room);
    candidate(bytes, overX + bytes, overH + bytes, b + bytes, room, room + bytes);
    blendLive(bytes, Memory.at(z), room + bytes, Memory.at(state));
  }

  @Override
  public void gru(
      int n,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment scratch,
      MemorySegment state) {
    long gated = Memory.at(h) + 8L * Lanes.padded(n);
    gru(n, Memory.at(x), Memory.at(h), gated, Memory.at(bias), Memory.at(scratch), state);
  }

  /** With what the reset gates; it may lie in the last row of scratch. */
  private static void gru(
      int n, long x, long h, long gated, long bias, long scratch, MemorySegment state) {
    int bytes = 4 * Lanes.padded(n);
    int used = usedBytes(n);
    long c = 2L * bytes;
    gates(bytes, used, x, h, bias, scratch);
    candidate(used, x + c, gated, bias + c, scratch + bytes, scratch + c);
    blendAll(used, scratch, scratch + c, Memory.at(state));
  }

  /** The registers that hold a unit. */
  private static int usedBytes(int n) {
    return (4 * n + BYTES - 1) / BYTES * BYTES;
  }

  /** The rows of z and of r, which lie one after the other. */
  private static void gates(int bytes, int used, long x, long h, long bias, long out) {
    if (used == bytes) {
      VectorElementary.sigmoidOfSum(2 * bytes, x, h, bias, out);
    } else {
      VectorElementary.sigmoidOfSum(used, x, h, bias, out);
      VectorElementary.sigmoidOfSum(used, x + bytes, h + bytes, bias + bytes, out + bytes);
    }
  }

  @Override
  public void biasedGru(
      int n,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment inner,
      MemorySegment scratch,
      MemorySegment state) {
    long last = 8L * Lanes.padded(n);
    long sums = Memory.at(scratch) + last;
    sum(usedBytes(n), Memory.at(h) + last, Memory.at(inner), sums);
    gru(n, Memory.at(x), Memory.at(h), sums, Memory.at(bias), Memory.at(scratch), state);
  }

  /** {@code out = left + right}. */
  private static void sum(int bytes, long left, long right, long out) {
    long l = Memory.at(left);
    long r = Memory.at(right);
    long to = Memory.at(out);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, l + at, ORDER)
          .add(FloatVector.fromMemorySegment(SPECIES, ALL, r + at, ORDER))
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  /** {@code out = tanh(fma(r, h, x) + bias)}; the gates r are overwritten. */
  private static void candidate(int bytes, long x, long h, long bias, long gates, long out) {
    long overX = Memory.at(x);
    long overH = Memory.at(h);
    long b = Memory.at(bias);
    long r = Memory.at(gates);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, r + at, ORDER)
          .fma(
              FloatVector.fromMemorySegment(SPECIES, ALL, overH + at, ORDER),
              FloatVector.fromMemorySegment(SPECIES, ALL, overX + at, ORDER))
          .add(FloatVector.fromMemorySegment(SPECIES, ALL, b + at, ORDER))
          .intoMemorySegment(ALL, r + at, ORDER);
    }
    VectorElementary.tanh(r, bytes, out);
  }

  /** h = z > 0 ? flush(fma(z, c - h, h)) : h. */
  private static void blendLive(int bytes, long gates, long candidates, long states) {
    long z = Memory.at(gates);
    long c = Memory.at(candidates);
    long h = Memory.at(states);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector gate = FloatVector.fromMemorySegment(SPECIES, ALL, z + at, ORDER);
      FloatVector before = FloatVector.fromMemorySegment(SPECIES, ALL, h + at, ORDER);
      FloatVector after =
          gate.fma(FloatVector.fromMemorySegment(SPECIES, ALL, c + at, ORDER).sub(before), before);
      after = after.blend(ZERO, after.abs().compare(VectorOperators.LT, FLUSH_BELOW));
      before
          .blend(after, gate.compare(VectorOperators.GT, ZERO))
          .intoMemorySegment(ALL, h + at, ORDER);
    }
  }

  /** h = flush(fma(z, c - h, h)). */
  private static void blendAll(int bytes, long gates, long candidates, long states) {
    long z = Memory.at(gates);
    long c = Memory.at(candidates);
    long h = Memory.at(states);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector before = FloatVector.fromMemorySegment(SPECIES, ALL, h + at, ORDER);
      FloatVector after =
          FloatVector.fromMemorySegment(SPECIES, ALL, z + at, ORDER)
              .fma(FloatVector.fromMemorySegment(SPECIES, ALL, c + at, ORDER).sub(before), before);
      after
          .blend(ZERO, after.abs().compare(VectorOperators.LT, FLUSH_BELOW))
          .intoMemorySegment(ALL, h + at, ORDER);
    }
  }

  @Override
  public void blend(
      int n, MemorySegment z, MemorySegment c, MemorySegment scratch, MemorySegment state) {
    blendAll(4 * Lanes.padded(n), Memory.at(z), Memory.at(c), Memory.at(state));
  }

  @Override
  public void carry(
      int n,
      MemorySegment keep,
      MemorySegment gate,
      MemorySegment value,
      MemorySegment scratch,
      MemorySegment state) {
    int bytes = 4 * Lanes.padded(n);
    long k = Memory.at(keep);
    long g = Memory.at(gate);
    long v = Memory.at(value);
    long c = Memory.at(state);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector added =
          FloatVector.fromMemorySegment(SPECIES, ALL, g + at, ORDER)
              .mul(FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER));
      FloatVector after =
          FloatVector.fromMemorySegment(SPECIES, ALL, k + at, ORDER)
              .fma(FloatVector.fromMemorySegment(SPECIES, ALL, c + at, ORDER), added);
      after
          .blend(ZERO, after.abs().compare(VectorOperators.LT, FLUSH_BELOW))
          .intoMemorySegment(ALL, c + at, ORDER);
    }
  }
}
