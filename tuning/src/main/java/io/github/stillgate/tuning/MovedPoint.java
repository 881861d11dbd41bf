package io.github.stillgate.tuning;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;

/**
 * One run of a {@link MovedSweep}: what it cost, and how far its outputs were from those of float32
 * weights. Immutable.
 *
 * @param weights what was compiled
 * @param moved share of the values that moved, for each layer of the network; 1 for a layer of
 *     which nothing is followed
 * @param bytesPerStep weight bytes read by a step, mean
 * @param medianMicros median time of a step in microseconds, the lower one of two
 * @param largestError largest difference of an output from the run in float32
 * @param rmsError root of the mean squared difference over all outputs of all steps
 * @param changed share of the steps with another decision: another output is the largest, the first
 *     of equal ones
 * @param bitsPerToken mean of -log2 p(next token), or empty if the outputs predict no tokens
 */
public record MovedPoint(
    Weights weights,
    List<Double> moved,
    double bytesPerStep,
    double medianMicros,
    double largestError,
    double rmsError,
    double changed,
    OptionalDouble bitsPerToken) {
  /** What a run was compiled with. */
  public sealed interface Weights {}

  /** float32 weights: what all others are compared with. */
  public record Float32() implements Weights {}

  /**
   * int8 weights with one threshold in all layers.
   *
   * @param theta of {@link io.github.stillgate.core.plan.PlanOptions#withMovementThreshold(int)}
   */
  public record Int8(int theta) implements Weights {}

  /**
   * int8 weights with a threshold in one layer and 0 in the others.
   *
   * @param layer its name
   * @param theta its threshold
   */
  public record Int8Layer(String layer, int theta) implements Weights {}

  /** Copies the list. */
  public MovedPoint {
    moved = List.copyOf(moved);
  }

  static MovedPoint of(Weights weights, Comparison.Outcome outcome) {
    return new MovedPoint(
        weights,
        Arrays.stream(outcome.moved()).boxed().toList(),
        outcome.bytesPerStep(),
        outcome.medianMicros(),
        outcome.largestError(),
        outcome.rmsError(),
        (double) outcome.changed() / outcome.steps(),
        outcome.bitsPerToken());
  }
}
