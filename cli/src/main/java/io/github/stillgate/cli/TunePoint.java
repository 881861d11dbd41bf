package io.github.stillgate.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * One run of a sweep: what it cost, and how far its outputs were from those of the exact run.
 *
 * @param epsilon of {@link io.github.stillgate.core.plan.Skipping#below}; 0 for the exact run
 * @param rank of the estimates of the gates that were made for this run; null if none were
 * @param liveFraction share of live units of the approximated layers, over all steps
 * @param bytesPerStep weight bytes read by a step, mean
 * @param medianStep median time of a step in microseconds
 * @param largestError largest difference of an output from the exact run
 * @param rmsError root of the mean squared difference over all outputs of all steps
 * @param bitsPerChar mean of -log2 p(next character), or null if the outputs predict no characters
 */
record TunePoint(
    double epsilon,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Integer rank,
    @JsonProperty("live_fraction") double liveFraction,
    @JsonProperty("bytes_per_step") double bytesPerStep,
    @JsonProperty("median_step_us") double medianStep,
    @JsonProperty("largest_error") double largestError,
    @JsonProperty("rms_error") double rmsError,
    @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("bits_per_char")
        @Nullable Double bitsPerChar) {}
