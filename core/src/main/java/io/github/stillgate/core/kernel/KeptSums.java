package io.github.stillgate.core.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.jspecify.annotations.Nullable;

/**
 * What one stream keeps of a product over one int8 operand from step to step: the values that its
 * sums are of, and these integer sums. So a step multiplies only the columns of what moved since,
 * each by its change, and the sums are those of the whole product, exactly.
 *
 * <pre>
 *   sent_k  = q(x_k), or by the rule of {@link Movement} what was sent before
 *   moved   = { k : sent_k != summed_k },  change_k = sent_k - summed_k,  summed_k = sent_k
 *   S_i     = S_i + sum over moved of w_ik change_k
 * </pre>
 *
 * {@link Pack#prepare(Binding)} finds out what moved; one multiplication of all groups, on one
 * thread or more, follows each. It begins with zeros, whose sums are 0. Whoever writes {@link
 * #sent} needs to tell nobody: the next step adds what makes the sums those of it.
 *
 * <p>Belongs to one stream, and to one thread at a time; while a pack multiplies, its threads read
 * {@link #moved} and {@link #changes} and each writes the sums of its groups.
 */
public final class KeptSums {
  private final PackedWeights weights;
  private final int operand;
  private final MemorySegment summed;
  private final MemorySegment sums;
  private final MemorySegment changes;
  private final ActiveSet moved;
  private final int @Nullable [] room;
  private @Nullable MemorySegment sent;
  private int heldBack;

  private KeptSums(Pack pack, int operand, SegmentAllocator memory) {
    PackLayout.Part part = pack.layout().part(operand);
    this.weights = pack.weights();
    this.operand = operand;
    this.summed = Lanes.floats(part.columns(), memory);
    this.sums = memory.allocate(4L * part.sumFloats(), Lanes.ALIGNMENT);
    this.changes = Lanes.floats(pack.changeFloats(operand), memory);
    this.moved = new ActiveSet(part.columns(), memory);
    boolean lags = movement().lags();
    this.room = lags ? Movement.newRoom() : null;
    this.sent = lags ? Lanes.floats(part.columns(), memory) : null;
  }

  /** Those of an operand over {@code pack}, or null if all its columns are multiplied each time. */
  static @Nullable KeptSums of(Pack pack, int operand, SegmentAllocator memory) {
    return pack.weights().follows(operand) ? new KeptSums(pack, operand, memory) : null;
  }

  /** Which values count as moved now: a plan may bound them while it warms up. */
  public Movement movement() {
    return weights.movement(operand);
  }

  /**
   * The values sent last, where they can differ from what is: integers as floats, padded with
   * zeros. Null where everything is sent.
   */
  public @Nullable MemorySegment sent() {
    return sent;
  }

  /** From now on the values sent last lie in {@code state}, which holds the first ones. */
  void sent(MemorySegment state) {
    sent = state;
  }

  /** The values that the sums are of: integers as floats, padded with zeros. */
  public MemorySegment summed() {
    return summed;
  }

  /** The integer sums, those of a tile in whatever order the pack likes. */
  public MemorySegment sums() {
    return sums;
  }

  /** Which values moved, ascending. */
  public ActiveSet moved() {
    return moved;
  }

  /**
   * By how much each of {@link #moved} did, at most 254, as the pack likes it: integers, as many as
   * the set has, in most.
   */
  public MemorySegment changes() {
    return changes;
  }

  /** Where {@link Movement#cut} counts; null where everything is sent. */
  public int @Nullable [] room() {
    return room;
  }

  /** Values that were not sent in the last step only because too many moved. */
  public int heldBack() {
    return heldBack;
  }

  /** Says how many values were held back. */
  public void heldBack(int values) {
    heldBack = values;
  }
}
