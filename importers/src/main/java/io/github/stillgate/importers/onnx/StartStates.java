package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.InitialState;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Which values of a graph are zero whatever it reads, and what is known of their sizes: what
 * exporters give recurrent nodes as initial_h and initial_c. Constants other than zero become the
 * layers' initial states. Every node is looked at once, however many states it leads to.
 */
final class StartStates {
  /** A size that depends on what the graph reads. */
  static final long OPEN = -1;

  private static final Set<String> FOLLOWED =
      Set.of(
          "ConstantOfShape", "Expand", "Shape", "Gather", "Concat", "Unsqueeze", "Squeeze", "Cast");

  private final Graph graph;
  private final Map<String, Optional<long[]>> zeros = new HashMap<>();
  private final Map<String, long[]> sizes = new HashMap<>();
  private final Map<String, Boolean> zeroTensors = new HashMap<>();
  private final Set<String> seen = new HashSet<>();

  StartStates(Graph graph) {
    this.graph = graph;
  }

  /** Whether {@code value} is zero whatever the graph reads; {@code reader} is for messages. */
  boolean isZero(GraphNode reader, String value) {
    String source = graph.source(value);
    Optional<OnnxTensor> constant = graph.constant(reader, source);
    if (constant.isPresent()) {
      return zeroTensors.computeIfAbsent(source, _ -> constant.get().isZero());
    }
    follow(source);
    return zeros.containsKey(source);
  }

  /**
   * The sizes of {@code value} as far as they are known, {@link #OPEN} for each that is not; empty
   * if not even their number is.
   */
  Optional<long[]> shape(GraphNode reader, String value) {
    String source = graph.source(value);
    Optional<OnnxTensor> constant = graph.constant(reader, source);
    if (constant.isPresent()) {
      return Optional.of(Arrays.stream(constant.get().shape()).asLongStream().toArray());
    }
    if (graph.isInput(source)) {
      return graph.inputShape(source).map(StartStates::declared);
    }
    follow(source);
    return zeros.getOrDefault(source, Optional.empty());
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
          return Matrix.vector(
              tensor.toString(), Arrays.copyOfRange(tensor.floats(), at, at + node.units()));
        });
  }

  /** Whether a constant state is the same for all streams of its batch. */
  static boolean isSameForAllStreams(OnnxTensor tensor, RecurrentNode node) {
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
    int row =
        node.isBatchFirst()
            ? stream * node.directions() + direction
            : direction * tensor.shape()[1] + stream;
    return row * node.units();
  }

  private static boolean isSize(long given, int expected) {
    return given == OPEN || given == expected;
  }

  /** Looks at the nodes that {@code value} is made by, each once, in the order of the graph. */
  private void follow(String value) {
    Deque<String> open = new ArrayDeque<>(List.of(value));
    List<GraphNode> path = new ArrayList<>();
    while (!open.isEmpty()) {
      graph
          .producer(graph.source(open.removeLast()))
          .filter(node -> FOLLOWED.contains(node.operator()) && seen.add(node.name()))
          .ifPresent(node -> {
            path.add(node);
            open.addAll(node.proto().getInputList());
          });
    }
    path.sort(Comparator.comparingInt(GraphNode::position));
    path.forEach(this::look);
  }

  private void look(GraphNode node) {
    String output = node.output(0);
    switch (node.operator()) {
      case "ConstantOfShape" -> {
        boolean zero =
            node.tensor("value")
                .map(proto -> OnnxTensor.of(node.file(), node.toString(), "value", proto))
                .map(value -> value.isFloat() && value.size() == 1 && value.isZero())
                .orElse(true);
        if (zero) {
          zeros.put(output, sizes(node, node.input(0)));
        }
      }
      case "Expand" -> {
        String from = graph.source(node.input(0));
        boolean zero =
            graph
                .constant(node, from)
                .map(tensor -> tensor.isFloat() && isZero(node, from))
                .orElseGet(() -> zeros.containsKey(from));
        if (zero) {
          zeros.put(output, broadcast(shape(node, from), sizes(node, node.input(1))));
        }
      }
      case "Shape" -> {
        String of = graph.source(node.input(0));
        if (graph.isInput(of) && node.proto().getAttributeCount() == 0) {
          graph.inputShape(of).map(StartStates::declared).ifPresent(s -> sizes.put(output, s));
        }
      }
      case "Gather" -> gather(node);
      case "Concat" -> concat(node);
      case "Unsqueeze", "Squeeze", "Cast" ->
          sizes(node, node.input(0)).ifPresent(same -> sizes.put(output, same));
      default -> {}
    }
  }

  /** Some of the sizes; how many is known even where they are not. */
  private void gather(GraphNode node) {
    Optional<long[]> indices = sizes(node, node.input(1));
    if (indices.isEmpty() || node.integer("axis", 0) != 0) {
      return;
    }
    long[] from = sizes(node, node.input(0)).orElseGet(() -> new long[0]);
    long[] taken = new long[indices.get().length];
    for (int i = 0; i < taken.length; i++) {
      long index = indices.get()[i];
      long at = index < 0 ? index + from.length : index;
      taken[i] = at >= 0 && at < from.length ? from[(int) at] : OPEN;
    }
    sizes.put(node.output(0), taken);
  }

  private void concat(GraphNode node) {
    long[] joined = new long[0];
    for (String input : node.proto().getInputList()) {
      Optional<long[]> part = sizes(node, input);
      if (part.isEmpty() || joined.length + part.get().length > TensorLayout.MOST_DIMENSIONS) {
        return;
      }
      int before = joined.length;
      joined = Arrays.copyOf(joined, before + part.get().length);
      System.arraycopy(part.get(), 0, joined, before, part.get().length);
    }
    sizes.put(node.output(0), joined);
  }

  /** A few whole numbers: a constant, or what the nodes before made of the sizes of inputs. */
  private Optional<long[]> sizes(GraphNode reader, String value) {
    String source = graph.source(value);
    if (sizes.containsKey(source)) {
      return Optional.of(sizes.get(source));
    }
    return graph
        .constant(reader, source)
        .filter(tensor ->
            tensor.isInteger()
                && tensor.shape().length <= 1
                && tensor.size() <= TensorLayout.MOST_DIMENSIONS)
        .map(OnnxTensor::integers);
  }

  /** As ONNX aligns shapes at their ends, and stretches sizes of 1. */
  private static Optional<long[]> broadcast(Optional<long[]> first, Optional<long[]> second) {
    if (first.isEmpty() || second.isEmpty()) {
      return Optional.empty();
    }
    long[] a = first.get();
    long[] b = second.get();
    long[] shape = new long[Math.max(a.length, b.length)];
    for (int i = 1; i <= shape.length; i++) {
      long x = i <= a.length ? a[a.length - i] : 1;
      long y = i <= b.length ? b[b.length - i] : 1;
      boolean open = x == OPEN && y <= 1 || y == OPEN && x <= 1;
      shape[shape.length - i] = open ? OPEN : Math.max(x, y);
    }
    return Optional.of(shape);
  }

  private static long[] declared(List<OptionalInt> shape) {
    return shape.stream()
        .mapToLong(extent -> extent.isPresent() ? extent.getAsInt() : OPEN)
        .toArray();
  }
}
