package io.github.stillgate.core.stage;

import java.util.OptionalInt;

/**
 * How many groups of a stage are live in one step at most. A bound in units allows as many whole
 * groups as fit into it.
 *
 * <p>Safe for any number of threads: it is changed while a plan warms up, and a step reads it once.
 */
public final class LiveLimit {
  private final int groups;
  private final int groupUnits;
  private final int allowed;
  private volatile int most;

  /**
   * The limit of a layer.
   *
   * @param groups all groups
   * @param groupUnits units of each
   * @param maxLive units that may be live, or empty for all
   * @throws IllegalArgumentException if not even one group fits into it
   */
  LiveLimit(String layer, int groups, int groupUnits, OptionalInt maxLive) {
    if (maxLive.isPresent() && maxLive.getAsInt() < groupUnits) {
      throw new IllegalArgumentException(
          "at most %d live units, but layer %s has blocks of %d, which are live or still together; allow at least %d (PlanOptions.withMaxLive)"
              .formatted(maxLive.getAsInt(), layer, groupUnits, groupUnits));
    }
    this.groups = groups;
    this.groupUnits = groupUnits;
    this.allowed = maxLive.isPresent() ? Math.min(groups, maxLive.getAsInt() / groupUnits) : groups;
    this.most = allowed;
  }

  int groups() {
    return groups;
  }

  int groupUnits() {
    return groupUnits;
  }

  /** Groups that may be live in a step. */
  int most() {
    return most;
  }

  /** Whether more groups could be live than may. */
  boolean binds() {
    return most < groups;
  }

  /** Units that may be live in a step. */
  int mostUnits() {
    return most * groupUnits;
  }

  /**
   * From the next step on, a share of all groups may be live, one at least, and never more than was
   * allowed at first.
   *
   * @param share from 0 to 1
   */
  void bound(double share) {
    most = Math.min(allowed, Math.max(1, (int) (share * groups)));
  }
}
