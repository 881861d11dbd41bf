package io.github.stillgate.importers.onnx;

import io.github.stillgate.importers.onnx.GraphPath.State;
import io.github.stillgate.importers.onnx.Known.Type;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToLongFunction;

/**
 * How states come into a graph and leave it: one input may hold those of several layers, and an
 * output may join several. Between the two and the recurrent nodes are nodes that only move values,
 * so each element is followed by running these nodes on the numbers of elements.
 */
final class StatePlumbing {
  /** What the states of all layers of a large network have, in many streams. */
  private static final int MOST_ELEMENTS = 1 << 22;

  /** Stands in for open sizes: a number of streams above 1 shows if they are kept apart. */
  private static final ToLongFunction<String> THREE = name -> 3;

  private final Graph graph;
  private final Map<String, Optional<Map<State, List<Place>>>> outputs = new HashMap<>();

  StatePlumbing(Graph graph) {
    this.graph = graph;
  }

  /** What a value is, element by element. */
  private record Trace(int[] shape, int[] from) {}

  /**
   * Where the state that {@code node} begins with stands in one of the graph's inputs.
   *
   * @param value name of what the node reads
   * @return for each direction; empty if it is not made of one input alone by moving values, or
   *     streams or units do not keep their order
   */
  Optional<List<Place>> origin(RecurrentNode node, String value) {
    String source = graph.source(value);
    if (graph.isGiven(source)) {
      return Optional.of(whole(node, source));
    }
    Set<String> leaves = new LinkedHashSet<>();
    if (!leaves(source, leaves) || leaves.size() != 1) {
      return Optional.empty();
    }
    String input = leaves.iterator().next();
    Optional<int[]> shape = shape(input);
    if (!graph.isGiven(input) || shape.isEmpty()) {
      return Optional.empty();
    }
    return trace(source, Map.of(input, numbered(shape.get(), 0)))
        .flatMap(trace -> places(node, input, shape.get(), trace));
  }

  /** The places of a state that is a whole tensor. */
  private static List<Place> whole(RecurrentNode node, String value) {
    List<Place> places = new ArrayList<>();
    for (int d = 0; d < node.directions(); d++) {
      String direction = node.directions() == 1 ? ":" : String.valueOf(d);
      places.add(
          new Place(value, node.isBatchFirst() ? List.of(":", direction) : List.of(direction)));
    }
    return places;
  }

  private static Optional<List<Place>> places(
      RecurrentNode node, String input, int[] shape, Trace trace) {
    int stream = node.isBatchFirst() ? 0 : 1;
    if (trace.shape().length != 3
        || trace.shape()[1 - stream] != node.directions()
        || trace.shape()[2] != node.units()) {
      return Optional.empty();
    }
    int streams = trace.shape()[stream];
    List<Place> places = new ArrayList<>();
    for (int d = 0; d < node.directions(); d++) {
      int[] elements = new int[streams * node.units()];
      for (int b = 0; b < streams; b++) {
        int row = node.isBatchFirst() ? b * node.directions() + d : d * streams + b;
        System.arraycopy(
            trace.from(), row * node.units(), elements, b * node.units(), node.units());
      }
      Place.of(input, shape, elements, streams).ifPresent(places::add);
    }
    return places.size() == node.directions() ? Optional.of(places) : Optional.empty();
  }

  /**
   * The states that an output is made of, each whole and once.
   *
   * @return each in the order in which they stand there, with its place; empty if it is made of
   *     something else, too
   */
  Optional<Map<State, List<Place>>> statesOf(String output) {
    return outputs.computeIfAbsent(output, this::traceStates);
  }

  private Optional<Map<State, List<Place>>> traceStates(String output) {
    Set<String> leaves = new LinkedHashSet<>();
    if (!leaves(output, leaves) || leaves.isEmpty()) {
      return Optional.empty();
    }
    Map<String, Known> numbered = new LinkedHashMap<>();
    int size = 0;
    for (String leaf : leaves) {
      Optional<int[]> shape = shape(leaf);
      if (shape.isEmpty() || graph.made(leaf).isEmpty()) {
        return Optional.empty();
      }
      numbered.put(leaf, numbered(shape.get(), size));
      size += Arrays.stream(shape.get()).reduce(1, (a, b) -> a * b);
      if (size > MOST_ELEMENTS) {
        return Optional.empty();
      }
    }
    int all = size;
    return trace(output, numbered)
        .filter(trace -> isOnceEach(trace.from(), all))
        .flatMap(trace -> statePlaces(output, trace, leaves));
  }

  private static boolean isOnceEach(int[] from, int size) {
    boolean[] seen = new boolean[size];
    for (int element : from) {
      if (seen[element]) {
        return false;
      }
      seen[element] = true;
    }
    return from.length == size;
  }

