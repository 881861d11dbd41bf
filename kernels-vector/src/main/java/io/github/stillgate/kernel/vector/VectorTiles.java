package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Int8Values.PRODUCTS;
import static io.github.stillgate.kernel.vector.Int8Values.SUMS;
import static io.github.stillgate.kernel.vector.Int8Values.WEIGHTS;
import static io.github.stillgate.kernel.vector.Memory.ALL;
import static io.github.stillgate.kernel.vector.Species.BYTES;
import static io.github.stillgate.kernel.vector.Species.COUNT;
import static io.github.stillgate.kernel.vector.Species.ORDER;
import static io.github.stillgate.kernel.vector.Species.SPECIES;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.KeptSums;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Movement;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackLayout;
import io.github.stillgate.core.kernel.PackedWeights;
import io.github.stillgate.core.kernel.SumOrder;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * Tiles of int8 in the order {@link SumOrder#TILES}, a register of 16-bit products at a time, added
 * up in 16 bits as long as they fit ({@link VectorTerms}). The sums of even and of odd rows are in
 * registers of their own, since a 32-bit lane holds two products, which shifts take apart.
 */
final class VectorTiles extends Pack {
  /** Rows of a register of products. */
  private static final int ROWS = PRODUCTS.length();

  private static final VectorShuffle<Float> LOWER_TWICE =
      VectorShuffle.fromOp(SPECIES, lane -> lane / 2);
  private static final VectorShuffle<Float> UPPER_TWICE =
      VectorShuffle.fromOp(SPECIES, lane -> COUNT / 2 + lane / 2);
  private static final VectorMask<Float> IS_ODD =
      VectorMask.fromLong(SPECIES, 0xaaaa_aaaa_aaaa_aaaaL);

  private final int operands;
  private final int widest;

  VectorTiles(PackedWeights weights) {
    super(weights);
    this.operands = layout().operands();
    this.widest = layout().widest();
  }

  /** The widest operand as integers, then its terms. */
  @Override
  public int scratchFloats() {
    return Lanes.padded(widest) + VectorTerms.floats(widest);
  }

  /** Changes, then terms. */
  @Override
  public int changeFloats(int operand) {
    int columns = layout().part(operand).columns();
    return Lanes.padded(columns) + VectorTerms.floats(columns);
  }

  private static long terms(long integers, int columns) {
    return integers + 4L * Lanes.padded(columns);
  }

  @Override
  public void prepare(Binding stream) {
    for (int operand = 0; operand < operands; operand++) {
      KeptSums kept = stream.keptSums(operand);
      MemorySegment vector = stream.vector(operand);
      if (kept != null && vector != null) {
        send(layout().part(operand).columns(), weights().operandScale(operand), vector, kept);
      }
    }
  }

  private static void send(int columns, float scale, MemorySegment vector, KeptSums kept) {
    MemorySegment sent = kept.sent();
    if (sent == null) {
      sendAll(columns, 1 / scale, Memory.at(vector), kept);
      return;
    }
    Movement movement = kept.movement();
    long changes = Memory.at(kept.changes());
    Int8Values.difference(columns, 1 / scale, Memory.at(vector), Memory.at(sent), changes);
    long indices = Memory.at(kept.moved().indices());
    int candidates = list(columns, movement.threshold(), changes, indices);
    int count = movement.cut(candidates, kept.moved().indices(), kept.changes(), kept.room());
    kept.heldBack(candidates - count);
    add(count, indices, changes, Memory.at(sent));
    sendAll(columns, 1, Memory.at(sent), kept);
  }

  /** Lists where {@code values} differ from what is summed; they are what is summed then. */
  private static void sendAll(int columns, float inverse, long values, KeptSums kept) {
    long changes = Memory.at(kept.changes());
    long summed = Memory.at(kept.summed());
    long indices = Memory.at(kept.moved().indices());
    Int8Values.difference(columns, inverse, values, summed, changes);
    int count = list(columns, 0, changes, indices);
    add(count, indices, changes, summed);
    kept.moved().count(count);
    VectorTerms.put(count, indices, changes, terms(changes, columns));
  }

  private static void add(int count, long indices, long changes, long values) {
    for (int i = 0; i < count; i++) {
      long at = values + 4L * ALL.get(JAVA_INT, indices + 4L * i);
      ALL.set(JAVA_FLOAT, at, ALL.get(JAVA_FLOAT, at) + ALL.get(JAVA_INT, changes + 4L * i));
    }
  }

  /** Lists the changes beyond a threshold, and moves them together. Gives their number. */
  private static int list(int columns, int threshold, long changesAt, long moved) {
    long changes = Memory.at(changesAt);
    long to = Memory.at(moved);
    int count = 0;
    for (int column = 0; column < columns; column += COUNT) {
      long live =
          IntVector.fromMemorySegment(SUMS, ALL, changes + 4L * column, ORDER)
              .abs()
              .compare(VectorOperators.GT, threshold)
              .toLong();
      while (live != 0) {
        int index = column + Long.numberOfTrailingZeros(live);
        ALL.set(JAVA_INT, to + 4L * count, index);
        ALL.set(JAVA_INT, changes + 4L * count, ALL.get(JAVA_INT, changes + 4L * index));
        count++;
        live &= live - 1;
      }
    }
    return count;
  }

  @Override
  public void multiply(ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
    for (int operand = 0; operand < operands; operand++) {
      MemorySegment vector = stream.vector(operand);
      MemorySegment sums = stream.sums(operand);
      if (vector == null || sums == null) {
        continue;
      }
      KeptSums kept = stream.keptSums(operand);
      int columns = layout().part(operand).columns();
      long integers = Memory.at(kept == null ? scratch : kept.changes());
      long terms = terms(integers, columns);
      float scale = weights().operandScale(operand);
      if (kept == null) {
        scale = Int8Values.scale(weights(), operand, Memory.at(vector));
        Int8Values.round(columns, 1 / scale, Memory.at(vector), integers);
        VectorTerms.put(columns, 0, integers, terms);
      }
      long sumsKept = kept == null ? 0 : Memory.at(kept.sums());
      for (int i = from; i < to; i++) {
        addGroup(operand, set.at(i), terms, sumsKept, scale, Memory.at(sums));
      }
    }
  }

  private void addGroup(int operand, int group, long terms, long kept, float scale, long sums) {
    PackLayout.Part part = layout().part(operand);
    int tileRows = part.tileRows(group);
    int fours = VectorTerms.count(terms, VectorTerms.FOURS);
    int pairs = VectorTerms.count(terms, VectorTerms.PAIRS);
    long inFours = VectorTerms.list(terms, VectorTerms.FOURS);
    long inPairs = VectorTerms.list(terms, VectorTerms.PAIRS);
    // Terms are for tiles of TILE_UNITS rows.
    int shift = tileRows == PackLayout.TILE_UNITS ? 16 : 17;
    long weightsAt = Memory.at(weights().weights());
    long rowScales = Memory.at(weights().rowScales(operand));
    // Sums that are not kept are integers on their way to floats in the same place.
    long integers = kept == 0 ? sums : kept;
    for (int kind = 0; kind < part.kinds(); kind++) {
      long tile = weightsAt + part.at(group) + (long) kind * part.columns() * tileRows;
      long first = 4L * (kind * layout().sumStride() + group * PackLayout.TILE_UNITS);
      if (kept == 0) {
        clear(4 * tileRows, integers + first);
      }
      int row = 0;
      for (; row + 2 * ROWS <= tileRows; row += 2 * ROWS) {
        long to = integers + first + 4L * row;
        addFours(tile + row, shift, fours, inFours, to);
        addPairs(tile + row, shift, pairs, inPairs, to);
      }
      if (row < tileRows) {
        long to = integers + first + 4L * row;
        addPairsToOne(tile + row, shift, fours, inFours, to);
        addPairsToOne(tile + row, shift, pairs, inPairs, to);
      }
      scale(4 * tileRows, integers + first, rowScales + first, scale, sums + first);
    }
  }

  /**
   * Adds columns times their factors to the integer sums of two registers of rows, four columns at
   * a time. More of either, and C2 does not inline it all: then each operation allocates.
   *
   * <p>Addresses are masked where they are used. Without, C2 checks their range by a nest of loops
   * around this one, and the loop takes half as long again.
   *
   * @param tile address of their weights in column 0
   * @param shift what makes a term the place of its column
   * @param count terms
   * @param terms address of the terms
   * @param sums address of the sums: those of even rows, then of odd ones, of each register
   */
  private static void addFours(long tile, int shift, int count, long terms, long sums) {
    long list = Memory.at(terms);
    long to = Memory.at(sums);
    IntVector even0 = IntVector.fromMemorySegment(SUMS, ALL, to, ORDER);
    IntVector odd0 = IntVector.fromMemorySegment(SUMS, ALL, to + BYTES, ORDER);
    IntVector even1 = IntVector.fromMemorySegment(SUMS, ALL, to + 2L * BYTES, ORDER);
    IntVector odd1 = IntVector.fromMemorySegment(SUMS, ALL, to + 3L * BYTES, ORDER);
    for (int i = 0; i < count; i += 4) {
      long term = Memory.at(list + 8L * i);
      long term0 = ALL.get(JAVA_LONG_UNALIGNED, term);
      long term1 = ALL.get(JAVA_LONG_UNALIGNED, term + 8);
      long term2 = ALL.get(JAVA_LONG_UNALIGNED, term + 16);
      long term3 = ALL.get(JAVA_LONG_UNALIGNED, term + 24);
      long at0 = Memory.at(tile + (term0 >> shift));
      long at1 = Memory.at(tile + (term1 >> shift));
      long at2 = Memory.at(tile + (term2 >> shift));
      long at3 = Memory.at(tile + (term3 >> shift));
      IntVector x =
          ((ShortVector)
                  ByteVector.fromMemorySegment(WEIGHTS, ALL, at0, ORDER)
                      .convertShape(VectorOperators.B2S, PRODUCTS, 0))
              .mul((short) term0)
              .add(
                  ((ShortVector)
                          ByteVector.fromMemorySegment(WEIGHTS, ALL, at1, ORDER)
                              .convertShape(VectorOperators.B2S, PRODUCTS, 0))
                      .mul((short) term1))
              .add(
                  ((ShortVector)
                          ByteVector.fromMemorySegment(WEIGHTS, ALL, at2, ORDER)
                              .convertShape(VectorOperators.B2S, PRODUCTS, 0))
                      .mul((short) term2))
              .add(
                  ((ShortVector)
                          ByteVector.fromMemorySegment(WEIGHTS, ALL, at3, ORDER)
                              .convertShape(VectorOperators.B2S, PRODUCTS, 0))
                      .mul((short) term3))
              .reinterpretAsInts();
      IntVector y =
          ((ShortVector)
                  ByteVector.fromMemorySegment(WEIGHTS, ALL, at0 + ROWS, ORDER)
                      .convertShape(VectorOperators.B2S, PRODUCTS, 0))
              .mul((short) term0)
              .add(
                  ((ShortVector)
                          ByteVector.fromMemorySegment(WEIGHTS, ALL, at1 + ROWS, ORDER)
                              .convertShape(VectorOperators.B2S, PRODUCTS, 0))
                      .mul((short) term1))
              .add(
                  ((ShortVector)
                          ByteVector.fromMemorySegment(WEIGHTS, ALL, at2 + ROWS, ORDER)
                              .convertShape(VectorOperators.B2S, PRODUCTS, 0))
                      .mul((short) term2))
              .add(
                  ((ShortVector)
                          ByteVector.fromMemorySegment(WEIGHTS, ALL, at3 + ROWS, ORDER)
                              .convertShape(VectorOperators.B2S, PRODUCTS, 0))
                      .mul((short) term3))
              .reinterpretAsInts();
      even0 = even0.add(x.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16));
      odd0 = odd0.add(x.lanewise(VectorOperators.ASHR, 16));
      even1 = even1.add(y.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16));
      odd1 = odd1.add(y.lanewise(VectorOperators.ASHR, 16));
    }
    even0.intoMemorySegment(ALL, to, ORDER);
    odd0.intoMemorySegment(ALL, to + BYTES, ORDER);
    even1.intoMemorySegment(ALL, to + 2L * BYTES, ORDER);
    odd1.intoMemorySegment(ALL, to + 3L * BYTES, ORDER);
  }

  /** The same, two columns at a time. */
  private static void addPairs(long tile, int shift, int count, long terms, long sums) {
    long list = Memory.at(terms);
    long to = Memory.at(sums);
    IntVector even0 = IntVector.fromMemorySegment(SUMS, ALL, to, ORDER);
    IntVector odd0 = IntVector.fromMemorySegment(SUMS, ALL, to + BYTES, ORDER);
    IntVector even1 = IntVector.fromMemorySegment(SUMS, ALL, to + 2L * BYTES, ORDER);
    IntVector odd1 = IntVector.fromMemorySegment(SUMS, ALL, to + 3L * BYTES, ORDER);
    for (int i = 0; i < count; i += 2) {
      long term = Memory.at(list + 8L * i);
      long term0 = ALL.get(JAVA_LONG_UNALIGNED, term);
      long term1 = ALL.get(JAVA_LONG_UNALIGNED, term + 8);
      long at0 = Memory.at(tile + (term0 >> shift));
      long at1 = Memory.at(tile + (term1 >> shift));
      IntVector x =
          ((ShortVector)
                  ByteVector.fromMemorySegment(WEIGHTS, ALL, at0, ORDER)
                      .convertShape(VectorOperators.B2S, PRODUCTS, 0))
              .mul((short) term0)
              .add(
                  ((ShortVector)
                          ByteVector.fromMemorySegment(WEIGHTS, ALL, at1, ORDER)
                              .convertShape(VectorOperators.B2S, PRODUCTS, 0))
                      .mul((short) term1))
              .reinterpretAsInts();
      IntVector y =
          ((ShortVector)
                  ByteVector.fromMemorySegment(WEIGHTS, ALL, at0 + ROWS, ORDER)
                      .convertShape(VectorOperators.B2S, PRODUCTS, 0))
              .mul((short) term0)
              .add(
                  ((ShortVector)
                          ByteVector.fromMemorySegment(WEIGHTS, ALL, at1 + ROWS, ORDER)
                              .convertShape(VectorOperators.B2S, PRODUCTS, 0))
                      .mul((short) term1))
              .reinterpretAsInts();
      even0 = even0.add(x.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16));
      odd0 = odd0.add(x.lanewise(VectorOperators.ASHR, 16));
      even1 = even1.add(y.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16));
      odd1 = odd1.add(y.lanewise(VectorOperators.ASHR, 16));
    }
    even0.intoMemorySegment(ALL, to, ORDER);
    odd0.intoMemorySegment(ALL, to + BYTES, ORDER);
    even1.intoMemorySegment(ALL, to + 2L * BYTES, ORDER);
    odd1.intoMemorySegment(ALL, to + 3L * BYTES, ORDER);
  }

  /** The same for one register of rows. */
  private static void addPairsToOne(long tile, int shift, int count, long terms, long sums) {
    long list = Memory.at(terms);
    long to = Memory.at(sums);
    IntVector even = IntVector.fromMemorySegment(SUMS, ALL, to, ORDER);
    IntVector odd = IntVector.fromMemorySegment(SUMS, ALL, to + BYTES, ORDER);
    for (int i = 0; i < count; i += 2) {
      long term = Memory.at(list + 8L * i);
      long term0 = ALL.get(JAVA_LONG_UNALIGNED, term);
      long term1 = ALL.get(JAVA_LONG_UNALIGNED, term + 8);
      long at0 = Memory.at(tile + (term0 >> shift));
      long at1 = Memory.at(tile + (term1 >> shift));
      IntVector x =
          ((ShortVector)
                  ByteVector.fromMemorySegment(WEIGHTS, ALL, at0, ORDER)
                      .convertShape(VectorOperators.B2S, PRODUCTS, 0))
              .mul((short) term0)
              .add(
                  ((ShortVector)
                          ByteVector.fromMemorySegment(WEIGHTS, ALL, at1, ORDER)
                              .convertShape(VectorOperators.B2S, PRODUCTS, 0))
                      .mul((short) term1))
              .reinterpretAsInts();
      even = even.add(x.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16));
      odd = odd.add(x.lanewise(VectorOperators.ASHR, 16));
    }
    even.intoMemorySegment(ALL, to, ORDER);
    odd.intoMemorySegment(ALL, to + BYTES, ORDER);
  }

  private static void clear(int bytes, long sums) {
    long to = Memory.at(sums);
    for (int at = 0; at < bytes; at += BYTES) {
      IntVector.zero(SUMS).intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  /** Makes floats of integer sums, row after row; {@code sums} may be where the integers are. */
  private static void scale(int bytes, long integers, long rowScales, float scale, long sums) {
    long from = Memory.at(integers);
    long by = Memory.at(rowScales);
    long to = Memory.at(sums);
    FloatVector scales = FloatVector.broadcast(SPECIES, scale);
    for (int at = 0; at < bytes; at += 2 * BYTES) {
      FloatVector even =
          (FloatVector)
              IntVector.fromMemorySegment(SUMS, ALL, from + at, ORDER)
                  .convertShape(VectorOperators.I2F, SPECIES, 0);
      FloatVector odd =
          (FloatVector)
              IntVector.fromMemorySegment(SUMS, ALL, from + at + BYTES, ORDER)
                  .convertShape(VectorOperators.I2F, SPECIES, 0);
      FloatVector lower = even.rearrange(LOWER_TWICE).blend(odd.rearrange(LOWER_TWICE), IS_ODD);
      FloatVector upper = even.rearrange(UPPER_TWICE).blend(odd.rearrange(UPPER_TWICE), IS_ODD);
      FloatVector.fromMemorySegment(SPECIES, ALL, by + at, ORDER)
          .mul(scales)
          .mul(lower)
          .intoMemorySegment(ALL, to + at, ORDER);
      FloatVector.fromMemorySegment(SPECIES, ALL, by + at + BYTES, ORDER)
          .mul(scales)
          .mul(upper)
          .intoMemorySegment(ALL, to + at + BYTES, ORDER);
    }
  }
}
