package io.github.stillgate.tuning;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The runs of a {@link Sweep}, and which of them to choose. Immutable.
 *
 * @param exact the run all others were compared with
 * @param points the others, in the order in which they were made
 */
public record SweepResult(SweepPoint exact, List<SweepPoint> points) {
  /** Copies the list. */
  public SweepResult {
    points = List.copyOf(points);
  }

  /**
   * The fastest point by its median step whose largest error is at most {@code maxError}, if one is
   * faster than the exact run.
   */
  public Optional<SweepPoint> fastest(double maxError) {
    return within(maxError)
        .filter(point -> point.medianMicros() < exact.medianMicros())
        .min(Comparator.comparingDouble(SweepPoint::medianMicros));
  }

  /**
   * The fastest point with estimates of one rank whose largest error is at most {@code maxError},
   * whether it is faster than the exact run or not.
   */
  public Optional<SweepPoint> fastestOf(int rank, double maxError) {
    return within(maxError)
        .filter(point -> point.rank().isPresent() && point.rank().getAsInt() == rank)
        .min(Comparator.comparingDouble(SweepPoint::medianMicros));
  }

  private Stream<SweepPoint> within(double maxError) {
    return points.stream().filter(point -> point.largestError() <= maxError);
  }
}
