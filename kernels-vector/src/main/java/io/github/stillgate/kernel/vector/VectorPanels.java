package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackedWeights;
import io.github.stillgate.core.kernel.SumOrder;
import java.lang.foreign.MemorySegment;

/**
 * Panels in the order {@link SumOrder#CHAIN}: lanes are rows. Registers of rows come in pairs,
 * which lie next to each other in a column. One stream: four pairs at a time where there are more
 * than two, else two, so that their chains overlap in the CPU. Several streams: one pair for four
 * streams, which share the load of the weights.
 */
abstract class VectorPanels extends Pack {
  /** Streams that share a pair of registers. */
  private static final int STREAMS = 4;

  /** Pairs of registers in a column of a panel. */
  static final int PAIRS = Lanes.COUNT / (2 * Species.COUNT);

  /** Most registers of sums that are formed together. */
  private static final int MOST_REGISTERS = 8;

  private static final int LANES = Species.COUNT;
  private static final int SLOT_BYTES = Species.BYTES;

  private final Tables[] parts;
  private final int columnBytes;

  VectorPanels(PackedWeights weights) {
    super(weights);
    this.parts = Tables.of(this);
    this.columnBytes = Lanes.COUNT * layout().format().bytes();
  }

  /** Bytes from a column's beginning to its pair {@code pair}. */
  abstract int pairAt(int pair);

  /** Row of the panel in the first lane of a pair's first register. */
  abstract int firstRow(int pair);

  /** Row of the panel in the first lane of a pair's second register. */
  abstract int secondRow(int pair);

  /**
   * Four pairs for one stream, or two.
   *
   * <p>One method for both, of more than the 325 bytes of bytecode up to which C2 inlines what is
   * hot: so the loops are compiled by themselves. Inlined into a step, beside those of another
   * format, C2 ran out of the nodes that it allows itself and left a vector on the heap for every
   * column: 348,160 bytes a step of a conditional network of 1024 units in a JVM that ran float32
   * and bf16.
   *
   * @param pairs 2 or 4
   * @param pair0 address of the first pair in column 0
   * @param pair2 not read where there are two
   * @param places addresses of two registers of sums for each pair
   */
  abstract void sumPairs(
      int pairs,
      long pair0,
      long pair1,
      long pair2,
      long pair3,
      int columns,
      long vector,
      long places);

  /**
   * One pair for four streams.
   *
   * @param vectors addresses of four vectors
   * @param sums addresses of eight registers of sums, two a stream
   */
  abstract void sumForFour(long pair, int columns, long vectors, long sums);

  @Override
  public final void multiply(
      ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
    long groups = Memory.at(set.indices());
    long addresses = Memory.at(stream.addresses());
    long room = Memory.at(scratch);
    int operands = parts.length;
    for (int position = from; position < to; position++) {
      int group = ALL.get(JAVA_INT, groups + 4L * position);
      for (int operand = 0; operand < operands; operand++) {
        long vector = ALL.get(JAVA_LONG, addresses + 8L * operand);
        if (vector != 0) {
          long sums = ALL.get(JAVA_LONG, addresses + 8L * (operands + operand));
          sumPart(parts[operand], group, vector, sums, room);
        }
      }
    }
  }

  private void sumPart(Tables part, int group, long vector, long sums, long room) {
    int first = part.firstRow(group);
    int rows = part.firstRow(group + 1) - first;
    long at = part.at(group);
    long panelBytes = (long) part.stride() * columnBytes;
    int pairs = pairs(rows);
    long places = room + (long) MOST_REGISTERS * SLOT_BYTES;
    int together;
    for (int pair = 0; pair < pairs; pair += together) {
      together = pairs - pair > 2 ? 4 : 2;
      for (int i = 0; i < together; i++) {
        int of = Math.min(pair + i, pairs - 1);
        long slot = room + 2L * i * SLOT_BYTES;
        place(part, first, rows, of, sums, slot, places + 16L * i);
      }
      long pair0 = pairAddress(at, panelBytes, pair);
      long pair1 = pairAddress(at, panelBytes, Math.min(pair + 1, pairs - 1));
      long pair2 = pairAddress(at, panelBytes, Math.min(pair + 2, pairs - 1));
      long pair3 = pairAddress(at, panelBytes, Math.min(pair + 3, pairs - 1));
      sumPairs(together, pair0, pair1, pair2, pair3, part.stride(), vector, places);
      for (int i = 0; i < together; i++) {
        int of = Math.min(pair + i, pairs - 1);
        long slot = room + 2L * i * SLOT_BYTES;
        sortPair(part, first, rows, of, sums, slot, places + 16L * i);
      }
    }
  }

  private long pairAddress(long at, long panelBytes, int pair) {
    return at + pair / PAIRS * panelBytes + pairAt(pair % PAIRS);
  }

