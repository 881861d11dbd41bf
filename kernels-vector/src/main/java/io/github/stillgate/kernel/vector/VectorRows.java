package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackedWeights;
import io.github.stillgate.core.kernel.SumOrder;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Rows in the order {@link SumOrder#INTERLEAVED}: walks the live groups and leaves each row to the
 * kernel of one vector width and format. One row at a time reads the pack from front to back.
 */
abstract class VectorRows extends Pack {
  /**
   * A pack of so many bytes and more is read once for all streams of a batch; a smaller one stays
   * in a core's second-level cache and goes stream by stream, without sorting by group.
   */
  private static final long WORTH_SHARING = 1L << 20;

  /**
   * Groups that are multiplied by one operand before they are by the next. Rows of LONG_ROW weights
   * and more go group by group, which reads the pack from front to back without a jump.
   */
  private static final int GROUPS = 8;

  private static final int LONG_ROW = 512;

  private final Tables[] parts;
  private final boolean isRegular;
  private final int together;

  VectorRows(PackedWeights weights) {
    super(weights);
    this.parts = Tables.of(this);
    this.isRegular = layout().isRegular();
    this.together = Arrays.stream(parts).anyMatch(part -> part.stride() >= LONG_ROW) ? 1 : GROUPS;
  }

  /**
   * The sum of one row.
   *
   * @param row address of the row
   * @param vector address of what multiplies it
   * @param bytes of the padded vector
   */
  abstract float sum(long row, long vector, int bytes);

  @Override
  public final void multiply(
      ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
    long groups = Memory.at(set.indices());
    long addresses = Memory.at(stream.addresses());
    int operands = parts.length;
    for (int position = from; position < to; position += together) {
      int count = Math.min(together, to - position);
      for (int operand = 0; operand < operands; operand++) {
        long vector = ALL.get(JAVA_LONG, addresses + 8L * operand);
        if (vector != 0) {
          long sums = ALL.get(JAVA_LONG, addresses + 8L * (operands + operand));
          long listed = groups + 4L * position;
          sumGroups(parts[operand], listed, count, vector, sums);
        }
      }
    }
  }

  /**
   * The one place where rows of a stream are summed. Were there one for regular packs and one for
   * others, C2 could inline {@link #sum} into both, run out of the nodes it allows itself in the
   * middle of the second and leave a vector on the heap for every pass of its loop: seen in a JVM
   * that ran both, 19 MB a step of two GRUs of 1024 units.
   */
  private void sumGroups(Tables part, long groups, int count, long vector, long sums) {
    int rowBytes = part.rowBytes();
    int vectorBytes = part.vectorBytes();
    for (int i = 0; i < count; i++) {
      int group = ALL.get(JAVA_INT, groups + 4L * i);
      long at = isRegular ? part.regularAt(group) : part.at(group);
      int row = isRegular ? 0 : part.firstRow(group);
      int end = isRegular ? part.kinds() : part.firstRow(group + 1);
      long regular = sums + 4L * group;
      for (; row < end; row++) {
        long to = isRegular ? regular : sums + 4L * part.sumAt(row);
        ALL.set(JAVA_FLOAT, Memory.at(to), sum(at, vector, vectorBytes));
        at += rowBytes;
        regular += part.sumBytes();
      }
    }
  }

  @Override
  public final void prepare(Batch batch) {
    if (isShared()) {
      batch.sort();
    }
  }

  private boolean isShared() {
    return layout().bytes() >= WORTH_SHARING;
  }

  /** A row stays in the first-level cache while it is multiplied for all streams that need it. */
  @Override
  public final void multiply(Batch batch, int from, int to, MemorySegment scratch) {
    if (!isShared()) {
      super.multiply(batch, from, to, scratch);
      return;
    }
    for (int group = from; group < to; group++) {
      for (int operand = 0; operand < parts.length; operand++) {
        if (!batch.leavesOut(operand)) {
          sumRows(parts[operand], group, batch, operand);
        }
      }
    }
  }

  private void sumRows(Tables part, int group, Batch batch, int operand) {
    long members = Memory.at(batch.members());
    long vectors = Memory.at(batch.addresses()) + 8L * operand * batch.capacity();
    long sums = vectors + 8L * parts.length * batch.capacity();
    int begin = batch.start(group);
    int end = batch.start(group + 1);
    long at = part.at(group);
    for (int row = part.firstRow(group); row < part.firstRow(group + 1); row++) {
      long sumAt = 4L * part.sumAt(row);
      for (int member = begin; member < end; member++) {
        int stream = ALL.get(JAVA_INT, members + 4L * member);
        long vector = ALL.get(JAVA_LONG, vectors + 8L * stream);
        long to = ALL.get(JAVA_LONG, sums + 8L * stream);
        ALL.set(JAVA_FLOAT, Memory.at(to + sumAt), sum(at, vector, part.vectorBytes()));
      }
      at += part.rowBytes();
    }
  }
}
