package io.github.stillgate.bench.layer;

import java.util.List;

/**
 * What one JVM times: a step of one stream, a step of several streams together, or a whole sequence
 * of one stream.
 *
 * @param layer kind of layer, a name of {@link LayerKind#ALL}
 * @param units its width
 * @param streams streams that step together
 * @param steps steps of the sequence; 1 for a single step
 */
public record Case(String layer, int units, int streams, int steps) {
  /** Checks that it is one of the three. */
  public Case {
    if (units < 1 || streams < 1 || steps < 1) {
      throw new IllegalArgumentException(
          "%d units, %d streams, %d steps; expected at least one of each"
              .formatted(units, streams, steps));
    }
    if (streams > 1 && steps > 1) {
      throw new IllegalArgumentException(
          "%d streams and %d steps; a sequence is timed for one stream".formatted(streams, steps));
    }
  }

  /** The case that {@link #arguments} names. */
  static Case of(List<String> arguments) {
    return new Case(
        arguments.get(0),
        Integer.parseInt(arguments.get(1)),
        Integer.parseInt(arguments.get(2)),
        Integer.parseInt(arguments.get(3)));
  }

  /** KIND UNITS STREAMS STEPS, as a fork reads them. */
  List<String> arguments() {
    return List.of(
        layer, Integer.toString(units), Integer.toString(streams), Integer.toString(steps));
  }

  /** Vectors that go in, and come out, at once. */
  int rows() {
    return streams * steps;
  }
}
