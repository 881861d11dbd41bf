package io.github.stillgate.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.tuning.DenseLayerPoint;
import io.github.stillgate.tuning.DensePoint;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A {@link DensePoint} under the names that {@code tune.json} has for it; what is empty is null.
 */
record ReluPoint(
    List<Integer> ranks,
    double share,
    @JsonProperty("live_fraction") double liveFraction,
    @JsonProperty("false_negatives") double falseNegatives,
    @JsonProperty("false_positives") double falsePositives,
    @JsonProperty("bytes_per_step") double bytesPerStep,
    double bound,
    double factor,
    @JsonProperty("median_step_us") double medianStep,
    @JsonProperty("largest_error") double largestError,
    @JsonProperty("rms_error") double rmsError,
    @JsonProperty("same_largest_output") double sameLargest,
    @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("bits_per_char")
        @Nullable Double bitsPerChar,
    List<OfLayer> layers) {
  /** A {@link DenseLayerPoint} under its names. */
  record OfLayer(
      String layer,
      int rank,
      double tau,
      @JsonProperty("live_fraction") double liveFraction,
      @JsonProperty("false_negatives") double falseNegatives,
      @JsonProperty("false_positives") double falsePositives,
      @JsonProperty("relative_error") double relativeError,
      @JsonProperty("bytes_per_step") double bytesPerStep,
      @JsonProperty("dense_bytes_per_step") double denseBytesPerStep,
      @JsonProperty("median_step_us") double medianStep,
      @JsonProperty("dense_median_step_us") double denseMedianStep,
      double bound,
      double factor) {
    static OfLayer of(DenseLayerPoint point) {
      return new OfLayer(
          point.name(),
          point.rank(),
          point.tau(),
          point.signs().liveFraction(),
          point.signs().falseNegatives(),
          point.signs().falsePositives(),
          point.relativeError(),
          point.cost().bytesPerStep(),
          point.denseCost().bytesPerStep(),
          point.cost().medianMicros(),
          point.denseCost().medianMicros(),
          point.bound(),
          point.denseCost().medianMicros() / point.cost().medianMicros());
    }
  }

  static ReluPoint of(DensePoint point, DensePoint exact) {
    return new ReluPoint(
        point.ranks(),
        point.share(),
        point.signs().liveFraction(),
        point.signs().falseNegatives(),
        point.signs().falsePositives(),
        point.cost().bytesPerStep(),
        point.bound(),
        exact.cost().medianMicros() / point.cost().medianMicros(),
        point.cost().medianMicros(),
        point.largestError(),
        point.rmsError(),
        point.sameLargest(),
        point.bitsPerToken().isPresent() ? point.bitsPerToken().getAsDouble() : null,
        point.layers().stream().map(OfLayer::of).toList());
  }
}
