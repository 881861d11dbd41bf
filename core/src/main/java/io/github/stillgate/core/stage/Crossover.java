package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Pack;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;

/**
 * The live fraction from which on it is faster to compute every group, since the pack is then read
 * without gaps: recorded, or measured on the pack itself. The bits are the same on both sides.
 *
 * <p>Safe for any number of threads: a step that reads an old value is only slower.
 */
public final class Crossover {
  /** Above any live fraction. */
  static final double NEVER = 2;

  /** Until it was measured. */
  private static final double UNMEASURED = NEVER;

  private final boolean skipping;
  private final boolean recorded;
  private volatile double fraction;

  /**
   * One layer's crossover.
   *
   * @param skipping whether still groups are skipped at all
   * @param recorded the fraction, if it is known
   */
  public Crossover(boolean skipping, OptionalDouble recorded) {
    this.skipping = skipping;
    this.recorded = recorded.isPresent();
    this.fraction = recorded.orElse(UNMEASURED);
  }

  double fraction() {
    return skipping ? fraction : 0;
  }

  /** Whether still groups are skipped at all. */
  boolean skips() {
    return skipping;
  }

  /** Whether a step in which {@code live} of {@code groups} are live computes all of them. */
  boolean runsDense(int live, int groups) {
    return !skipping || live >= fraction * groups;
  }

  /** The same under a limit: computing everything would break it. */
  boolean runsDense(int live, LiveLimit limit) {
    return limit.binds() ? !skipping : runsDense(live, limit.groups());
  }

  /** The fraction under a limit. */
  double fraction(LiveLimit limit) {
    return limit.binds() && skipping ? NEVER : fraction();
  }

  /**
   * Times the pack over random sets of each fraction and over everything, side by side, and keeps
   * the smallest fraction that was not faster. Does nothing where the fraction is recorded or
   * nothing is skipped. Takes half a second at most: what is not decided by then stays as it was.
   */
  void measure(Pack pack, BooleanSupplier cancelled) {
    if (skipping && !recorded && pack.layout().groups() > 1) {
      fraction = new CrossoverMeasurement(pack, cancelled).crossover();
    }
  }
}
