package io.github.stillgate.importers.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.importers.GruOrder;
import io.github.stillgate.importers.LstmOrder;
import io.github.stillgate.importers.StackedGates;
import io.github.stillgate.importers.StackedGru;
import io.github.stillgate.importers.StackedLstm;
import io.github.stillgate.importers.UpdateConvention;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/** A GRU, LSTM or RNN node: W, R, B and P of one or two directions as a layer. */
final class RecurrentNode {
  private static final List<String> INPUTS =
      List.of("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P");
  private static final int W = 1;
  private static final int R = 2;
  private static final int B = 3;
  private static final int SEQUENCE_LENS = 4;
  private static final int INITIAL_H = 5;
  private static final int P = 7;

  /** Which of two directions a node has. */
  private enum Direction {
    FORWARD,
    REVERSE,
    BIDIRECTIONAL
  }

  private final GraphNode node;
  private final Graph graph;
  private final StartStates states;
  private final Operator operator;
  private final Direction direction;
  private final int units;
  private final int inputs;
  private final Layer layer;

  /** The operators and what tells them apart. */
  private enum Operator {
    GRU(3, List.of("Sigmoid", "Tanh"), List.of("linear_before_reset")),
    LSTM(4, List.of("Sigmoid", "Tanh", "Tanh"), List.of("input_forget")),
    RNN(1, List.of("Tanh"), List.of());

    private final int gates;
    private final List<String> activations;
    private final List<String> ownAttributes;

    Operator(int gates, List<String> activations, List<String> ownAttributes) {
      this.gates = gates;
      this.activations = activations;
      this.ownAttributes = ownAttributes;
    }
  }

  private RecurrentNode(GraphNode node, Graph graph, StartStates states, Budget budget) {
    this.node = node;
    this.graph = graph;
    this.states = states;
    this.operator = Operator.valueOf(node.operator());
    List<String> attributes =
        new ArrayList<>(
            List.of(
                "activation_alpha",
                "activation_beta",
                "activations",
                "clip",
                "direction",
                "hidden_size",
                "layout"));
    attributes.addAll(operator.ownAttributes);
    node.requireAttributes(attributes.toArray(new String[0]));
    this.direction =
        switch (node.text("direction", "forward")) {
          case "forward" -> Direction.FORWARD;
          case "reverse" -> Direction.REVERSE;
          case "bidirectional" -> Direction.BIDIRECTIONAL;
          default ->
              throw node.malformed(
                  "attribute direction is \"%s\", expected forward, reverse or bidirectional"
                      .formatted(node.text("direction", "")));
        };
    for (int input = SEQUENCE_LENS; input < INITIAL_H + states(); input++) {
      String name = graph.source(node.input(input));
      if (!name.isEmpty() && !graph.has(name)) {
        throw node.malformed(
            "%s is \"%s\", which no node gives and is not in the file"
                .formatted(INPUTS.get(input), name));
      }
    }
    OnnxTensor r = weights(R);
    int[] shape = r.shape();
    if (shape.length != 3) {
      throw node.malformed(
          "R is %s, expected three sizes [directions, gates x hidden_size, hidden_size]"
              .formatted(r));
    }
    this.units = hiddenSize(shape);
    requireShape("R", r, directions(), operator.gates * units, units);
    this.inputs = inputWidth();
    r.requireFloats();
    weights(W).requireFloats();
    long rows = (long) operator.gates * units;
    budget.take(directions() * rows * ((long) inputs + units + 2), node);
    this.layer = layer(r.weights());
  }

  /** Whether {@code operator} is one of the three. */
  static boolean isRecurrent(String operator) {
    return Arrays.stream(Operator.values()).anyMatch(o -> o.name().equals(operator));
  }

  /** Names of the three operators. */
  static List<String> operators() {
    return Arrays.stream(Operator.values()).map(Operator::name).toList();
  }

  /**
   * Reads {@code node}, which must be one of the three.
   *
   * @param states of the graph
   * @param budget for its weights
   * @throws OnnxFormatException if its weights or attributes do not fit
   * @throws UnsupportedOnnxException if weights are no constants, or an activation is not supported
   */
  static RecurrentNode read(GraphNode node, Graph graph, StartStates states, Budget budget) {
    return new RecurrentNode(node, graph, states, budget);
  }

  GraphNode node() {
    return node;
  }

  Layer layer() {
    return layer;
  }

  int directions() {
    return direction == Direction.BIDIRECTIONAL ? 2 : 1;
  }

  boolean isForward() {
    return direction == Direction.FORWARD;
  }

  int units() {
    return units;
  }

  int inputs() {
    return inputs;
  }

  /** Whether the batch stands before the sequence: layout 1. */
  boolean isBatchFirst() {
    return node.flag("layout");
  }

