package io.github.stillgate.importers.onnx;

import static io.github.stillgate.core.model.Activation.LINEAR;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Activation.Function;
import io.github.stillgate.core.model.Combine.Kind;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;

/** Nodes of a graph that compute each value from values at the same place. */
final class ArithmeticNodes {
  static final Set<String> FUNCTIONS =
      Set.of(
          "Abs",
          "Celu",
          "Ceil",
          "Clip",
          "Elu",
          "Erf",
          "Exp",
          "Floor",
          "Gelu",
          "HardSigmoid",
          "HardSwish",
          "LeakyRelu",
          "Log",
          "Mish",
          "Neg",
          "QuickGelu",
          "Reciprocal",
          "Relu",
          "Selu",
          "Sigmoid",
          "Softplus",
          "Softsign",
          "Sqrt",
          "Swish",
          "Tanh",
          "ThresholdedRelu");

  static final Set<String> OPERATIONS =
      Set.of("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean", "PRelu");

  private static final float SQRT_2_OVER_PI = 0.7978845608f;

  private final GraphNode node;
  private final Lowering lowering;

  private ArithmeticNodes(GraphNode node, Lowering lowering) {
    this.node = node;
    this.lowering = lowering;
  }

  static void lower(GraphNode node, Lowering lowering) {
    ArithmeticNodes read = new ArithmeticNodes(node, lowering);
    try {
      if (FUNCTIONS.contains(node.operator())) {
        read.function();
      } else {
        read.operation();
      }
    } catch (IllegalArgumentException e) {
      throw node.malformed(String.valueOf(e.getMessage()));
    }
  }

  private static Activation.Elementwise plain(Function function) {
    return LINEAR.then(function, 0, 0);
  }

  private static Activation.Elementwise scaled(float scale) {
    return LINEAR.then(Function.AFFINE, scale, 0);
  }

  private void function() {
    switch (node.operator()) {
      case "Abs" -> simple(Function.ABS);
      case "Floor" -> simple(Function.FLOOR);
      case "Exp" -> simple(Function.EXP);
      case "Log" -> simple(Function.LOG);
      case "Sqrt" -> simple(Function.SQRT);
      case "Reciprocal" -> simple(Function.RECIPROCAL);
      case "Erf" -> simple(Function.ERF);
      case "Softplus" -> simple(Function.SOFTPLUS);
      case "Neg" -> apply(scaled(-1));
      case "Ceil" -> apply(scaled(-1).then(plain(Function.FLOOR)).then(scaled(-1)));
      case "Gelu" -> gelu();
      case "Swish", "QuickGelu" -> gated(LINEAR.then(sigmoid(alpha())));
      case "HardSwish" -> gated(Activation.hardSigmoid(1 / 6f, 0.5f));
      case "Mish" -> gated(plain(Function.SOFTPLUS).then(Activation.TANH));
      case "Selu" -> {
        node.requireAttributes("alpha", "gamma");
        float gamma = node.number("gamma", 1.05070102214813232421875f);
        apply(
            OnnxActivations.elu(node.number("alpha", 1.67326319217681884765625f))
                .then(scaled(gamma)));
      }
      case "Celu" -> {
        node.requireAttributes("alpha");
        float alpha = node.number("alpha", 1);
        apply(scaled(1 / alpha).then(OnnxActivations.elu(1)).then(scaled(alpha)));
      }
      default -> apply(ElementwiseNode.read(node, lowering.graph()));
    }
  }

  private float alpha() {
    node.requireAttributes("alpha");
    return node.number("alpha", node.operator().equals("Swish") ? 1 : 1.702f);
  }

  private static Activation.Elementwise sigmoid(float alpha) {
    return alpha == 1 ? Activation.SIGMOID : scaled(alpha).then(Activation.SIGMOID);
  }

  private void simple(Function function) {
    node.requireAttributes();
    apply(plain(function));
  }

  private void apply(Activation.Elementwise function) {
    lowering.function(node, function);
  }

  private void gelu() {
    node.requireAttributes("approximate");
    switch (node.text("approximate", "none")) {
      case "none" -> apply(plain(Function.GELU));
      case "tanh" -> {
        Elements x = lowering.read(node, 0);
        Elements square = combined(Kind.MULTIPLY, x, x);
        Elements bend = lowering.function(node, square, LINEAR.then(Function.AFFINE, 0.044715f, 1));
        Elements inner = combined(Kind.MULTIPLY, x, bend);
        Activation.Elementwise gate =
            scaled(SQRT_2_OVER_PI).then(Activation.TANH).then(Function.AFFINE, 0.5f, 0.5f);
        lowering.give(node, 0, combined(Kind.MULTIPLY, x, lowering.function(node, inner, gate)));
      }
      default ->
          throw node.malformed(
              "attribute approximate is \"%s\", expected none or tanh"
                  .formatted(node.text("approximate", "")));
    }
  }

