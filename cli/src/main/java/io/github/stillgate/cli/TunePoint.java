package io.github.stillgate.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.tuning.SweepPoint;
import org.jspecify.annotations.Nullable;

/**
 * A {@link SweepPoint} under the names that {@code tune.json} has for it; what is empty is null.
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
        @Nullable Double bitsPerChar) {
  static TunePoint of(SweepPoint point) {
    return new TunePoint(
        point.epsilon(),
        point.rank().isPresent() ? point.rank().getAsInt() : null,
        point.liveFraction(),
        point.bytesPerStep(),
        point.medianMicros(),
        point.largestError(),
        point.rmsError(),
        point.bitsPerToken().isPresent() ? point.bitsPerToken().getAsDouble() : null);
  }
}
