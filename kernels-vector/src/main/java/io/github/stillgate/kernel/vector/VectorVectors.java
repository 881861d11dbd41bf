package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static io.github.stillgate.kernel.vector.Species.BYTES;
import static io.github.stillgate.kernel.vector.Species.COUNT;
import static io.github.stillgate.kernel.vector.Species.ORDER;
import static io.github.stillgate.kernel.vector.Species.SPECIES;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.VectorOps;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The formulas of {@link VectorOps} a register of elements at a time; the padding makes tails
 * needless.
 */
final class VectorVectors implements VectorOps {
  static final VectorVectors INSTANCE = new VectorVectors();

  private static final FloatVector ZERO = FloatVector.zero(SPECIES);
  private static final FloatVector FLUSH_BELOW =
      FloatVector.broadcast(SPECIES, Elementary.FLUSH_BELOW);

  private VectorVectors() {}

  @Override
  public void selectPositive(int n, MemorySegment scores, ActiveSet set) {
    long from = Memory.at(scores);
    long indices = Memory.at(set.indices());
    int count = 0;
    for (int i = 0; i < n; i += COUNT) {
      long live =
          FloatVector.fromMemorySegment(SPECIES, ALL, from + 4L * i, ORDER)
              .compare(VectorOperators.GT, ZERO)
              .toLong();
      if (n - i < COUNT) {
        live &= (1L << (n - i)) - 1;
      }
      while (live != 0) {
        ALL.set(JAVA_INT, indices + 4L * count++, i + Long.numberOfTrailingZeros(live));
        live &= live - 1;
      }
    }
    set.count(count);
  }

  @Override
  public void add(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    long l = Memory.at(left);
    long r = Memory.at(right);
    long to = Memory.at(out);
    int bytes = 4 * Lanes.padded(n);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, l + at, ORDER)
          .add(FloatVector.fromMemorySegment(SPECIES, ALL, r + at, ORDER))
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  @Override
  public void subtract(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    long l = Memory.at(left);
    long r = Memory.at(right);
    long to = Memory.at(out);
    int bytes = 4 * Lanes.padded(n);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, l + at, ORDER)
          .sub(FloatVector.fromMemorySegment(SPECIES, ALL, r + at, ORDER))
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  @Override
  public void multiply(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    long l = Memory.at(left);
    long r = Memory.at(right);
    long to = Memory.at(out);
    int bytes = 4 * Lanes.padded(n);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, l + at, ORDER)
          .mul(FloatVector.fromMemorySegment(SPECIES, ALL, r + at, ORDER))
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  @Override
  public void multiplyAdd(
      int n, MemorySegment left, MemorySegment right, MemorySegment addend, MemorySegment out) {
    long l = Memory.at(left);
    long r = Memory.at(right);
    long a = Memory.at(addend);
    long to = Memory.at(out);
    int bytes = 4 * Lanes.padded(n);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, l + at, ORDER)
          .fma(
              FloatVector.fromMemorySegment(SPECIES, ALL, r + at, ORDER),
              FloatVector.fromMemorySegment(SPECIES, ALL, a + at, ORDER))
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  @Override
  public void apply(
      Pointwise function, float a, float b, int n, MemorySegment values, MemorySegment out) {
    if (function.isOfEveryBackend()) {
      VectorPointwise.apply(function, a, b, 4 * Lanes.padded(n), Memory.at(values), Memory.at(out));
    } else {
      VectorOps.super.apply(function, a, b, n, values, out);
    }
  }

  /** The Vector API gathers from arrays only. */
  @Override
  public void gather(int ranges, MemorySegment table, MemorySegment values, MemorySegment out) {
    long from = Memory.at(values);
    long to = Memory.at(out);
    long entry = Memory.at(table);
    for (int range = 0; range < ranges; range++) {
      long at = to + 4L * ALL.get(JAVA_INT, entry);
      int count = ALL.get(JAVA_INT, entry + 4);
      gather(count, entry + 8, from, at);
      entry = Memory.at(entry + 8 + 4L * count);
    }
  }

  private static void gather(int count, long positions, long values, long out) {
    long p = Memory.at(positions);
    long from = Memory.at(values);
    long to = Memory.at(out);
    for (int i = 0; i < count; i++) {
      long position = ALL.get(JAVA_INT, p + 4L * i);
      ALL.set(JAVA_INT, to + 4L * i, ALL.get(JAVA_INT, from + 4 * position));
    }
  }

  @Override
  public void choose(
      int n, MemorySegment condition, MemorySegment yes, MemorySegment no, MemorySegment out) {
    long c = Memory.at(condition);
    long y = Memory.at(yes);
    long o = Memory.at(no);
    long to = Memory.at(out);
    int bytes = 4 * Lanes.padded(n);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector where = FloatVector.fromMemorySegment(SPECIES, ALL, c + at, ORDER);
      FloatVector.fromMemorySegment(SPECIES, ALL, o + at, ORDER)
          .blend(
              FloatVector.fromMemorySegment(SPECIES, ALL, y + at, ORDER),
              where.compare(VectorOperators.GT, ZERO))
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  @Override
  public void flush(int n, MemorySegment values, MemorySegment out) {
    long v = Memory.at(values);
    long to = Memory.at(out);
    int bytes = 4 * Lanes.padded(n);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER);
      x.blend(ZERO, x.abs().compare(VectorOperators.LT, FLUSH_BELOW))
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  @Override
  public void spread(int n, int blockUnits, MemorySegment values, MemorySegment out) {
    long from = Memory.at(values);
    long to = Memory.at(out);
    for (int first = 0; first < n; first += blockUnits) {
      float value = ALL.get(JAVA_FLOAT, from + 4L * (first / blockUnits));
      int end = Math.min(first + blockUnits, n);
      for (int i = first; i < end; i++) {
        ALL.set(JAVA_FLOAT, to + 4L * i, value);
      }
    }
  }

  @Override
  public void softmax(int n, MemorySegment values, MemorySegment out) {
    VectorSoftmax.softmax(n, Memory.at(values), Memory.at(out));
  }
}