  /** Where the two registers of a pair go: to their place, or to the slots. */
  private void place(
      Tables part, int first, int rows, int pair, long sums, long slot, long places) {
    long to0 = to(part, first, rows, row(pair, false), sums, slot);
    long to1 = to(part, first, rows, row(pair, true), sums, slot + SLOT_BYTES);
    ALL.set(JAVA_LONG, Memory.at(places), to0);
    ALL.set(JAVA_LONG, Memory.at(places + 8), to1);
  }

  private void sortPair(
      Tables part, int first, int rows, int pair, long sums, long slot, long places) {
    long to0 = ALL.get(JAVA_LONG, Memory.at(places));
    long to1 = ALL.get(JAVA_LONG, Memory.at(places + 8));
    sort(part, first, rows, row(pair, false), sums, to0, slot);
    sort(part, first, rows, row(pair, true), sums, to1, slot + SLOT_BYTES);
  }

  /** Pairs that hold a row; those of nothing but padding are not read. */
  private int pairs(int rows) {
    int whole = rows / Lanes.COUNT;
    int rest = rows % Lanes.COUNT;
    int pairs = whole * PAIRS;
    for (int pair = 0; pair < PAIRS && firstRow(pair) < rest; pair++) {
      pairs++;
    }
    return pairs;
  }

  private int row(int pair, boolean second) {
    int panel = pair / PAIRS;
    int of = pair % PAIRS;
    return panel * Lanes.COUNT + (second ? secondRow(of) : firstRow(of));
  }

  /**
   * Where a register of sums goes: to its place if the sums of all its rows stand there next to
   * each other, else to {@code slot}.
   */
  private static long to(Tables part, int first, int rows, int row, long sums, long slot) {
    if (row + LANES <= rows) {
      int at = part.sumAt(first + row);
      if (part.sumAt(first + row + LANES - 1) == at + LANES - 1) {
        return sums + 4L * at;
      }
    }
    return slot;
  }

  /** Moves the sums of a register that went to its slot to their places. */
  private static void sort(
      Tables part, int first, int rows, int row, long sums, long to, long slot) {
    if (to == slot) {
      int end = Math.min(row + LANES, rows);
      for (int r = row; r < end; r++) {
        float sum = ALL.get(JAVA_FLOAT, Memory.at(slot + 4L * (r - row)));
        ALL.set(JAVA_FLOAT, Memory.at(sums + 4L * part.sumAt(first + r)), sum);
      }
    }
  }

  @Override
  public final void prepare(Batch batch) {
    batch.sort();
  }

  @Override
  public final void multiply(Batch batch, int from, int to, MemorySegment scratch) {
    long room = Memory.at(scratch);
    for (int group = from; group < to; group++) {
      for (int operand = 0; operand < parts.length; operand++) {
        if (!batch.leavesOut(operand)) {
          sumPart(parts[operand], group, batch, operand, room);
        }
      }
    }
  }

  /** The pairs one after the other, each for all streams, so that it stays in the cache. */
  private void sumPart(Tables part, int group, Batch batch, int operand, long room) {
    int first = part.firstRow(group);
    int rows = part.firstRow(group + 1) - first;
    long at = part.at(group);
    long panelBytes = (long) part.stride() * columnBytes;
    int pairs = pairs(rows);
    int begin = batch.start(group);
    int end = batch.start(group + 1);
    for (int pair = 0; pair < pairs; pair++) {
      long pairAt = pairAddress(at, panelBytes, pair);
      for (int member = begin; member < end; member += STREAMS) {
        int some = Math.min(STREAMS, end - member);
        sumSome(part, first, rows, pair, pairAt, batch, operand, member, some, room);
      }
    }
  }

  /**
   * Some streams, up to four, from {@code member} on; the last stands for those that lack. The room
   * holds eight slots of sums, eight addresses of sums and four of vectors.
   */
  private void sumSome(
      Tables part,
      int first,
      int rows,
      int pair,
      long pairAt,
      Batch batch,
      int operand,
      int member,
      int some,
      long room) {
    long places = room + (long) MOST_REGISTERS * SLOT_BYTES;
    long vectors = places + 8L * MOST_REGISTERS;
    for (int i = 0; i < STREAMS; i++) {
      int stream = stream(batch, member + Math.min(i, some - 1));
      ALL.set(JAVA_LONG, Memory.at(vectors + 8L * i), address(batch, operand, stream));
      long sums = address(batch, parts.length + operand, stream);
      place(part, first, rows, pair, sums, room + 2L * i * SLOT_BYTES, places + 16L * i);
    }
    sumForFour(pairAt, part.stride(), vectors, places);
    for (int i = 0; i < some; i++) {
      long sums = address(batch, parts.length + operand, stream(batch, member + i));
      sortPair(part, first, rows, pair, sums, room + 2L * i * SLOT_BYTES, places + 16L * i);
    }
  }

  private static int stream(Batch batch, int member) {
    return ALL.get(JAVA_INT, Memory.at(batch.members()) + 4L * member);
  }

  private static long address(Batch batch, int kind, int stream) {
    return ALL.get(
        JAVA_LONG, Memory.at(batch.addresses()) + 8L * ((long) kind * batch.capacity() + stream));
  }
}