  /** Name of the value with the sequences' lengths; empty if they are all whole. */
  String sequenceLens() {
    return graph.source(node.input(SEQUENCE_LENS));
  }

  /** Number of states: h, and c of an LSTM. */
  int states() {
    return operator == Operator.LSTM ? 2 : 1;
  }

  /** Name under which a session keeps state {@code state} (0 is h, 1 is c) of a direction. */
  String stateName(int state, int direction) {
    String vector = state == 0 ? "h" : "c";
    return directions() == 1
        ? "%s.%s".formatted(node.name(), vector)
        : "%s.%s.%s".formatted(node.name(), direction == 0 ? "forward" : "backward", vector);
  }

  /** Name of the value it begins with; empty if there is none. */
  String initialName(int state) {
    return state < states() ? node.input(INITIAL_H + state) : "";
  }

  /** Names under which a session keeps state {@code state} of all directions. */
  List<String> stateNames(int state) {
    return directions() == 1
        ? List.of(stateName(state, 0))
        : List.of(stateName(state, 0), stateName(state, 1));
  }

  /** Whether it begins with zeros whatever the graph reads. */
  boolean beginsWithZero(int state) {
    String name = initialName(state);
    return name.isEmpty() || states.isZero(node, name);
  }

  /** The state it begins with as the graph says it, where that is a constant other than zero. */
  Optional<OnnxTensor> initialState(int state) {
    return beginsWithZero(state) ? Optional.empty() : graph.constant(node, initialName(state));
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
        streams = states.requireShape(this, INPUTS.get(INITIAL_H + state), name, streams);
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
    if (shape.length != 3 || shape[2] != StartStates.OPEN && shape[2] != inputs) {
      throw node.malformed(
          "X has shape %s, expected three sizes %s of %d inputs"
              .formatted(
                  Arrays.toString(shape).replace("-1", "?"),
                  isBatchFirst() ? "[batch, steps, inputs]" : "[steps, batch, inputs]",
                  inputs));
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
      if (graph.isComputed(name) && !states.isZero(node, name)) {
        throw node.unsupported(
            "%s is computed by %s; import this node alone and set its state (Sequence.state)"
                .formatted(
                    INPUTS.get(INITIAL_H + state),
                    graph.producer(graph.source(name)).orElseThrow()));
      }
    }
  }

  /** Refuses a constant state other than zero: a model begins with zeros. */
  void requireNoConstantState() {
    for (int state = 0; state < states(); state++) {
      String input = INPUTS.get(INITIAL_H + state);
      initialState(state)
          .ifPresent(tensor -> {
            throw node.unsupported(
                "%s is the constant %s, but a model begins with zeros; make it a graph input and set"
                        .formatted(input, tensor)
                    + " it with Session.state or Sequence.state");
          });
    }
  }

  private int hiddenSize(int[] shape) {
    long size = node.integer("hidden_size", shape[2]);
    if (size < 1 || size > 1 << 20) {
      throw node.malformed(
          "attribute hidden_size is %d, expected a number from 1 to 2^20".formatted(size));
    }
    return (int) size;
  }

  private int inputWidth() {
    OnnxTensor w = weights(W);
    int[] shape = w.shape();
    int rows = operator.gates * units;
    if (shape.length != 3 || shape[0] != directions() || shape[1] != rows) {
      throw node.malformed(
          "W is %s, expected [%d, %d, inputs]: %s, %s of %d units%s"
              .formatted(
                  w,
                  directions(),
                  rows,
                  directionCount(),
                  gateCount(),
                  units,
                  shape.length == 3 && shape[2] == rows ? "; it looks transposed" : ""));
    }
    return shape[2];
  }

  private Layer layer(float[] r) {
    float[] w = weights(W).weights();
    Optional<float[]> b = optional(B, 2 * operator.gates * units);
    Optional<float[]> p = operator == Operator.LSTM ? optional(P, 3 * units) : Optional.empty();
    List<List<Activation.Elementwise>> activations =
        OnnxActivations.of(node, directions(), operator.activations);
    List<Layer> layers = new ArrayList<>();
    for (int d = 0; d < directions(); d++) {
      int half = operator.gates * units;
      int at = d * 2 * half;
      StackedGates gates =
          new StackedGates(
              inputs,
              units,
              units,
              part(w, d, half * inputs),
              part(r, d, half * units),
              b.map(values -> Arrays.copyOfRange(values, at, at + half)),
              b.map(values -> Arrays.copyOfRange(values, at + half, at + 2 * half)));
      int side = d;
      String name =
          direction == Direction.BIDIRECTIONAL
              ? List.of("forward", "backward").get(d)
              : node.name();
      layers.add(
          oneDirection(
              name, gates, p.map(values -> part(values, side, 3 * units)), activations.get(d)));
    }
    return switch (direction) {
      case FORWARD -> layers.get(0);
      case REVERSE -> new Backward(layers.get(0));
      case BIDIRECTIONAL -> new Bidirectional(node.name(), layers.get(0), layers.get(1));
    };
  }

