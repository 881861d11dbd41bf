package io.github.stillgate.importers.onnx;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What recurrent nodes begin with: zeros, in every way exporters make them, constants, or what a
 * graph input holds. Every value is looked at once, however many nodes read it.
 */
final class StartStates {
  /** A size that depends on what the graph reads. */
  static final long OPEN = -1;

  private final Graph graph;
  private final StatePlumbing plumbing;
  private final Map<String, Boolean> zeroTensors = new HashMap<>();

  StartStates(Graph graph, StatePlumbing plumbing) {
    this.graph = graph;
    this.plumbing = plumbing;
  }

  /** Whether {@code value} is zero whatever the graph reads; {@code reader} is for messages. */
  boolean isZero(GraphNode reader, String value) {
    String source = graph.source(value);
    return graph.folding().isZero(source)
        || zeroTensors.computeIfAbsent(
            source, name -> graph.constant(reader, name).map(OnnxTensor::isZero).orElse(false));
  }

  /** Where the state that {@code node} begins with stands in a graph input, if it does. */
  Optional<List<Place>> origin(RecurrentNode node, String value) {
    return plumbing.origin(node, value);
  }

  /**
   * The sizes of {@code value} as far as they are known, {@link #OPEN} for each that is not; empty
   * if not even their number is.
   */
  Optional<long[]> shape(GraphNode reader, String value) {
    String source = graph.source(value);
    Optional<long[]> known =
        graph
            .folding()
            .shape(source)
            .map(shape ->
                shape.stream().mapToLong(size -> size.isKnown() ? size.factor() : OPEN).toArray());
    return known.isPresent()
        ? known
        : graph
            .constant(reader, source)
            .map(tensor -> Arrays.stream(tensor.shape()).asLongStream().toArray());
  }

  /**
   * Refuses a value that cannot be the state {@code node} begins with.
   *
   * @param input which of its inputs {@code value} is
   * @param streams of the graph; empty if it leaves that open
   * @return the streams that the value is for, if it says it, or else {@code streams}
   */
  OptionalInt requireShape(RecurrentNode node, String input, String value, OptionalInt streams) {
    Optional<long[]> known = shape(node.node(), value);
    if (known.isEmpty()) {
      return streams;
    }
    long[] shape = known.get();
    int stream = node.isBatchFirst() ? 0 : 1;
    boolean fits =
        shape.length == 3
            && isSize(shape[1 - stream], node.directions())
            && (streams.isEmpty() || isSize(shape[stream], streams.getAsInt()))
            && isSize(shape[2], node.units());
    if (!fits) {
      String batch = streams.isPresent() ? String.valueOf(streams.getAsInt()) : "batch";
      throw node.node()
          .malformed(
              "%s is \"%s\" of shape %s, expected %s: %s, %s, %d units"
                  .formatted(
                      input,
                      value,
                      Arrays.toString(shape).replace("-1", "?"),
                      node.isBatchFirst()
                          ? "[%s, %d, %d]".formatted(batch, node.directions(), node.units())
                          : "[%d, %s, %d]".formatted(node.directions(), batch, node.units()),
                      node.directionCount(),
                      streams.isPresent() ? "a batch of " + batch : "any batch",
                      node.units()));
    }
    return shape[stream] == OPEN ? streams : OptionalInt.of(Math.toIntExact(shape[stream]));
  }

  private static boolean isSize(long given, int expected) {
    return given == OPEN || given == expected;
  }
}
