package io.github.stillgate.importers.onnx;

import io.github.stillgate.importers.onnx.GraphPath.State;
import io.github.stillgate.importers.onnx.Known.Type;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;

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
  private final boolean arePositions;
  private final Map<String, Optional<Map<State, List<Place>>>> outputs = new HashMap<>();

  private StatePlumbing(Graph graph, boolean arePositions) {
    this.graph = graph;
    this.arePositions = arePositions;
  }

  /** Of a graph whose streams are apart. */
  static StatePlumbing of(Graph graph) {
    return new StatePlumbing(graph, false);
  }

  /** Of a graph that is one step of one stream: several streams of a node are positions in it. */
  static StatePlumbing ofStep(Graph graph) {
    return new StatePlumbing(graph, true);
  }

  /** What a value is, element by element. */
  private record Trace(int[] shape, int[] from) {}

  /** The elements of several values, numbered one value behind the other. */
  private record Numbering(Map<String, Known> values, Map<String, Integer> begins, int size) {}

  /**
   * Where the states that {@code node} begins with stand in one of the graph's inputs.
   *
   * @param value name of what the node reads
   * @return for each of {@link RecurrentNode#stateNames}; empty if they are not made of one input
   *     alone by moving values, or streams or units do not keep their order
   */
  Optional<List<Place>> origin(RecurrentNode node, String value) {
    String source = graph.source(value);
    return graph.isGiven(source)
        ? Optional.of(whole(node, source))
        : inOneInput(source).flatMap(at -> places(node, at.input(), at.trace()));
  }

  /** The same states as the input has them, if it has a value. */
  Optional<OnnxTensor> given(RecurrentNode node, String value) {
    return inOneInput(graph.source(value))
        .flatMap(at ->
            graph
                .constant(node.node(), at.input())
                .filter(OnnxTensor::isFloat)
                .map(tensor ->
                    OnnxTensor.computed(
                        graph.file(),
                        node.node().toString(),
                        value,
                        at.trace().shape(),
                        new TensorData.Floats(tensor.floats()).pick(at.trace().from()))));
  }

  /** A value that is made of the elements of one of the graph's inputs. */
  private record InInput(String input, Trace trace) {}

  /** Other values may be on the way, as long as none of their elements arrives. */
  private Optional<InInput> inOneInput(String value) {
    Set<String> leaves = new LinkedHashSet<>();
    return leaves(value, leaves)
        ? numbered(leaves)
            .flatMap(all -> trace(value, all.values()).flatMap(trace -> inOneInput(all, trace)))
        : Optional.empty();
  }

  private Optional<InInput> inOneInput(Numbering all, Trace trace) {
    for (String leaf : all.values().keySet()) {
      int begin = Objects.requireNonNull(all.begins().get(leaf));
      int size = size(leaf);
      if (graph.isGiven(leaf)
          && Arrays.stream(trace.from()).allMatch(i -> i >= begin && i < begin + size)) {
        int[] from = Arrays.stream(trace.from()).map(i -> i - begin).toArray();
        return Optional.of(new InInput(leaf, new Trace(trace.shape(), from)));
      }
    }
    return Optional.empty();
  }

  /** The places of states that are a whole tensor. */
  private static List<Place> whole(RecurrentNode node, String value) {
    int states = node.rows(node.positions()).states();
    List<Place> places = new ArrayList<>();
    for (int i = 0; i < states; i++) {
      String at = states == 1 ? ":" : String.valueOf(i);
      boolean second = node.isBatchFirst() != node.positions() > 1;
      places.add(new Place(value, second ? List.of(":", at) : List.of(at)));
    }
    return places;
  }

  private Optional<List<Place>> places(RecurrentNode node, String input, Trace trace) {
    int stream = node.isBatchFirst() ? 0 : 1;
    if (trace.shape().length != 3
        || trace.shape()[1 - stream] != node.directions()
        || trace.shape()[2] != node.units()
        || node.positions() > 1 && trace.shape()[stream] != node.positions()) {
      return Optional.empty();
    }
    return places(
        input,
        shape(input).orElseThrow(),
        node.rows(trace.shape()[stream]),
        node.units(),
        trace.from());
  }

  /**
   * The places of states in a tensor.
   *
   * @param at of the elements of the states' own tensor
   * @return for each state; empty if one has none
   */
  private static Optional<List<Place>> places(
      String value, int[] shape, StateRows rows, int units, int[] at) {
    List<Place> places = new ArrayList<>();
    for (int state = 0; state < rows.states(); state++) {
      int[] elements = new int[rows.rowsOfEach() * units];
      for (int b = 0; b < rows.rowsOfEach(); b++) {
        System.arraycopy(at, rows.row(state, b) * units, elements, b * units, units);
      }
      Place.of(value, shape, elements, rows.rowsOfEach()).ifPresent(places::add);
    }
    return places.size() == rows.states() ? Optional.of(places) : Optional.empty();
  }

  /**
   * The states that an output is made of, each whole and once.
   *
   * @return each in the order in which they stand there, with its places; empty if it is made of
   *     something else, too
   */
  Optional<Map<State, List<Place>>> statesOf(String output) {
    return outputs.computeIfAbsent(output, this::traceStates);
  }

  private Optional<Map<State, List<Place>>> traceStates(String output) {
    Set<String> leaves = new LinkedHashSet<>();
    if (!leaves(output, leaves) || leaves.stream().allMatch(graph::isGiven)) {
      return Optional.empty();
    }
    return numbered(leaves)
        .flatMap(
            all -> trace(output, all.values()).flatMap(trace -> statePlaces(output, all, trace)));
  }

  private Optional<Map<State, List<Place>>> statePlaces(String output, Numbering all, Trace trace) {
    int[] at = new int[all.size()];
    Arrays.fill(at, -1);
    for (int i = 0; i < trace.from().length; i++) {
      if (at[trace.from()[i]] >= 0) {
        return Optional.empty();
      }
      at[trace.from()[i]] = i;
    }
    Map<State, List<Place>> places = new LinkedHashMap<>();
    Map<State, Integer> first = new HashMap<>();
    for (String leaf : all.values().keySet()) {
      int begin = Objects.requireNonNull(all.begins().get(leaf));
      int[] own = Arrays.copyOfRange(at, begin, begin + size(leaf));
      int there = (int) Arrays.stream(own).filter(i -> i >= 0).count();
      if (there == 0) {
        continue;
      }
      if (there < own.length || graph.made(leaf).isEmpty()) {
        return Optional.empty();
      }
      Graph.Made made = graph.made(leaf).get();
      State state = new State(made.node(), made.output() - 1);
      int[] shape = shape(leaf).orElseThrow();
      boolean batchFirst = made.node().flag("layout");
      int streams = shape[batchFirst ? 0 : 1];
      StateRows rows =
          new StateRows(
              shape[batchFirst ? 1 : 0], streams, batchFirst, arePositions && streams > 1);
      first.put(state, own[0]);
      places.put(state, places(output, trace.shape(), rows, shape[2], own).orElse(List.of()));
    }
    List<State> order = new ArrayList<>(places.keySet());
    order.sort((a, b) -> Integer.compare(first.getOrDefault(a, 0), first.getOrDefault(b, 0)));
    Map<State, List<Place>> sorted = new LinkedHashMap<>();
    order.forEach(state -> sorted.put(state, places.getOrDefault(state, List.of())));
    return Optional.of(sorted);
  }

  /**
   * Whether an output of the graph is an input of its shape moved on, as a delay line moves it:
   * along one axis by one distance, and by no other of its elements. Several delay lines may stand
   * behind each other along the axis; each then keeps all but as many places as the distance has.
   */
  boolean movesOn(String input, String output) {
    Set<String> parts = new LinkedHashSet<>();
    moved(graph.source(output), parts);
    if (!parts.contains(input) || parts.size() < 2) {
      return false;
    }
    return numbered(parts)
        .flatMap(all ->
            trace(graph.source(output), all.values()).map(trace -> isMovedOn(all, input, trace)))
        .orElse(false);
  }

  private boolean isMovedOn(Numbering all, String input, Trace trace) {
    int begin = Objects.requireNonNull(all.begins().get(input));
    int size = size(input);
    int[] shape = shape(input).orElseThrow();
    if (!Arrays.equals(shape, trace.shape())) {
      return false;
    }
    int distance = 0;
    BitSet moved = new BitSet(size);
    for (int i = 0; i < size; i++) {
      int from = trace.from()[i] - begin;
      if (from < 0 || from >= size) {
        continue;
      }
      if (from == i || !moved.isEmpty() && from - i != distance) {
        return false;
      }
      distance = from - i;
      moved.set(i);
    }
    int inner = size;
    for (int places : shape) {
      inner /= places;
      if (distance != 0
          && distance % inner == 0
          && isDelayLine(moved, places, inner, size, distance / inner)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Whether the elements that moved are whole places of an axis, with gaps as long as the distance.
   *
   * @param places of the axis
   * @param inner elements of a place that stand together
   * @param distance in places, positive if values move to lower ones
   */
  private static boolean isDelayLine(BitSet moved, int places, int inner, int size, int distance) {
    for (int i = 0; i < size; i++) {
      if (moved.get(i) != moved.get(i / inner % places * inner)) {
        return false;
      }
    }
    int gap = Math.abs(distance);
    int fresh = 0;
    for (int i = 0; i < places; i++) {
      boolean kept = moved.get((distance > 0 ? i : places - 1 - i) * inner);
      if (kept ? fresh != 0 && fresh != gap : i == 0 || fresh == gap) {
        return false;
      }
      fresh = kept ? 0 : fresh + 1;
    }
    return fresh == gap;
  }

  private int size(String value) {
    return Arrays.stream(shape(value).orElseThrow()).reduce(1, (a, b) -> a * b);
  }

  private Optional<Numbering> numbered(Set<String> leaves) {
    Map<String, Known> numbered = new LinkedHashMap<>();
    Map<String, Integer> begins = new HashMap<>();
    int size = 0;
    for (String leaf : leaves) {
      Optional<int[]> shape = shape(leaf);
      if (shape.isEmpty()) {
        return Optional.empty();
      }
      begins.put(leaf, size);
      numbered.put(leaf, numbered(shape.get(), size));
      size += size(leaf);
      if (size > MOST_ELEMENTS) {
        return Optional.empty();
      }
    }
    return Optional.of(new Numbering(numbered, begins, size));
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

  /** Collects the values that are moved into {@code value} and are themselves moved of none. */
  void moved(String value, Set<String> parts) {
    Deque<String> open = new ArrayDeque<>(List.of(value));
    Set<String> seen = new HashSet<>();
    while (!open.isEmpty()) {
      String name = graph.source(open.removeFirst());
      if (!seen.add(name)) {
        continue;
      }
      Optional<Graph.Made> made = graph.made(name).filter(from -> isMove(from.node()));
      if (made.isEmpty()) {
        parts.add(name);
      } else {
        open.addAll(movedInputs(made.get().node()));
      }
    }
  }

  private static List<String> movedInputs(GraphNode node) {
    return IntStream.range(0, node.proto().getInputCount())
        .filter(i -> Movement.isMoved(node, i))
        .mapToObj(node::input)
        .toList();
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
        movedInputs(made.get().node()).reversed().forEach(open::addFirst);
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
