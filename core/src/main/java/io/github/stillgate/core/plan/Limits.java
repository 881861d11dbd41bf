package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.Movement;
import java.util.Collections;
import java.util.Map;
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
 */
public record Limits(int threshold, SortedMap<String, Integer> thresholds, OptionalInt maxMoved) {
  /** Everything that moved is followed at once. */
  public static final Limits NONE = new Limits(0, new TreeMap<>(), OptionalInt.empty());

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
  }

  private static void requireThreshold(int theta) {
    if (theta < 0) {
      throw new IllegalArgumentException(
          "movement threshold %d; expected a whole number from 0 to 126".formatted(theta));
    }
  }

  Limits withThreshold(int theta) {
    return new Limits(theta, thresholds, maxMoved);
  }

  Limits withThreshold(String layer, int theta) {
    TreeMap<String, Integer> all = new TreeMap<>(thresholds);
    all.put(layer, theta);
    return new Limits(threshold, all, maxMoved);
  }

  Limits withMaxMoved(int values) {
    return new Limits(threshold, thresholds, OptionalInt.of(values));
  }

  /** What counts as moved in a layer. */
  Movement movement(String layer) {
    int theta = thresholds.getOrDefault(layer, threshold);
    return new Movement(theta, maxMoved.orElse(Integer.MAX_VALUE));
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
    return text.toString();
  }
}
