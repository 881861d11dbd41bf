package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Several streams that are multiplied by one pack together, each with its own live groups, vectors
 * and sums. Filled anew for each multiplication and reused; it allocates nothing after it was made.
 *
 * <p>Belongs to one thread at a time.
 */
public final class Batch {
  private final int capacity;
  private final int groups;
  private final ActiveSet[] sets;
  private final @Nullable MemorySegment[] vectors;
  private final MemorySegment addresses;
  private final MemorySegment starts;
  private final MemorySegment members;
  private int count;

  /** An empty batch of up to {@code capacity} streams over a pack of {@code groups} groups. */
  public Batch(int capacity, int groups, SegmentAllocator memory) {
    this.capacity = capacity;
    this.groups = groups;
    this.sets = new ActiveSet[capacity];
    this.vectors = new MemorySegment[4 * capacity];
    this.addresses = memory.allocate(8L * 4 * capacity, RowLayout.ALIGNMENT);
    this.starts = memory.allocate(4L * (groups + 1), RowLayout.ALIGNMENT);
    this.members = memory.allocate(4L * Math.multiplyExact(capacity, groups), RowLayout.ALIGNMENT);
  }

  /** Forgets all streams. */
  public void clear() {
    count = 0;
  }

  /** Forgets all streams and lets go of their memory. */
  public void release() {
    count = 0;
    Arrays.fill(vectors, null);
  }

  /**
   * Adds one stream; the arguments are those of {@link PackedRows#multiply(ActiveSet, int, int,
   * MemorySegment, MemorySegment, MemorySegment, MemorySegment)}. Either all streams of a batch
   * leave out a part, or none does.
   */
  public void add(
      ActiveSet set,
      @Nullable MemorySegment state,
      @Nullable MemorySegment stateSums,
      @Nullable MemorySegment input,
      @Nullable MemorySegment inputSums) {
    int stream = count++;
    sets[stream] = set;
    put(0, stream, state);
    put(1, stream, stateSums);
    put(2, stream, input);
    put(3, stream, inputSums);
  }

  private void put(int kind, int stream, @Nullable MemorySegment segment) {
    int at = kind * capacity + stream;
    vectors[at] = segment;
    addresses.setAtIndex(JAVA_LONG, at, segment == null ? 0 : segment.address());
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

  /** What multiplies the state rows for one stream, or null. */
  public @Nullable MemorySegment state(int stream) {
    return vectors[stream];
  }

  /** Receives one stream's sums over its state, or null. */
  public @Nullable MemorySegment stateSums(int stream) {
    return vectors[capacity + stream];
  }

  /** What multiplies the input rows for one stream, or null. */
  public @Nullable MemorySegment input(int stream) {
    return vectors[2 * capacity + stream];
  }

  /** Receives one stream's sums over its input, or null. */
  public @Nullable MemorySegment inputSums(int stream) {
    return vectors[3 * capacity + stream];
  }

  /**
   * Addresses of all states, then of all state sums, inputs and input sums, {@link #capacity} of
   * each; 0 where there is none.
   */
  public MemorySegment addresses() {
    return addresses;
  }

  /**
   * Sorts the streams by group: for group i, {@link #members} at {@code starts[i] .. starts[i + 1]}
   * are the streams in which it is live, ascending.
   */
  public void sortByGroup() {
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
