package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.Movement;
import java.time.Duration;
import java.util.Collections;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What of a stream's movement a plan follows, and how much a step may read. See the methods of
 * {@link PlanOptions} that change them.
 *
 * <p>Immutable.
 *
 * @param threshold largest change of an int8 value that counts as none
 * @param thresholds the same for layers of their own, by name
 * @param maxMoved largest number of values of one operand sent in one step; empty for all
 * @param maxLive largest number of units of one gated layer that are live in one step; empty for
 *     all
 * @param deadline what the longest step may take, if {@link Plan#warmUp} is to find further bounds
 */
public record Limits(
    int threshold,
    SortedMap<String, Integer> thresholds,
    OptionalInt maxMoved,
    OptionalInt maxLive,
    Optional<Duration> deadline) {
  /** Everything that moved is followed at once. */
  public static final Limits NONE =
      new Limits(0, new TreeMap<>(), OptionalInt.empty(), OptionalInt.empty(), Optional.empty());

  /**
   * Copies the map.
   *
   * @throws IllegalArgumentException if a number is out of range
   */
  public Limits {
    thresholds = Collections.unmodifiableSortedMap(new TreeMap<>(thresholds));
    int most = maxMoved.orElse(Integer.MAX_VALUE);
    requireThreshold(threshold);
    thresholds.values().forEach(Limits::requireThreshold);
    new Movement(threshold, most);
    thresholds.values().forEach(theta -> new Movement(theta, most));
    if (maxLive.orElse(1) < 1) {
      throw new IllegalArgumentException(
          "at most %d units may be live; expected at least 1".formatted(maxLive.getAsInt()));
    }
    if (deadline.isPresent() && !deadline.get().isPositive()) {
      throw new IllegalArgumentException(
          "a deadline of %s; expected a positive time".formatted(micros(deadline.get())));
    }
  }

  private static void requireThreshold(int theta) {
    if (theta < 0) {
      throw new IllegalArgumentException(
          "movement threshold %d; expected a whole number from 0 to 126".formatted(theta));
    }
  }

  Limits withThreshold(int theta) {
    return new Limits(theta, thresholds, maxMoved, maxLive, deadline);
  }

  Limits withThreshold(String layer, int theta) {
    TreeMap<String, Integer> all = new TreeMap<>(thresholds);
    all.put(layer, theta);
    return new Limits(threshold, all, maxMoved, maxLive, deadline);
  }

  Limits withMaxMoved(int values) {
    return new Limits(threshold, thresholds, OptionalInt.of(values), maxLive, deadline);
  }

  Limits withMaxLive(int units) {
    return new Limits(threshold, thresholds, maxMoved, OptionalInt.of(units), deadline);
  }

  Limits withDeadline(Duration time) {
    return new Limits(threshold, thresholds, maxMoved, maxLive, Optional.of(time));
  }

  /** Whether movement is followed in another way than whole and at once. */
  boolean ofMovement() {
    return threshold > 0 || !thresholds.isEmpty() || maxMoved.isPresent();
  }

  /** A time in microseconds, as all of ours are. */
  static String micros(Duration time) {
    return String.format(Locale.ROOT, "%.1f us", time.toNanos() / 1e3);
  }

  /** What counts as moved in a layer. */
  Movement movement(String layer) {
    int theta = thresholds.getOrDefault(layer, threshold);
    return new Movement(theta, maxMoved.orElse(Integer.MAX_VALUE), deadline.isPresent());
  }

  /** What differs from {@link #NONE}, each with a comma before it. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    if (threshold > 0) {
      text.append(", movement above ").append(threshold);
    }
    for (Map.Entry<String, Integer> layer : thresholds.entrySet()) {
      text.append(", of ").append(layer.getKey()).append(" above ").append(layer.getValue());
    }
    maxMoved.ifPresent(most -> text.append(", at most ").append(most).append(" moved"));
    maxLive.ifPresent(most -> text.append(", at most ").append(most).append(" units live"));
    deadline.ifPresent(time -> text.append(", deadline ").append(micros(time)));
    return text.toString();
  }
}
