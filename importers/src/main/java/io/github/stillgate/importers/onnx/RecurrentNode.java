package io.github.stillgate.importers.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.stillgate.core.model.Layer;
import java.util.Arrays;
import java.util.List;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A GRU, LSTM or RNN node: its layer, and what a graph says of the data, states and lengths that it
 * reads.
 */
final class RecurrentNode {
  private static final int SEQUENCE_LENS = 4;
  private static final int INITIAL_H = 5;

  private final GraphNode node;
  private final Graph graph;
  private final StartStates states;
  private final RecurrentWeights weights;
  private final int positions;
  private @Nullable Layer layer;

  private RecurrentNode(RecurrentNode node, int positions) {
    this.node = node.node;
    this.graph = node.graph;
    this.states = node.states;
    this.weights = node.weights;
    this.positions = positions;
  }

  private RecurrentNode(
      GraphNode node, Graph graph, StartStates states, Budget budget, Optional<Affine> before) {
    this.node = node;
    this.graph = graph;
    this.states = states;
    this.positions = 1;
    int stateInputs = RecurrentOperator.valueOf(node.operator()).states();
    for (int input = SEQUENCE_LENS; input < INITIAL_H + stateInputs; input++) {
      String name = graph.source(node.input(input));
      if (!name.isEmpty() && !graph.has(name)) {
        throw node.malformed(
            "%s is \"%s\", which no node gives and is not in the file"
                .formatted(RecurrentWeights.INPUTS.get(input), name));
      }
    }
    this.weights = new RecurrentWeights(node, graph, budget, before);
  }

  /**
   * Reads {@code node}, which must be one of the three.
   *
   * @param states of the graph
   * @param budget for its weights
   * @param before what multiplies and shifts the values that it reads, taken into its weights
   * @throws OnnxFormatException if its weights or attributes do not fit
   * @throws UnsupportedOnnxException if weights are no constants, or an activation is not supported
   */
  static RecurrentNode read(
      GraphNode node, Graph graph, StartStates states, Budget budget, Optional<Affine> before) {
    return new RecurrentNode(node, graph, states, budget, before);
  }

  /** The same node whose streams are that many positions of one step, each with its own states. */
  RecurrentNode at(int streams) {
    return new RecurrentNode(this, streams);
  }

  GraphNode node() {
    return node;
  }

  /** Positions of one step at which it runs; 1 if its streams are none. */
  int positions() {
    return positions;
  }

  /** The layer, which begins in the constant states that the graph gives its first stream. */
  Layer layer() {
    if (layer == null) {
      layer = states.begin(weights.layer(), this);
    }
    return layer;
  }

  int directions() {
    return weights.directions();
  }

  boolean isForward() {
    return weights.isForward();
  }

  int units() {
    return weights.units();
  }

  int inputs() {
    return weights.inputs();
  }

  /** Whether the batch stands before the sequence: layout 1. */
  boolean isBatchFirst() {
    return node.flag("layout");
  }

  /** Name of the value with the sequences' lengths; empty if they are all whole. */
  String sequenceLens() {
    return graph.source(node.input(SEQUENCE_LENS));
  }

  /** Number of states. */
  int states() {
    return weights.operator().states();
  }

  /**
   * Name under which a session keeps state {@code state} (0 is h, 1 is c) of a direction, or of a
   * position.
   */
  private String stateName(int state, int at) {
    String vector = state == 0 ? "h" : "c";
    if (positions > 1) {
      return "%s.%d.%s".formatted(node.name(), at, vector);
    }
    return directions() == 1
        ? "%s.%s".formatted(node.name(), vector)
        : "%s.%s.%s".formatted(node.name(), at == 0 ? "forward" : "backward", vector);
  }

  /** Name of the value it begins with; empty if there is none. */
  String initialName(int state) {
    return state < states() ? node.input(INITIAL_H + state) : "";
  }

  /** Names under which a session keeps state {@code state} of all directions, or positions. */
  List<String> stateNames(int state) {
    int count = positions > 1 ? positions : directions();
    return IntStream.range(0, count).mapToObj(at -> stateName(state, at)).toList();
  }

  /**
   * Where its states stand in a tensor.
   *
   * @param streams of the tensor
   */
  StateRows rows(int streams) {
    return new StateRows(directions(), streams, isBatchFirst(), positions > 1);
  }

  /** Whether it begins with zeros whatever the graph reads. */
  boolean beginsWithZero(int state) {
    String name = initialName(state);
    return name.isEmpty() || states.isZero(node, name);
  }

  /**
   * The state it begins with as the graph says it, where that is a constant other than zero or is
   * in an input that has a value.
   */
  Optional<OnnxTensor> initialState(int state) {
    return beginsWithZero(state)
        ? Optional.empty()
        : states.value(this, initialName(state));
  }

  /**
   * Where each of the states it begins with, as {@link #stateNames} has them, stands in a graph
   * input, if they do.
   */
  Optional<List<Place>> origin(int state) {
    return initialName(state).isEmpty()
        ? Optional.empty()
        : states.origin(this, initialName(state));
  }

