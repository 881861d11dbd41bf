package io.github.stillgate.tuning;

import java.util.List;

/**
 * The runs of a {@link MovedSweep}. Immutable.
 *
 * @param exact in float32
 * @param points in int8 with one threshold in all layers, in the order in which they were made
 * @param layers in int8 with a threshold in one layer
 */
public record MovedResult(MovedPoint exact, List<MovedPoint> points, List<MovedPoint> layers) {
  /** Copies the lists. */
  public MovedResult {
    points = List.copyOf(points);
    layers = List.copyOf(layers);
  }

  /** The threshold of an int8 run; 0 for float32. */
  public static int theta(MovedPoint point) {
    return switch (point.weights()) {
      case MovedPoint.Float32() -> 0;
      case MovedPoint.Int8(int theta) -> theta;
      case MovedPoint.Int8Layer(_, int theta) -> theta;
    };
  }
}
