package io.github.stillgate.core.plan;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a step of a {@link Plan} may do at most, now: what the options say, and what {@link
 * Plan#warmUp} found for a deadline.
 *
 * @param layers the bounds of each layer, in order
 * @param deadline what a deadline led to; empty without one, or before {@code warmUp}
 */
public record StepLimits(List<OfLayer> layers, Optional<Met> deadline) {
  /**
   * The bounds of one layer.
   *
   * @param name the layer's name
   * @param maxLive units that may be live in a step; empty if all may, or it has no gates
   * @param maxMoved values of one operand that may be sent in a step, over all operands of which
   *     not all may be; empty if there are none
   */
  public record OfLayer(String name, OptionalInt maxLive, OptionalInt maxMoved) {}

  /**
   * A deadline and how it is met.
   *
   * @param deadline what was asked for
   * @param share part of the units and values that fits, 1 for all
   * @param worstStep 99th percentile of the steps that use all of that share, as measured
   */
  public record Met(Duration deadline, double share, Duration worstStep) {}

  /** Copies the list. */
  public StepLimits {
    layers = List.copyOf(layers);
  }

  /** One line: {@code rnn0 at most 64 units live; ...}. */
  @Override
  public String toString() {
    List<String> parts = new ArrayList<>();
    for (OfLayer layer : layers) {
      layer.maxLive.ifPresent(k -> parts.add(layer.name + " at most " + k + " units live"));
      layer.maxMoved.ifPresent(k -> parts.add(layer.name + " at most " + k + " values moved"));
    }
    String bounds = parts.isEmpty() ? "none" : String.join(", ", parts);
    return deadline
        .map(met ->
            "%s; the longest step takes %s of %s"
                .formatted(bounds, Limits.micros(met.worstStep), Limits.micros(met.deadline)))
        .orElse(bounds);
  }
}
