package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.InitialState;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What recurrent nodes begin with: zeros, in every way exporters make them, constants, which become
 * the layers' initial states, or what a graph input holds. Every value is looked at once, however
 * many nodes read it.
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

  /** The state that {@code node} begins with where the graph says it. */
  Optional<OnnxTensor> value(RecurrentNode node, String value) {
    return graph
        .value(node.node(), value, Map.of())
        .or(() -> plumbing.given(node, value));
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

  /**
   * {@code layer}, whose streams begin in the constant states that the graph gives {@code node}:
   * those of its first stream, if they differ.
   */
  Layer begin(Layer layer, RecurrentNode node) {
    return layer instanceof Bidirectional pair
        ? new Bidirectional(
            pair.name(), begin(pair.forward(), node, 0), begin(pair.backward(), node, 1))
        : begin(layer, node, 0);
  }

  private Layer begin(Layer layer, RecurrentNode node, int direction) {
    InitialState state = new InitialState(vector(node, 0, direction), vector(node, 1, direction));
    return state.isZero() ? layer : layer.withInitialState(state);
  }

  private static Optional<Matrix> vector(RecurrentNode node, int state, int direction) {
    return node.initialState(state)
        .map(tensor -> {
          int at = at(tensor, node, direction, 0);
          return Matrix.vector(tensor.toString(), tensor.floats(at, at + node.units()));
        });
  }

  /** Whether a constant state is the same for all streams of its batch. */
  static boolean isSameForAllStreams(OnnxTensor tensor, RecurrentNode node) {
    if (tensor.isUniform()) {
      return true;
    }
    float[] values = tensor.floats();
    int units = node.units();
    int streams = tensor.shape()[node.isBatchFirst() ? 0 : 1];
    for (int direction = 0; direction < node.directions(); direction++) {
      int first = at(tensor, node, direction, 0);
      for (int stream = 1; stream < streams; stream++) {
        int other = at(tensor, node, direction, stream);
        if (!Arrays.equals(values, first, first + units, values, other, other + units)) {
          return false;
        }
      }
    }
    return true;
  }

  /** Where a stream's state begins in a tensor of the shape that {@link #requireShape} wants. */
  private static int at(OnnxTensor tensor, RecurrentNode node, int direction, int stream) {
    if (tensor.isUniform()) {
      return 0;
    }
    int row =
        node.isBatchFirst()
            ? stream * node.directions() + direction
            : direction * tensor.shape()[1] + stream;
    return row * node.units();
  }

  private static boolean isSize(long given, int expected) {
    return given == OPEN || given == expected;
  }
}
