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
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Panels of bfloat16: a pair is one register of words, whose lower halves are rows of a panel's
 * first half and whose upper halves are those of its second half.
 */
final class VectorPanelsBf16 extends VectorPanels {
  private static final int COLUMN_BYTES = 2 * Lanes.COUNT;

  private static final VectorSpecies<Integer> WORDS =
      IntVector.SPECIES_PREFERRED.withShape(SPECIES.vectorShape());
  private static final IntVector UPPER = IntVector.broadcast(WORDS, 0xffff_0000);

  VectorPanelsBf16(PackedWeights weights) {
    super(weights);
  }

  @Override
  int pairAt(int pair) {
    return BYTES * pair;
  }

  @Override
  int firstRow(int pair) {
    return Species.COUNT * pair;
  }

  @Override
  int secondRow(int pair) {
    return firstRow(pair) + Lanes.COUNT / 2;
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
        IntVector words0 = IntVector.fromMemorySegment(WORDS, ALL, w0 + k, ORDER);
        p0 = words0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(v, p0);
        p1 = words0.and(UPPER).reinterpretAsFloats().fma(v, p1);
        IntVector words1 = IntVector.fromMemorySegment(WORDS, ALL, w1 + k, ORDER);
        p2 = words1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(v, p2);
        p3 = words1.and(UPPER).reinterpretAsFloats().fma(v, p3);
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
      IntVector words0 = IntVector.fromMemorySegment(WORDS, ALL, w0 + k, ORDER);
      p0 = words0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(v, p0);
      p1 = words0.and(UPPER).reinterpretAsFloats().fma(v, p1);
      IntVector words1 = IntVector.fromMemorySegment(WORDS, ALL, w1 + k, ORDER);
      p2 = words1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(v, p2);
      p3 = words1.and(UPPER).reinterpretAsFloats().fma(v, p3);
      IntVector words2 = IntVector.fromMemorySegment(WORDS, ALL, w2 + k, ORDER);
      p4 = words2.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(v, p4);
      p5 = words2.and(UPPER).reinterpretAsFloats().fma(v, p5);
      IntVector words3 = IntVector.fromMemorySegment(WORDS, ALL, w3 + k, ORDER);
      p6 = words3.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(v, p6);
      p7 = words3.and(UPPER).reinterpretAsFloats().fma(v, p7);
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
      IntVector words = IntVector.fromMemorySegment(WORDS, ALL, w + k, ORDER);
      FloatVector wa = words.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector wb = words.and(UPPER).reinterpretAsFloats();
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
