package io.github.stillgate.importers.onnx;

import static io.github.stillgate.core.model.Activation.LINEAR;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Activation.Function;
import io.github.stillgate.core.model.Combine.Kind;
import io.github.stillgate.importers.onnx.Known.Type;
import java.util.Optional;
import java.util.Set;

/**
 * Nodes of a graph that compare values and choose between them. A truth value is 1 or 0, and the
 * sign of a number is the number over its magnitude, 0 of 0: exact in float32, since a difference
 * is 0 of equal numbers alone. A choice is {@code c a + (1 - c) b}, of finite values exact but for
 * the sign of a zero.
 */
final class LogicNodes {
  static final Set<String> OPERATORS =
      Set.of(
          "And",
          "Equal",
          "Greater",
          "GreaterOrEqual",
          "Less",
          "LessOrEqual",
          "Not",
          "Or",
          "Sign",
          "Where",
          "Xor");

  private static final Activation.Elementwise OPPOSITE = LINEAR.then(Function.AFFINE, -1, 1);
  private static final Activation.Elementwise MAGNITUDE = LINEAR.then(Function.ABS, 0, 0);

  private final GraphNode node;
  private final Lowering lowering;

  private LogicNodes(GraphNode node, Lowering lowering) {
    this.node = node;
    this.lowering = lowering;
  }

  static void lower(GraphNode node, Lowering lowering) {
    node.requireAttributes();
    LogicNodes read = new LogicNodes(node, lowering);
    lowering.give(node, 0, read.result());
  }

  /** Whether a value differs from 0, for a Cast. */
  static void isNotZero(GraphNode node, Lowering lowering) {
    LogicNodes read = new LogicNodes(node, lowering);
    lowering.give(node, 0, read.function(read.sign(lowering.read(node, 0)), MAGNITUDE));
  }

  private Elements result() {
    return switch (node.operator()) {
      case "Sign" -> sign(operand(0));
      case "Not" -> function(operand(0), OPPOSITE);
      case "And" -> combined(Kind.MINIMUM, operand(0), operand(1));
      case "Or" -> combined(Kind.MAXIMUM, operand(0), operand(1));
      case "Xor" -> function(difference(0, 1), MAGNITUDE);
      case "Greater" -> isAbove(0, 1);
      case "Less" -> isAbove(1, 0);
      case "GreaterOrEqual" -> function(isAbove(1, 0), OPPOSITE);
      case "LessOrEqual" -> function(isAbove(0, 1), OPPOSITE);
      case "Equal" -> function(function(sign(difference(0, 1)), MAGNITUDE), OPPOSITE);
      default -> choice();
    };
  }

  private Elements operand(int input) {
    return lowering.read(node, input);
  }

  private Elements difference(int a, int b) {
    return combined(Kind.SUBTRACT, operand(a), operand(b));
  }

  private Elements isAbove(int a, int b) {
    return function(sign(difference(a, b)), Activation.RELU);
  }

  private Elements sign(Elements x) {
    return combined(Kind.DIVIDE, x, function(x, MAGNITUDE));
  }

  private Elements choice() {
    Elements yes = operand(1);
    Elements no = operand(2);
    Optional<OnnxTensor> known = lowering.constant(node, node.input(0));
    if (known.isPresent()) {
      return chosen(known.get(), yes, no);
    }
    Elements c = operand(0);
    return combined(
        Kind.ADD,
        combined(Kind.MULTIPLY, c, yes),
        combined(Kind.MULTIPLY, function(c, OPPOSITE), no));
  }

  /** With a condition of the file it is known which elements these are. */
  private Elements chosen(OnnxTensor condition, Elements yes, Elements no) {
    if (!(condition.data() instanceof TensorData.Integers(long[] truth))) {
      throw node.malformed("its condition is %s, expected truth values".formatted(condition));
    }
    Elements c = new Elements(condition.shape(), truth);
    int[] shape = Elements.common(node, Elements.common(node, c.shape(), yes.shape()), no.shape());
    long[] which = c.stretched(shape).numbers();
    long[] from = yes.stretched(shape).numbers();
    long[] otherwise = no.stretched(shape).numbers();
    long[] numbers = new long[which.length];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = which[i] == 0 ? otherwise[i] : from[i];
    }
    return new Elements(shape, numbers);
  }

  private Elements function(Elements x, Activation.Elementwise function) {
    return lowering.function(node, x, function);
  }

  private Elements combined(Kind kind, Elements a, Elements b) {
    return lowering.combined(node, kind, a, b);
  }

  /** Whether a Cast gives truth values. */
  static boolean isToTruth(GraphNode node) {
    return Folding.typeOf((int) node.integer("to", 1)) == Type.BOOLEAN;
  }
}
