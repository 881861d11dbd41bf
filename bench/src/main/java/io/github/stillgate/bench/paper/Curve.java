package io.github.stillgate.bench.paper;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * How a training went.
 *
 * @param label what was trained
 * @param points the state after some updates, ascending
 */
public record Curve(String label, List<Point> points) {
  /**
   * One validation.
   *
   * @param update updates done
   * @param training bits per character in training, the mean since the point before
   * @param validation bits per character on a part of the validation text, population statistics
   * @param live live fraction of each layer there
   */
  public record Point(
      int update,
      @JsonProperty("training_bits_per_char") double training,
      @JsonProperty("validation_bits_per_char") double validation,
      @JsonProperty("live_fraction") float[] live) {}

  /** The point of the last validation. */
  public Point last() {
    return points.get(points.size() - 1);
  }
}