  private Optional<Map<State, List<Place>>> statePlaces(
      String output, Trace trace, Set<String> leaves) {
    int[] at = new int[trace.from().length];
    for (int i = 0; i < at.length; i++) {
      at[trace.from()[i]] = i;
    }
    Map<State, List<Place>> places = new LinkedHashMap<>();
    List<State> order = new ArrayList<>();
    Map<State, Integer> first = new HashMap<>();
    int begin = 0;
    for (String leaf : leaves) {
      Graph.Made made = graph.made(leaf).orElseThrow();
      State state = new State(made.node(), made.output() - 1);
      int[] shape = shape(leaf).orElseThrow();
      boolean batchFirst = made.node().flag("layout");
      int directions = shape[batchFirst ? 1 : 0];
      int streams = shape[batchFirst ? 0 : 1];
      int units = shape[2];
      List<Place> each = new ArrayList<>();
      for (int d = 0; d < directions; d++) {
        int[] elements = new int[streams * units];
        for (int i = 0; i < elements.length; i++) {
          int b = i / units;
          int row = batchFirst ? b * directions + d : d * streams + b;
          elements[i] = at[begin + row * units + i % units];
        }
        if (d == 0) {
          first.put(state, elements[0]);
        }
        Place.of(output, trace.shape(), elements, streams).ifPresent(each::add);
      }
      order.add(state);
      places.put(state, each.size() == directions ? each : List.of());
      begin += directions * streams * units;
    }
    order.sort((a, b) -> Integer.compare(first.getOrDefault(a, 0), first.getOrDefault(b, 0)));
    Map<State, List<Place>> sorted = new LinkedHashMap<>();
    order.forEach(state -> sorted.put(state, places.getOrDefault(state, List.of())));
    return Optional.of(sorted);
  }

  private Optional<int[]> shape(String value) {
    return graph
        .folding()
        .shape(value)
        .filter(shape -> shape.size() <= TensorLayout.MOST_DIMENSIONS)
        .map(shape -> shape.stream().mapToLong(extent -> extent.at(THREE)).toArray())
        .filter(StatePlumbing::isSmall)
        .map(sizes -> Arrays.stream(sizes).mapToInt(size -> (int) size).toArray());
  }

  private static boolean isSmall(long[] sizes) {
    long size = 1;
    for (long each : sizes) {
      if (each < 1 || each > MOST_ELEMENTS || size * each > MOST_ELEMENTS) {
        return false;
      }
      size *= each;
    }
    return true;
  }

  private static Known numbered(int[] shape, int from) {
    int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    long[] numbers = new long[size];
    Arrays.setAll(numbers, i -> from + i);
    return Known.of(
        Type.INTEGER,
        Extent.all(Arrays.stream(shape).asLongStream().toArray()),
        new TensorData.Integers(numbers));
  }

  private Optional<Trace> trace(String value, Map<String, Known> numbered) {
    return graph
        .folding()
        .evaluate(value, name -> Optional.ofNullable(numbered.get(name)), THREE, true)
        .flatMap(known -> {
          Optional<long[]> shape = known.sizes().flatMap(Extent::known);
          return shape.isPresent()
                  && known.data() instanceof TensorData.Integers(long[] numbers)
                  && numbers.length > 0
              ? Optional.of(
                  new Trace(
                      Arrays.stream(shape.get()).mapToInt(size -> (int) size).toArray(),
                      Arrays.stream(numbers).mapToInt(number -> (int) number).toArray()))
              : Optional.empty();
        });
  }

  /**
   * Collects the values that are moved into {@code value}: inputs of the graph and last states.
   *
   * @return false if anything else goes in
   */
  private boolean leaves(String value, Set<String> leaves) {
    Deque<String> open = new ArrayDeque<>(List.of(value));
    Set<String> seen = new HashSet<>();
    while (!open.isEmpty()) {
      String name = open.removeFirst();
      if (!seen.add(name)) {
        continue;
      }
      Optional<Graph.Made> made = graph.made(name);
      if (made.isEmpty()) {
        if (!graph.isGiven(name)) {
          return false;
        }
        leaves.add(name);
      } else if (RecurrentOperator.isRecurrent(made.get().node().operator())
          && made.get().output() > 0) {
        leaves.add(name);
      } else if (isMove(made.get().node())) {
        GraphNode node = made.get().node();
        boolean joint = node.operator().equals("Concat");
        for (int i = joint ? node.proto().getInputCount() - 1 : 0; i >= 0; i--) {
          open.addFirst(node.input(i));
        }
      } else {
        return false;
      }
    }
    return true;
  }

  private static boolean isMove(GraphNode node) {
    return Movement.OPERATORS.contains(node.operator())
        || node.operator().equals("Cast")
            && Folding.typeOf((int) node.integer("to", 0)) == Type.FLOAT;
  }
}
