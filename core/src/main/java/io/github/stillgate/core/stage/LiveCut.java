package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.VectorOps;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * One stream's side of a {@link LiveLimit}: leaves the groups with the largest scores live.
 *
 * <pre>
 *   live = the {@code most} groups of largest score among those with score &gt; 0, of equal ones
 *          those that come first
 *   score = score for live groups, +0 for the others that were above 0
 * </pre>
 *
 * So whoever reads scores afterwards finds the others still. The bits of floats above 0 are ordered
 * as the floats are, so the smallest score that stays is found byte by byte, by counting: the work
 * grows with the number of live groups, whatever their scores are, and nothing is allocated.
 *
 * <p>Belongs to one stream, and to one thread at a time.
 */
final class LiveCut {
  private static final int BUCKETS = 256;
  private static final int TOP_BYTE = 24;

  private final LiveLimit limit;
  private final int[] counts = new int[BUCKETS];
  private int heldBack;
  private boolean worst;
  private long random = 1;

  LiveCut(LiveLimit limit) {
    this.limit = limit;
  }

  /** Units that were held back in the last step. */
  int unitsHeldBack() {
    return heldBack * limit.groupUnits();
  }

  /**
   * From now on all scores are drawn at random, all above 0: the step that costs most. For a stream
   * that is only timed.
   */
  void drawScores() {
    worst = true;
  }

  /** Lists the groups that are live, and makes the others of the {@code n} scores still. */
  void select(int n, MemorySegment scores, ActiveSet live, VectorOps ops) {
    if (worst) {
      draw(n, scores);
    }
    ops.selectPositive(n, scores, live);
    cut(scores, live);
  }

  /** Cuts a list of all groups whose score is above 0. */
  void cut(MemorySegment scores, ActiveSet live) {
    int most = limit.most();
    int count = live.count();
    heldBack = Math.max(0, count - most);
    if (heldBack == 0) {
      return;
    }
    MemorySegment indices = live.indices();
    int smallest = 0;
    int known = 0;
    int ofSmallest = most;
    for (int shift = TOP_BYTE; shift >= 0; shift -= Byte.SIZE) {
      Arrays.fill(counts, 0);
      for (int i = 0; i < count; i++) {
        int bits = scores.getAtIndex(JAVA_INT, indices.getAtIndex(JAVA_INT, i));
        if ((bits & known) == smallest) {
          counts[bits >>> shift & BUCKETS - 1]++;
        }
      }
      int bucket = BUCKETS - 1;
      while (counts[bucket] < ofSmallest) {
        ofSmallest -= counts[bucket--];
      }
      smallest |= bucket << shift;
      known |= BUCKETS - 1 << shift;
    }
    int left = 0;
    for (int i = 0; i < count; i++) {
      int group = indices.getAtIndex(JAVA_INT, i);
      int bits = scores.getAtIndex(JAVA_INT, group);
      if (bits > smallest || (bits == smallest && ofSmallest-- > 0)) {
        indices.setAtIndex(JAVA_INT, left++, group);
      } else {
        scores.setAtIndex(JAVA_FLOAT, group, 0);
      }
    }
    live.count(left);
  }

  /** Marsaglia's xorshift, "Xorshift RNGs", 2003; the scores are from 2^-24 to 1. */
  private void draw(int n, MemorySegment scores) {
    for (int i = 0; i < n; i++) {
      random ^= random << 13;
      random ^= random >>> 7;
      random ^= random << 17;
      scores.setAtIndex(JAVA_FLOAT, i, ((random >>> 40) + 1) * 0x1p-24f);
    }
  }
}
