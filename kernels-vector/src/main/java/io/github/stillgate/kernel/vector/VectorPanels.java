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
 * which lie next to each other in a column. One stream: two pairs at a time, whose chains overlap
 * in the CPU. Several streams: one pair for four streams, which share the load of the weights.
 */
abstract class VectorPanels extends Pack {
  /** Streams that share a pair of registers. */
  private static final int STREAMS = 4;

  /** Pairs of registers in a column of a panel. */
  static final int PAIRS = Lanes.COUNT / (2 * Species.COUNT);

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
   * Two pairs for one stream.
   *
   * @param pair0 address of the first pair in column 0
   * @param to0 where its first register of sums goes
   * @param to1 where its second goes
   */
  abstract void sumTwo(
      long pair0, long pair1, int columns, long vector, long to0, long to1, long to2, long to3);

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
    for (int pair = 0; pair < pairs; pair += 2) {
      int next = Math.min(pair + 1, pairs - 1);
      int row0 = row(pair, false);
      int row1 = row(pair, true);
      int row2 = row(next, false);
      int row3 = row(next, true);
      long to0 = to(part, first, rows, row0, sums, room);
      long to1 = to(part, first, rows, row1, sums, room + SLOT_BYTES);
      long to2 = to(part, first, rows, row2, sums, room + 2 * SLOT_BYTES);
      long to3 = to(part, first, rows, row3, sums, room + 3 * SLOT_BYTES);
      sumTwo(
          at + pair / PAIRS * panelBytes + pairAt(pair % PAIRS),
          at + next / PAIRS * panelBytes + pairAt(next % PAIRS),
          part.stride(),
          vector,
          to0,
          to1,
          to2,
          to3);
      sort(part, first, rows, row0, sums, to0, room);
      sort(part, first, rows, row1, sums, to1, room + SLOT_BYTES);
      sort(part, first, rows, row2, sums, to2, room + 2 * SLOT_BYTES);
      sort(part, first, rows, row3, sums, to3, room + 3 * SLOT_BYTES);
    }
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
      int row0 = row(pair, false);
      int row1 = row(pair, true);
      long pairAt = at + pair / PAIRS * panelBytes + pairAt(pair % PAIRS);
      for (int member = begin; member < end; member += STREAMS) {
        sumSome(part, first, rows, row0, row1, pairAt, batch, operand, member, end, room);
      }
    }
  }

  /**
   * Four streams from {@code member} on; where fewer are left, the last stands for those after it.
   * The room holds eight slots of sums, four addresses of vectors and eight of sums.
   */
  private void sumSome(
      Tables part,
      int first,
      int rows,
      int row0,
      int row1,
      long pairAt,
      Batch batch,
      int operand,
      int member,
      int end,
      long room) {
    long vectors = room + 2L * STREAMS * SLOT_BYTES;
    long places = vectors + 8L * STREAMS;
    for (int i = 0; i < STREAMS; i++) {
      int stream = stream(batch, Math.min(member + i, end - 1));
      ALL.set(JAVA_LONG, Memory.at(vectors + 8L * i), address(batch, operand, stream));
      long sums = address(batch, parts.length + operand, stream);
      long slot = room + 2L * i * SLOT_BYTES;
      ALL.set(JAVA_LONG, Memory.at(places + 16L * i), to(part, first, rows, row0, sums, slot));
      ALL.set(
          JAVA_LONG,
          Memory.at(places + 16L * i + 8),
          to(part, first, rows, row1, sums, slot + SLOT_BYTES));
    }
    sumForFour(pairAt, part.stride(), vectors, places);
    for (int i = 0; i < Math.min(STREAMS, end - member); i++) {
      long sums = address(batch, parts.length + operand, stream(batch, member + i));
      long slot = room + 2L * i * SLOT_BYTES;
      long to0 = ALL.get(JAVA_LONG, Memory.at(places + 16L * i));
      long to1 = ALL.get(JAVA_LONG, Memory.at(places + 16L * i + 8));
      sort(part, first, rows, row0, sums, to0, slot);
      sort(part, first, rows, row1, sums, to1, slot + SLOT_BYTES);
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
