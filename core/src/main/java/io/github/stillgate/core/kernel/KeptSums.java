package io.github.stillgate.core.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.jspecify.annotations.Nullable;

/**
 * What one stream keeps of a product over one int8 operand from step to step: the values that were
 * multiplied last, and the integer sums they gave. So a step multiplies only the columns of what
 * moved since, each by its change, and the sums are those of the whole product, exactly.
 *
 * <pre>
 *   moved   = { k : q(x_k) != sent_k },  change_k = q(x_k) - sent_k,  sent_k = q(x_k)
 *   S_i     = S_i + sum over moved of w_ik change_k
 * </pre>
 *
 * {@link Pack#prepare(Binding)} finds out what moved; one multiplication of all groups, on one
 * thread or more, follows each. It begins with zeros, whose sums are 0.
 *
 * <p>Belongs to one stream, and to one thread at a time; while a pack multiplies, its threads read
 * {@link #moved} and {@link #changes} and each writes the sums of its groups.
 */
public final class KeptSums {
  private final MemorySegment sent;
  private final MemorySegment sums;
  private final MemorySegment changes;
  private final ActiveSet moved;
  private int clamped;

  /** Those of an operand of {@code columns} values over rows with {@code sumFloats} sums. */
  public KeptSums(int columns, int sumFloats, SegmentAllocator memory) {
    this.sent = Lanes.floats(columns, memory);
    this.sums = memory.allocate(4L * sumFloats, Lanes.ALIGNMENT);
    this.changes = Lanes.floats(columns, memory);
    this.moved = new ActiveSet(columns, memory);
  }

  /** Those of an operand over {@code pack}, or null if all its columns are multiplied each time. */
  static @Nullable KeptSums of(Pack pack, int operand, SegmentAllocator memory) {
    PackLayout layout = pack.layout();
    if (layout.order() != SumOrder.TILES || pack.weights().operandScale(operand) == 0) {
      return null;
    }
    PackLayout.Part part = layout.part(operand);
    return new KeptSums(part.columns(), part.sumFloats(), memory);
  }

  /** The values multiplied last: integers as floats, padded with zeros. */
  public MemorySegment sent() {
    return sent;
  }

  /** The integer sums, those of a tile in whatever order the pack likes. */
  public MemorySegment sums() {
    return sums;
  }

  /** Which values moved, ascending. */
  public ActiveSet moved() {
    return moved;
  }

  /** How many of the values multiplied last were beyond the operand's scale. */
  public int clamped() {
    return clamped;
  }

  /** Says how many they were; for {@link Pack#prepare(Binding)}. */
  public void clamped(int values) {
    clamped = values;
  }

  /** By how much each of {@link #moved} did: integers, as many as the set has, at most 254. */
  public MemorySegment changes() {
    return changes;
  }
}
