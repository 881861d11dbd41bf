package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Which int8 values count as moved, and so are sent to the products that keep their sums.
 *
 * <pre>
 *   change_k = q(x_k) - sent_k
 *   moved    = the {@code most} values of largest |change_k| among those with |change_k| &gt; threshold,
 *              of equal ones those that come first
 *   sent_k   = q(x_k) for k in moved, as it was for the others
 * </pre>
 *
 * So {@code |q(x_k) - sent_k| <= threshold} after each step unless {@code most} cut it. With {@link
 * #EXACT} all values are sent.
 *
 * @param threshold largest change that counts as none, in steps of the operand's scale
 * @param most largest number of values of one operand that are sent in one step
 * @param toBeBounded whether a smaller {@code most} may follow, so that a stream keeps what was
 *     sent from the beginning
 */
public record Movement(int threshold, int most, boolean toBeBounded) {
  /** Everything that moved is sent. */
  public static final Movement EXACT = new Movement(0, Integer.MAX_VALUE);

  /** Every value counts as moved in every step: sums are not kept, all columns are multiplied. */
  public static final Movement ALL = new Movement(-1, Integer.MAX_VALUE);

  /** Changes reach from -254 to 254. */
  private static final int LARGEST_CHANGE = 2 * Int8.LARGEST;

  private static final int MOST = Integer.MAX_VALUE;

  /** A rule that stays as it is. */
  public Movement(int threshold, int most) {
    this(threshold, most, false);
  }

  /**
   * Checks both numbers.
   *
   * @throws IllegalArgumentException if the threshold is not from -1, which is {@link #ALL}, to
   *     126, or {@code most} is below 1
   */
  public Movement {
    if (threshold < -1
        || threshold >= Int8.LARGEST
        || (threshold < 0 && (most < MOST || toBeBounded))) {
      throw new IllegalArgumentException(
          "movement threshold %d; expected a whole number from 0 to %d"
              .formatted(threshold, Int8.LARGEST - 1));
    }
    if (most < 1) {
      throw new IllegalArgumentException(
          "at most %d values may move; expected at least 1".formatted(most));
    }
  }

  /** The same rule with another bound. */
  Movement withMost(int values) {
    return new Movement(threshold, values, toBeBounded);
  }

  /** Whether what was sent can differ from what is, or may yet. */
  public boolean lags() {
    return threshold > 0 || most < MOST || toBeBounded;
  }

  /**
   * Leaves the {@link #most} largest changes of a list, of equal ones the first.
   *
   * @param count length of the list
   * @param moved indices of the values, ascending
   * @param changes by how much they moved, from -254 to 254 and not 0
   * @param room counts of magnitudes: {@link #newRoom}
   * @return how many are left
   */
  public int cut(int count, MemorySegment moved, MemorySegment changes, int[] room) {
    if (count <= most) {
      return count;
    }
    Arrays.fill(room, 0);
    for (int i = 0; i < count; i++) {
      room[Math.abs(changes.getAtIndex(JAVA_INT, i))]++;
    }
    int smallest = LARGEST_CHANGE;
    int larger = 0;
    while (larger + room[smallest] <= most) {
      larger += room[smallest--];
    }
    int ofSmallest = most - larger;
    int left = 0;
    for (int i = 0; i < count; i++) {
      int change = changes.getAtIndex(JAVA_INT, i);
      int magnitude = Math.abs(change);
      if (magnitude > smallest || (magnitude == smallest && ofSmallest-- > 0)) {
        moved.setAtIndex(JAVA_INT, left, moved.getAtIndex(JAVA_INT, i));
        changes.setAtIndex(JAVA_INT, left++, change);
      }
    }
    return left;
  }

  /** What {@link #cut} counts in. */
  public static int[] newRoom() {
    return new int[LARGEST_CHANGE + 1];
  }
}
