package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.Arrays;

/**
 * Several streams that are multiplied by one pack together, each with its own live groups, vectors
 * and sums. Filled anew for each multiplication and reused; it allocates nothing after it was made.
 *
 * <p>Belongs to one thread at a time; while a pack multiplies, its threads only read it.
 */
public final class Batch {
  private final int capacity;
  private final int groups;
  private final int operands;
  private final ActiveSet[] sets;
  private final Binding[] bindings;
  private final MemorySegment addresses;
  private final MemorySegment starts;
  private final MemorySegment members;
  private final MemorySegment scratch;
  private int count;

  /** An empty batch of up to {@code capacity} streams to be multiplied by {@code pack}. */
  public Batch(int capacity, Pack pack, SegmentAllocator memory) {
    PackLayout layout = pack.layout();
    this.capacity = capacity;
    this.groups = layout.groups();
    this.operands = layout.operands();
    this.sets = new ActiveSet[capacity];
    this.bindings = new Binding[capacity];
    this.addresses = memory.allocate(16L * operands * capacity, Lanes.ALIGNMENT);
    this.starts = memory.allocate(4L * (groups + 1), Lanes.ALIGNMENT);
    this.members = memory.allocate(4L * Math.multiplyExact(capacity, groups), Lanes.ALIGNMENT);
    this.scratch = Lanes.floats(pack.batchScratchFloats(capacity), memory);
  }

  /** Forgets all streams. */
  public void clear() {
    count = 0;
  }

  /** Forgets all streams and lets go of their memory. */
  public void release() {
    count = 0;
    Arrays.fill(bindings, null);
  }

  /**
   * Adds one stream. Either all streams of a batch leave out an operand, or none does.
   *
   * @param set its live groups
   * @param binding its vectors, and where their sums go; not copied, and not changed until the
   *     batch was multiplied
   */
  public void add(ActiveSet set, Binding binding) {
    int stream = count++;
    sets[stream] = set;
    bindings[stream] = binding;
    for (int i = 0; i < 2 * operands; i++) {
      long address = binding.addresses().getAtIndex(JAVA_LONG, i);
      addresses.setAtIndex(JAVA_LONG, (long) i * capacity + stream, address);
    }
  }

  /** Number of streams. */
  public int count() {
    return count;
  }

  /** Whether every group is live in every stream, so that nothing needs to be sorted. */
  public boolean isAllLive() {
    return total() == groups * count;
  }

  /** Most streams it can hold: the stride of {@link #addresses}. */
  public int capacity() {
    return capacity;
  }

  /** Number of groups of the pack. */
  public int groups() {
    return groups;
  }

  /** The live groups of one stream. */
  public ActiveSet set(int stream) {
    return sets[stream];
  }

  /** One stream's vectors and sums. */
  public Binding binding(int stream) {
    return bindings[stream];
  }

  /** Whether the streams leave {@code operand} out. */
  public boolean leavesOut(int operand) {
    return bindings[0].vector(operand) == null;
  }

  /** The first position in a stream's set whose group is {@code group} or a later one. */
  public int position(int stream, int group) {
    ActiveSet set = sets[stream];
    int low = 0;
    int high = set.count();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (set.at(middle) < group) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Scratch for the thread that owns the batch. */
  public MemorySegment scratch() {
    return scratch;
  }

  /**
   * Off-heap longs, {@link #capacity} of each: the addresses of the vectors of operand 0, of
   * operand 1, ..., then of the sums of operand 0, of operand 1, ...; 0 where one is left out.
   */
  public MemorySegment addresses() {
    return addresses;
  }

  /**
   * Sorts the streams by group: for group i, {@link #members} at {@code starts[i] .. starts[i + 1]}
   * are the streams in which it is live, ascending.
   */
  public void sort() {
    starts.fill((byte) 0);
    for (int stream = 0; stream < count; stream++) {
      ActiveSet set = sets[stream];
      for (int i = 0; i < set.count(); i++) {
        int group = set.at(i);
        starts.setAtIndex(JAVA_INT, group + 1, starts.getAtIndex(JAVA_INT, group + 1) + 1);
      }
    }
    for (int group = 0; group < groups; group++) {
      starts.setAtIndex(JAVA_INT, group + 1, start(group) + start(group + 1));
    }
    // Each start moves to its end while its members are entered, from the last stream to the first.
    for (int stream = count - 1; stream >= 0; stream--) {
      ActiveSet set = sets[stream];
      for (int i = 0; i < set.count(); i++) {
        int group = set.at(i);
        int at = start(group + 1) - 1;
        members.setAtIndex(JAVA_INT, at, stream);
        starts.setAtIndex(JAVA_INT, group + 1, at);
      }
    }
    // starts[i + 1] now holds where group i begins; the ends are where the next group begins.
    for (int group = 0; group < groups; group++) {
      starts.setAtIndex(JAVA_INT, group, start(group + 1));
    }
    starts.setAtIndex(JAVA_INT, groups, total());
  }

  private int total() {
    int total = 0;
    for (int stream = 0; stream < count; stream++) {
      total += sets[stream].count();
    }
    return total;
  }

  /** First position of a group in {@link #members}; {@code start(groups)} is their number. */
  public int start(int group) {
    return starts.getAtIndex(JAVA_INT, group);
  }

  /** The starts as off-heap ints, one more than there are groups. */
  public MemorySegment starts() {
    return starts;
  }

  /** The streams of group 0, those of group 1, and so on, as off-heap ints. */
  public MemorySegment members() {
    return members;
  }
}
