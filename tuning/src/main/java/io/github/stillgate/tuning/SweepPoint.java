package io.github.stillgate.tuning;

import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * One run of a {@link Sweep}: what it cost, and how far its outputs were from those of the exact
 * run. Immutable.
 *
 * @param epsilon of {@link io.github.stillgate.core.plan.Skipping#below}; 0 for the exact run
 * @param rank of the estimates that were made for this run; empty if none were
 * @param liveFraction share of live units of the approximated layers, over all steps
 * @param bytesPerStep weight bytes read by a step, mean
 * @param medianMicros median time of a step in microseconds, the lower one of two
 * @param largestError largest difference of an output from the exact run
 * @param rmsError root of the mean squared difference over all outputs of all steps
 * @param bitsPerToken mean of -log2 p(next token), or empty if the outputs predict no tokens
 */
public record SweepPoint(
    float epsilon,
    OptionalInt rank,
    double liveFraction,
    double bytesPerStep,
    double medianMicros,
    double largestError,
    double rmsError,
    OptionalDouble bitsPerToken) {}
