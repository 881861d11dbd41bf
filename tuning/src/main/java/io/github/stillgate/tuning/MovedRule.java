package io.github.stillgate.tuning;

import java.util.Comparator;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Which threshold of movement a {@link MovedSweep} proposes: of those with which every limit that
 * is given holds, the largest. Every comparison is with float32 weights.
 *
 * <pre>
 *   changed <= maxChanged        bits per token <= those of float32 + maxWorse
 *   largest error <= maxError
 * </pre>
 *
 * @param maxChanged share of the steps whose decision may change
 * @param maxWorse bits per token by which the score may be worse
 * @param maxError largest difference of an output
 */
public record MovedRule(
    OptionalDouble maxChanged, OptionalDouble maxWorse, OptionalDouble maxError) {
  /**
   * Checks the limits.
   *
   * @throws IllegalArgumentException if there is none, or one is below 0 or not a number
   */
  public MovedRule {
    if (maxChanged.isEmpty() && maxWorse.isEmpty() && maxError.isEmpty()) {
      throw new IllegalArgumentException("a rule needs at least one limit");
    }
    requireLimit("share of changed decisions", maxChanged);
    requireLimit("loss of score", maxWorse);
    requireLimit("largest error", maxError);
  }

  private static void requireLimit(String name, OptionalDouble limit) {
    if (limit.isPresent() && !(limit.getAsDouble() >= 0)) {
      throw new IllegalArgumentException(
          "%s of at most %s; expected a number from 0 on".formatted(name, limit.getAsDouble()));
    }
  }

  /**
   * Whether a run is within all limits.
   *
   * @param exact the run in float32
   * @throws IllegalArgumentException if the score is limited and the runs have none
   */
  public boolean holds(MovedPoint exact, MovedPoint point) {
    return point.changed() <= maxChanged.orElse(1)
        && point.largestError() <= maxError.orElse(Double.POSITIVE_INFINITY)
        && (maxWorse.isEmpty() || worse(exact, point) <= maxWorse.getAsDouble());
  }

  private static double worse(MovedPoint exact, MovedPoint point) {
    if (exact.bitsPerToken().isEmpty() || point.bitsPerToken().isEmpty()) {
      throw new IllegalArgumentException(
          "the loss of score is limited, but the outputs predict no tokens and have no score");
    }
    return point.bitsPerToken().getAsDouble() - exact.bitsPerToken().getAsDouble();
  }

  /** The run with the largest threshold of all layers within the limits, if one is. */
  public Optional<MovedPoint> choose(MovedResult result) {
    return result.points().stream()
        .filter(point -> holds(result.exact(), point))
        .max(Comparator.comparingInt(MovedResult::theta));
  }
}