  private Layer oneDirection(
      String name,
      StackedGates gates,
      Optional<float[]> peepholes,
      List<Activation.Elementwise> activations) {
    Activation.Elementwise first = activations.get(0);
    try {
      return switch (operator) {
        case GRU ->
            new StackedGru(
                    gates,
                    GruOrder.Z_R_C,
                    UpdateConvention.WEIGHS_OLD_STATE,
                    node.flag("linear_before_reset"),
                    gate(first),
                    OnnxActivations.bounded(activations.get(1)))
                .toLayer(name);
        case LSTM ->
            new StackedLstm(
                    gates,
                    LstmOrder.I_O_F_G,
                    node.flag("input_forget"),
                    peepholes.map(p -> peepholes(name, p)),
                    Optional.empty(),
                    new Lstm.Activations(
                        gate(first),
                        OnnxActivations.bounded(activations.get(1)),
                        activations.get(2)))
                .toLayer(name);
        case RNN -> simple(name, gates, OnnxActivations.bounded(first));
      };
    } catch (IllegalArgumentException e) {
      // A weight that is not finite: the matrix says which.
      throw new OnnxFormatException(node.file(), "%s: %s".formatted(node, e.getMessage()), e);
    }
  }

  /** Gates mix; with other shares than 0 to 1 a state could grow without end. */
  private Activation.Elementwise gate(Activation.Elementwise function) {
    Activation.Range range = function.range(Activation.Range.of(Float.MAX_VALUE));
    if (range.low() < 0 || range.high() > 1) {
      throw node.unsupported(
          "its gates (the first activation) lie within [%s, %s]; supported are functions within"
                  .formatted(range.low(), range.high())
              + " [0, 1]: Sigmoid, HardSigmoid, or Relu under a clip of 1");
    }
    return function;
  }

  private static SimpleRnn simple(
      String name, StackedGates gates, Activation.Elementwise activation) {
    float[] b = gates.inputBias().map(float[]::clone).orElseGet(() -> new float[gates.units()]);
    gates
        .stateBias()
        .ifPresent(second -> {
          for (int i = 0; i < b.length; i++) {
            b[i] += second[i];
          }
        });
    return new SimpleRnn(
        name,
        Matrix.of(name + ".W", gates.units(), gates.inputs(), gates.w()),
        Matrix.of(name + ".U", gates.units(), gates.units(), gates.u()),
        Matrix.vector(name + ".b", b),
        activation);
  }

  /** ONNX stacks them in the order i, o, f. */
  private Lstm.Peepholes peepholes(String name, float[] p) {
    return Lstm.Peepholes.toInput(Matrix.vector(name + ".pi", part(p, 0, units)))
        .toForget(Matrix.vector(name + ".pf", part(p, 2, units)))
        .toOutput(Matrix.vector(name + ".po", part(p, 1, units)));
  }

  private OnnxTensor weights(int input) {
    String name = node.input(input);
    if (name.isEmpty()) {
      throw node.malformed("input %s is missing".formatted(INPUTS.get(input)));
    }
    return graph
        .constant(node, name)
        .orElseThrow(() -> {
          String found =
              graph
                  .producer(name)
                  .map(producer -> "computed by " + producer)
                  .orElse("not in the file");
          return node.unsupported(
              "%s (\"%s\") is %s; supported are constants, so fold them or make it an initializer"
                  .formatted(INPUTS.get(input), name, found));
        });
  }

  private Optional<float[]> optional(int input, int width) {
    if (node.input(input).isEmpty()) {
      return Optional.empty();
    }
    OnnxTensor tensor = weights(input);
    requireShape(INPUTS.get(input), tensor, directions(), width);
    return Optional.of(tensor.weights());
  }

  private void requireShape(String input, OnnxTensor tensor, int... expected) {
    if (!Arrays.equals(tensor.shape(), expected)) {
      throw node.malformed(
          "%s is %s, expected %s: %s, %s of %d units"
              .formatted(
                  input, tensor, Arrays.toString(expected), directionCount(), gateCount(), units));
    }
  }

  /** For messages. */
  String directionCount() {
    return directions() == 1 ? "1 direction" : directions() + " directions";
  }

  private String gateCount() {
    return operator.gates == 1 ? "1 gate" : operator.gates + " gates";
  }

  private static float[] part(float[] values, int index, int length) {
    return Arrays.copyOfRange(values, index * length, (index + 1) * length);
  }
}