  /** {@code x g(x)}. */
  private void gated(Activation.Elementwise gate) {
    Elements x = lowering.read(node, 0);
    lowering.give(node, 0, combined(Kind.MULTIPLY, x, lowering.function(node, x, gate)));
  }

  private Elements combined(Kind kind, Elements a, Elements b) {
    return lowering.combined(node, kind, a, b);
  }

  private void operation() {
    node.requireAttributes();
    int count = node.proto().getInputCount();
    boolean two = !Set.of("Min", "Max", "Sum", "Mean").contains(node.operator());
    if (count < 1 || two && count != 2) {
      throw node.malformed("%d operands".formatted(count));
    }
    if (count == 2 && withConstant()) {
      return;
    }
    Elements result = lowering.read(node, 0);
    for (int i = 1; i < count; i++) {
      result = combined(kind(), result, lowering.read(node, i));
    }
    if (node.operator().equals("Mean")) {
      result = lowering.function(node, result, scaled(1f / count));
    }
    lowering.give(node, 0, result);
  }

  private Kind kind() {
    return switch (node.operator()) {
      case "Add", "Sum", "Mean" -> Kind.ADD;
      case "Sub" -> Kind.SUBTRACT;
      case "Mul" -> Kind.MULTIPLY;
      case "Div" -> Kind.DIVIDE;
      case "Pow" -> Kind.POWER;
      case "Min" -> Kind.MINIMUM;
      case "Max" -> Kind.MAXIMUM;
      default -> Kind.LEAK;
    };
  }

  /** A constant operand that is a scale, a shift or a power. */
  private boolean withConstant() {
    int data = lowering.isConstant(node.input(0)) ? 1 : 0;
    Optional<OnnxTensor> constant = lowering.constant(node, node.input(1 - data));
    if (constant.isEmpty()) {
      return false;
    }
    Elements x = lowering.read(node, data);
    int[] shape = Elements.common(node, x.shape(), constant.get().shape());
    if (node.operator().equals("Pow")) {
      return data == 0 && power(x, constant.get());
    }
    if (node.operator().equals("PRelu")) {
      return data == 0 && leak(constant.get());
    }
    if (Arrays.stream(shape).reduce(1, (a, b) -> a * b) != x.size()) {
      return false;
    }
    float[] operand = lowering.stretched(node, constant.get(), shape);
    double[] scale = new double[operand.length];
    double[] shift = new double[operand.length];
    Arrays.fill(scale, 1);
    for (int i = 0; i < operand.length; i++) {
      switch (node.operator()) {
        case "Add", "Sum" -> shift[i] = operand[i];
        case "Sub" -> {
          scale[i] = data == 0 ? 1 : -1;
          shift[i] = data == 0 ? -operand[i] : operand[i];
        }
        case "Mul" -> scale[i] = operand[i];
        case "Div" -> {
          if (data == 1) {
            return false;
          }
          if (operand[i] == 0) {
            throw node.malformed("divides by 0");
          }
          scale[i] = 1.0 / operand[i];
        }
        default -> {
          return false;
        }
      }
    }
    lowering.affine(node, node.input(data), x.reshaped(shape), scale, shift);
    return true;
  }

  private boolean power(Elements x, OnnxTensor exponent) {
    float value = scalar(exponent);
    if (Float.isNaN(value)) {
      return false;
    }
    if (value == 2) {
      lowering.give(node, 0, combined(Kind.MULTIPLY, x, x));
    } else if (value == 0.5f) {
      apply(plain(Function.SQRT));
    } else {
      apply(LINEAR.then(Function.POWER, value, 0));
    }
    return true;
  }

  private boolean leak(OnnxTensor slope) {
    float value = scalar(slope);
    if (Float.isNaN(value)) {
      return false;
    }
    apply(OnnxActivations.leakyRelu(value));
    return true;
  }

  /** The only number of a tensor; NaN if it has several. */
  private static float scalar(OnnxTensor tensor) {
    if (tensor.size() != 1) {
      return Float.NaN;
    }
    return switch (tensor.data()) {
      case TensorData.Floats(float[] values) -> values[0];
      case TensorData.Integers(long[] values) -> values[0];
      case TensorData.Extents _ -> Float.NaN;
    };
  }
}
