package io.github.stillgate.core.model;

/**
 * A cheap estimate of a GRU's gate sums by two thin matrices, after the activation estimators of
 * Davis (2016), chapter 3:
 *
 * <pre>
 *   a^ = up (wDown x + uDown h) + bz + correction     in place of     a = Wz x + Uz h + bz
 * </pre>
 *
 * <p>It decides nothing about the network: only a plan that skips approximately ({@code
 * Skipping.below}) reads it, to find units whose gate need not be computed. The correction raises
 * all estimates, so that fewer units that would move are overlooked; it is found on data.
 *
 * @param wDown k x d
 * @param uDown k x n
 * @param up n x k
 * @param correction added to every estimate; finite
 */
public record GateEstimate(Matrix wDown, Matrix uDown, Matrix up, float correction) {
  /** Checks that all shapes agree. */
  public GateEstimate {
    int rank = up.columns();
    wDown.requireShape(rank, wDown.columns());
    uDown.requireShape(rank, up.rows());
    if (!Float.isFinite(correction)) {
      throw new IllegalArgumentException(
          "correction %s of a gate estimate; expected a finite number".formatted(correction));
    }
  }

  /** k, the width of the bottleneck. */
  public int rank() {
    return up.columns();
  }

  /** The same estimate with another correction. */
  public GateEstimate withCorrection(float other) {
    return new GateEstimate(wDown, uDown, up, other);
  }
}
