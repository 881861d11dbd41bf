package io.github.stillgate.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.tuning.FollowedLayer;
import io.github.stillgate.tuning.MovedPoint;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A {@link MovedPoint} under the names that {@code tune.json} has for it; what is empty is null.
 *
 * @param moved by the names of layers of which something is followed; empty in float32
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record MovedRow(
    String weights,
    @Nullable Integer theta,
    @Nullable String layer,
    @JsonProperty("moved_fraction") Map<String, Double> moved,
    @JsonProperty("bytes_per_step") double bytesPerStep,
    @JsonProperty("median_step_us") double medianStep,
    @JsonProperty("largest_error") double largestError,
    @JsonProperty("rms_error") double rmsError,
    @JsonProperty("changed_decisions") double changed,
    @JsonProperty("bits_per_char") @Nullable Double bitsPerChar) {
  static MovedRow of(MovedPoint point, List<FollowedLayer> layers) {
    return switch (point.weights()) {
      case MovedPoint.Float32() -> of("f32", null, null, point, List.of());
      case MovedPoint.Int8(int theta) -> of("i8", theta, null, point, layers);
      case MovedPoint.Int8Layer(String layer, int theta) -> of("i8", theta, layer, point, layers);
    };
  }

  private static MovedRow of(
      String weights,
      @Nullable Integer theta,
      @Nullable String layer,
      MovedPoint point,
      List<FollowedLayer> layers) {
    Map<String, Double> moved = new LinkedHashMap<>();
    for (int at = 0; at < layers.size(); at++) {
      if (layers.get(at).isFollowed()) {
        moved.put(layers.get(at).name(), point.moved().get(at));
      }
    }
    return new MovedRow(
        weights,
        theta,
        layer,
        moved,
        point.bytesPerStep(),
        point.medianMicros(),
        point.largestError(),
        point.rmsError(),
        point.changed(),
        point.bitsPerToken().isPresent() ? point.bitsPerToken().getAsDouble() : null);
  }
}