  /**
   * Refuses initial states of a wrong shape, zeros too: they say that the weights are not those
   * that were meant.
   *
   * @param batch streams of the graph; empty if it leaves that open
   * @return the streams that the states are for, if they say it
   */
  OptionalInt requireStateShapes(OptionalInt batch) {
    OptionalInt streams = batch;
    for (int state = 0; state < states(); state++) {
      String name = initialName(state);
      if (!name.isEmpty()) {
        streams =
            states.requireShape(
                this, RecurrentWeights.INPUTS.get(INITIAL_H + state), name, streams);
      }
    }
    return streams;
  }

  /**
   * What a graph says of the values that a node reads.
   *
   * @param steps of its sequences; empty if it does not say it
   * @param batch streams; empty likewise
   */
  record Data(OptionalInt steps, OptionalInt batch) {}

  /** Refuses data of another shape than this node reads. */
  Data requireData() {
    Optional<long[]> known = states.shape(node, node.input(0));
    if (known.isEmpty()) {
      return new Data(OptionalInt.empty(), OptionalInt.empty());
    }
    long[] shape = known.get();
    if (shape.length != 3 || shape[2] != StartStates.OPEN && shape[2] != inputs()) {
      throw node.malformed(
          "X has shape %s, expected three sizes %s of %d inputs"
              .formatted(
                  Arrays.toString(shape).replace("-1", "?"),
                  isBatchFirst() ? "[batch, steps, inputs]" : "[steps, batch, inputs]",
                  inputs()));
    }
    int stream = isBatchFirst() ? 0 : 1;
    return new Data(size(shape[1 - stream]), size(shape[stream]));
  }

  private static OptionalInt size(long extent) {
    return extent == StartStates.OPEN
        ? OptionalInt.empty()
        : OptionalInt.of(Math.toIntExact(extent));
  }

  /**
   * Refuses lengths that are not one whole number for each stream, as far as the graph says it.
   *
   * @param batch streams of the graph; empty if it leaves that open
   * @return the streams that the lengths are for, if they say it
   */
  OptionalInt requireLengthsShape(OptionalInt batch) {
    String lens = sequenceLens();
    if (lens.isEmpty() || graph.isComputed(lens)) {
      return batch;
    }
    String streams = batch.isPresent() ? String.valueOf(batch.getAsInt()) : "batch";
    if (!graph.isGiven(lens)) {
      OnnxTensor tensor = graph.constant(node, lens).orElseThrow();
      int[] shape = tensor.shape();
      if (shape.length != 1 || batch.isPresent() && shape[0] != batch.getAsInt()) {
        throw node.malformed("sequence_lens is %s, expected [%s]".formatted(tensor, streams));
      }
      return OptionalInt.of(shape[0]);
    }
    TensorProto.DataType type = graph.inputType(lens);
    if (type != TensorProto.DataType.INT32 && type != TensorProto.DataType.UNDEFINED) {
      throw node.malformed(
          "sequence_lens is the input \"%s\" of type %s, expected INT32".formatted(lens, type));
    }
    Optional<List<OptionalInt>> shape = graph.inputShape(lens);
    if (shape.isEmpty()) {
      return batch;
    }
    OptionalInt given = shape.get().size() == 1 ? shape.get().getFirst() : OptionalInt.empty();
    if (shape.get().size() != 1 || given.isPresent() && batch.isPresent() && !given.equals(batch)) {
      throw node.malformed(
          "sequence_lens is the input \"%s\" of shape [%s], expected %s lengths: [%s]"
              .formatted(
                  lens,
                  shape.get().stream()
                      .map(size -> size.isPresent() ? String.valueOf(size.getAsInt()) : "?")
                      .collect(Collectors.joining(", ")),
                  streams,
                  streams));
    }
    return given.isPresent() ? given : batch;
  }

  /** Refuses a state that the graph itself computes, which no model of layers does. */
  void requireNoComputedState() {
    for (int state = 0; state < states(); state++) {
      String name = initialName(state);
      if (graph.isComputed(name)
          && !states.isZero(node, name)
          && states.origin(this, name).isEmpty()) {
        throw node.unsupported(
            "%s is computed by %s, and is no part of one graph input; import this node alone and set"
                    .formatted(
                        RecurrentWeights.INPUTS.get(INITIAL_H + state),
                        graph.producer(graph.source(name)).orElseThrow())
                + " its state (Sequence.state)");
      }
    }
  }

  /** Refuses constant states that are not the same for all streams: a model has one. */
  void requireOneConstantState() {
    for (int state = 0; state < states(); state++) {
      String input = RecurrentWeights.INPUTS.get(INITIAL_H + state);
      initialState(state)
          .filter(tensor -> !StartStates.isSameForAllStreams(tensor, this))
          .ifPresent(tensor -> {
            throw node.unsupported(
                "%s is the constant %s, which differs between streams, but a model's streams all begin"
                        .formatted(input, tensor)
                    + " alike; make it a graph input and set it with Session.state or Sequence.state");
          });
    }
  }

  /** For messages. */
  String directionCount() {
    return weights.directionCount();
  }
}
