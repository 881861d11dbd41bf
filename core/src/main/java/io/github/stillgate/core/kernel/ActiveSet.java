package io.github.stillgate.core.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;

/**
 * Which groups are live: ascending numbers, off-heap, reused from step to step.
 *
 * <p>It says what is live, never why. Filled by {@link Cells#selectPositive}; belongs to one thread
 * at a time.
 */
public final class ActiveSet {
  private final MemorySegment indices;
  private final int capacity;
  private int count;

  /** An empty set with room for {@code capacity} groups. */
  public ActiveSet(int capacity, SegmentAllocator memory) {
    this.capacity = capacity;
    this.indices = Lanes.floats(capacity, memory);
  }

  /** The set of all groups {@code 0 .. groups - 1}. */
  public static ActiveSet all(int groups, SegmentAllocator memory) {
    ActiveSet set = new ActiveSet(groups, memory);
    for (int i = 0; i < groups; i++) {
      set.indices.setAtIndex(ValueLayout.JAVA_INT, i, i);
    }
    set.count = groups;
    return set;
  }

  /** The indices; the first {@link #count} are valid. Room for the padded capacity. */
  public MemorySegment indices() {
    return indices;
  }

  /** The group at {@code position}, which must be below {@link #count}. */
  public int at(int position) {
    return indices.getAtIndex(ValueLayout.JAVA_INT, position);
  }

  /** Number of live groups. */
  public int count() {
    return count;
  }

  /** Largest number of groups the set can hold. */
  public int capacity() {
    return capacity;
  }

  /** Declares the first {@code count} indices valid, after they were written. */
  public void count(int count) {
    this.count = count;
  }

  /**
   * Replaces the content.
   *
   * @throws IllegalArgumentException if the groups are not ascending or out of range
   */
  public void set(int... groups) {
    int previous = -1;
    for (int group : groups) {
      if (group <= previous || group >= capacity) {
        throw new IllegalArgumentException(
            "group %d behind %d does not ascend within 0 .. %d"
                .formatted(group, previous, capacity - 1));
      }
      previous = group;
    }
    MemorySegment.copy(groups, 0, indices, ValueLayout.JAVA_INT, 0, groups.length);
    count = groups.length;
  }
}
