package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static io.github.stillgate.kernel.vector.Species.BYTES;
import static io.github.stillgate.kernel.vector.Species.ORDER;
import static io.github.stillgate.kernel.vector.Species.SPECIES;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.PackedWeights;
import jdk.incubator.vector.FloatVector;

/** Panels of float32: a pair is two registers of a column, one after the other. */
final class VectorPanelsF32 extends VectorPanels {
  private static final int COLUMN_BYTES = 4 * Lanes.COUNT;

  VectorPanelsF32(PackedWeights weights) {
    super(weights);
  }

  @Override
  int pairAt(int pair) {
    return 2 * BYTES * pair;
  }

  @Override
  int firstRow(int pair) {
    return 2 * Species.COUNT * pair;
  }

  @Override
  int secondRow(int pair) {
    return firstRow(pair) + Species.COUNT;
  }

  @Override
  void sumPairs(
      int pairs,
      long pair0,
      long pair1,
      long pair2,
      long pair3,
      int columns,
      long vector,
      long places) {
    if (pairs == 2) {
      long w0 = Memory.at(pair0);
      long w1 = Memory.at(pair1);
      long x = Memory.at(vector);
      FloatVector p0 = FloatVector.zero(SPECIES);
      FloatVector p1 = FloatVector.zero(SPECIES);
      FloatVector p2 = FloatVector.zero(SPECIES);
      FloatVector p3 = FloatVector.zero(SPECIES);
      for (int column = 0; column < columns; column++) {
        FloatVector v = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, x + 4L * column));
        long k = (long) column * COLUMN_BYTES;
        p0 = FloatVector.fromMemorySegment(SPECIES, ALL, w0 + k, ORDER).fma(v, p0);
        p1 = FloatVector.fromMemorySegment(SPECIES, ALL, w0 + k + BYTES, ORDER).fma(v, p1);
        p2 = FloatVector.fromMemorySegment(SPECIES, ALL, w1 + k, ORDER).fma(v, p2);
        p3 = FloatVector.fromMemorySegment(SPECIES, ALL, w1 + k + BYTES, ORDER).fma(v, p3);
      }
      p0.intoMemorySegment(ALL, place(places, 0), ORDER);
      p1.intoMemorySegment(ALL, place(places, 1), ORDER);
      p2.intoMemorySegment(ALL, place(places, 2), ORDER);
      p3.intoMemorySegment(ALL, place(places, 3), ORDER);
      return;
    }
    long w0 = Memory.at(pair0);
    long w1 = Memory.at(pair1);
    long w2 = Memory.at(pair2);
    long w3 = Memory.at(pair3);
    long x = Memory.at(vector);
    FloatVector p0 = FloatVector.zero(SPECIES);
    FloatVector p1 = FloatVector.zero(SPECIES);
    FloatVector p2 = FloatVector.zero(SPECIES);
    FloatVector p3 = FloatVector.zero(SPECIES);
    FloatVector p4 = FloatVector.zero(SPECIES);
    FloatVector p5 = FloatVector.zero(SPECIES);
    FloatVector p6 = FloatVector.zero(SPECIES);
    FloatVector p7 = FloatVector.zero(SPECIES);
    for (int column = 0; column < columns; column++) {
      FloatVector v = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, x + 4L * column));
      long k = (long) column * COLUMN_BYTES;
      p0 = FloatVector.fromMemorySegment(SPECIES, ALL, w0 + k, ORDER).fma(v, p0);
      p1 = FloatVector.fromMemorySegment(SPECIES, ALL, w0 + k + BYTES, ORDER).fma(v, p1);
      p2 = FloatVector.fromMemorySegment(SPECIES, ALL, w1 + k, ORDER).fma(v, p2);
      p3 = FloatVector.fromMemorySegment(SPECIES, ALL, w1 + k + BYTES, ORDER).fma(v, p3);
      p4 = FloatVector.fromMemorySegment(SPECIES, ALL, w2 + k, ORDER).fma(v, p4);
      p5 = FloatVector.fromMemorySegment(SPECIES, ALL, w2 + k + BYTES, ORDER).fma(v, p5);
      p6 = FloatVector.fromMemorySegment(SPECIES, ALL, w3 + k, ORDER).fma(v, p6);
      p7 = FloatVector.fromMemorySegment(SPECIES, ALL, w3 + k + BYTES, ORDER).fma(v, p7);
    }
    p0.intoMemorySegment(ALL, place(places, 0), ORDER);
    p1.intoMemorySegment(ALL, place(places, 1), ORDER);
    p2.intoMemorySegment(ALL, place(places, 2), ORDER);
    p3.intoMemorySegment(ALL, place(places, 3), ORDER);
    p4.intoMemorySegment(ALL, place(places, 4), ORDER);
    p5.intoMemorySegment(ALL, place(places, 5), ORDER);
    p6.intoMemorySegment(ALL, place(places, 6), ORDER);
    p7.intoMemorySegment(ALL, place(places, 7), ORDER);
  }

  @Override
  void sumForFour(long pair, int columns, long vectors, long sums) {
    long w = Memory.at(pair);
    long x0 = Memory.at(ALL.get(JAVA_LONG, Memory.at(vectors)));
    long x1 = Memory.at(ALL.get(JAVA_LONG, Memory.at(vectors + 8)));
    long x2 = Memory.at(ALL.get(JAVA_LONG, Memory.at(vectors + 16)));
    long x3 = Memory.at(ALL.get(JAVA_LONG, Memory.at(vectors + 24)));
    FloatVector p00 = FloatVector.zero(SPECIES);
    FloatVector p01 = FloatVector.zero(SPECIES);
    FloatVector p10 = FloatVector.zero(SPECIES);
    FloatVector p11 = FloatVector.zero(SPECIES);
    FloatVector p20 = FloatVector.zero(SPECIES);
    FloatVector p21 = FloatVector.zero(SPECIES);
    FloatVector p30 = FloatVector.zero(SPECIES);
    FloatVector p31 = FloatVector.zero(SPECIES);
    for (int column = 0; column < columns; column++) {
      long k = (long) column * COLUMN_BYTES;
      FloatVector wa = FloatVector.fromMemorySegment(SPECIES, ALL, w + k, ORDER);
      FloatVector wb = FloatVector.fromMemorySegment(SPECIES, ALL, w + k + BYTES, ORDER);
      FloatVector v = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, x0 + 4L * column));
      p00 = wa.fma(v, p00);
      p01 = wb.fma(v, p01);
      v = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, x1 + 4L * column));
      p10 = wa.fma(v, p10);
      p11 = wb.fma(v, p11);
      v = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, x2 + 4L * column));
      p20 = wa.fma(v, p20);
      p21 = wb.fma(v, p21);
      v = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, x3 + 4L * column));
      p30 = wa.fma(v, p30);
      p31 = wb.fma(v, p31);
    }
    p00.intoMemorySegment(ALL, place(sums, 0), ORDER);
    p01.intoMemorySegment(ALL, place(sums, 1), ORDER);
    p10.intoMemorySegment(ALL, place(sums, 2), ORDER);
    p11.intoMemorySegment(ALL, place(sums, 3), ORDER);
    p20.intoMemorySegment(ALL, place(sums, 4), ORDER);
    p21.intoMemorySegment(ALL, place(sums, 5), ORDER);
    p30.intoMemorySegment(ALL, place(sums, 6), ORDER);
    p31.intoMemorySegment(ALL, place(sums, 7), ORDER);
  }

  /** Where a register of sums goes. */
  private static long place(long places, int number) {
    return Memory.at(ALL.get(JAVA_LONG, Memory.at(places + 8L * number)));
  }
}
