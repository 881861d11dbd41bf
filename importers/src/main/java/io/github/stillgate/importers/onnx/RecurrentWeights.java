package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.importers.GruOrder;
import io.github.stillgate.importers.LstmOrder;
import io.github.stillgate.importers.RecurrenceClip;
import io.github.stillgate.importers.StackedGates;
import io.github.stillgate.importers.StackedGru;
import io.github.stillgate.importers.StackedLstm;
import io.github.stillgate.importers.UpdateConvention;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Attributes, W, R, B and P of a recurrent node, of one or two directions, as a layer. */
final class RecurrentWeights {
  /** What the standard calls the inputs of a recurrent node; an RNN has no initial_c and no P. */
  static final List<String> INPUTS =
      List.of("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P");

  /** The operator set since which outputs without a name are not given. */
  private static final int OPTIONAL_OUTPUTS = 7;

  private static final int W = 1;
  private static final int R = 2;
  private static final int B = 3;
  private static final int P = 7;

  /** Which of two directions a node has. */
  private enum Direction {
    FORWARD,
    REVERSE,
    BIDIRECTIONAL
  }

  private final GraphNode node;
  private final Graph graph;
  private final RecurrentOperator operator;
  private final Direction direction;
  private final int units;
  private final int inputs;
  private final Layer layer;

  /**
   * Reads a node.
   *
   * @param budget for its weights
   * @param before what multiplies and shifts the values that it reads, taken into W and B
   * @throws OnnxFormatException if its weights or attributes do not fit
   * @throws UnsupportedOnnxException if weights are no constants, or an activation or attribute is
   *     not supported
   */
  RecurrentWeights(GraphNode node, Graph graph, Budget budget, Optional<Affine> before) {
    this.node = node;
    this.graph = graph;
    this.operator = RecurrentOperator.valueOf(node.operator());
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
    if (graph.opset() < OPTIONAL_OUTPUTS) {
      // Whether Y is given; from then on it is if it has a name.
      attributes.add("output_sequence");
    }
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
    this.layer = layer(r.weights(), before);
  }

  Layer layer() {
    return layer;
  }

  RecurrentOperator operator() {
    return operator;
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

  private Layer layer(float[] r, Optional<Affine> before) {
    float[] w = weights(W).weights();
    Optional<float[]> b = optional(B, 2 * operator.gates * units);
    if (before.isPresent()) {
      b = Optional.of(shifted(w, b, before.get()));
    }
    Optional<float[]> p =
        operator == RecurrentOperator.LSTM ? optional(P, 3 * units) : Optional.empty();
    List<List<Activation.Elementwise>> activations =
        OnnxActivations.of(node, directions(), operator.activations);
    Optional<float[]> biases = b;
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
              biases.map(values -> Arrays.copyOfRange(values, at, at + half)),
              biases.map(values -> Arrays.copyOfRange(values, at + half, at + 2 * half)));
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

  /** B, with what {@code before} adds to each sum over the input; W is scaled in place. */
  private float[] shifted(float[] w, Optional<float[]> b, Affine before) {
    int half = operator.gates * units;
    if (before.scale().length != inputs) {
      throw node.malformed(
          "W reads %d values a step, X gives %d".formatted(inputs, before.scale().length));
    }
    float[] biases = b.orElseGet(() -> new float[directions() * 2 * half]);
    for (int row = 0; row < directions() * half; row++) {
      int at = row / half * 2 * half + row % half;
      biases[at] = (float) (biases[at] + before.foldInto(w, row * inputs));
    }
    return biases;
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
                    RecurrenceClip.bounded(activations.get(1)))
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
                        RecurrenceClip.bounded(activations.get(1)),
                        activations.get(2)))
                .toLayer(name);
        case RNN -> simple(name, gates, RecurrenceClip.bounded(first));
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
    Sums sums = gates.only(name);
    return new SimpleRnn(name, sums.w(), sums.u(), sums.b(), activation);
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
          String problem = graph.folding().problem(graph.source(name));
          return node.unsupported(
              "%s (\"%s\") is %s%s; supported are constants and what is computed of them, so make it"
                      .formatted(
                          INPUTS.get(input),
                          name,
                          found,
                          problem.isEmpty() ? "" : " (%s)".formatted(problem))
                  + " an initializer");
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
