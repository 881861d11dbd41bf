package io.github.stillgate.importers.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What nodes do to each value of a step that only multiply it by a constant and add one, or that do
 * nothing when a network is run and not trained: Add, Sub, Mul, Div, BatchNormalization and
 * Dropout.
 *
 * @param scale one factor for each value
 * @param shift what is added to each after that
 */
record Affine(double[] scale, double[] shift) {
  static final List<String> OPERATORS =
      List.of("Add", "Sub", "Mul", "Div", "BatchNormalization", "Dropout");

  /** Shifts beyond it would cost digits of what they are added to, once they are in a bias. */
  private static final double LARGE = 16;

  private static final List<String> BINARY = List.of("Add", "Sub", "Mul", "Div");

  /** Whether it has two operands, of which one may be a constant. */
  static boolean isBinary(GraphNode node) {
    return BINARY.contains(node.operator());
  }

  /**
   * Which of the dimensions a node's constants run along: the one that holds the vectors.
   *
   * @throws UnsupportedOnnxException if none does
   */
  private static int along(GraphNode node, TensorLayout layout, List<TensorLayout.Axis> vector) {
    if (node.operator().equals("BatchNormalization")) {
      if (layout.rank() < 2 || !layout.dimension(1).equals(vector)) {
        throw node.unsupported(
            "normalises along the second dimension, which does not hold the values of a step;"
                + " supported is one that does");
      }
      return 1;
    }
    int at = layout.dimensions().lastIndexOf(vector);
    if (at < 0) {
      throw node.unsupported(
          "no dimension holds exactly the values of a step; supported is one that does");
    }
    return at;
  }

  /**
   * What {@code node} does.
   *
   * @param layout of the data that it reads
   * @param vector axes of the values of a step
   * @throws UnsupportedOnnxException if an operand is no constant, or is not the same at every step
   * @throws OnnxFormatException if constants do not fit
   */
  static Affine read(
      GraphNode node, Graph graph, TensorLayout layout, List<TensorLayout.Axis> vector) {
    int width = TensorLayout.size(vector);
    double[] scale = new double[width];
    double[] shift = new double[width];
    Arrays.fill(scale, 1);
    if (node.operator().equals("Dropout")) {
      requireIdle(node, graph);
      return new Affine(scale, shift);
    }
    if (node.operator().equals("BatchNormalization")) {
      requireFixed(node, graph);
    }
    int at = along(node, layout, vector);
    DenseConstants constants = new DenseConstants(graph);
    if (node.operator().equals("BatchNormalization")) {
      normalise(node, graph, width, scale, shift);
      return new Affine(scale, shift);
    }
    node.requireAttributes();
    int side = GraphPath.dataSide(node, graph);
    float[] operand =
        constants.operand(node, node.input(1 - side), width, layout.rank(), layout.rank() - at);
    for (int i = 0; i < width; i++) {
      switch (node.operator()) {
        case "Add" -> shift[i] = operand[i];
        case "Sub" -> {
          scale[i] = side == 0 ? 1 : -1;
          shift[i] = side == 0 ? -operand[i] : operand[i];
        }
        case "Mul" -> scale[i] = operand[i];
        default -> scale[i] = 1 / divisor(node, side, operand[i]);
      }
    }
    return new Affine(scale, shift);
  }

  /** This and then {@code next}. */
  Affine then(Affine next) {
    double[] scales = new double[scale.length];
    double[] shifts = new double[scale.length];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = scale[i] * next.scale[i];
      shifts[i] = shift[i] * next.scale[i] + next.shift[i];
    }
    return new Affine(scales, shifts);
  }

  /**
   * Whether the shift has to stay an addition of its own in front of a product. In the product's
   * bias it would have to cancel against sums as large as itself: of a pressure of 101,325 less its
   * mean little would be left.
   */
  boolean isLarge() {
    return Arrays.stream(shift).anyMatch(s -> Math.abs(s) > LARGE);
  }

  /** What is added before the scale to the same effect; empty if a scale is 0. */
  Optional<Affine> shiftBefore() {
    double[] ones = new double[scale.length];
    double[] before = new double[scale.length];
    for (int i = 0; i < before.length; i++) {
      ones[i] = 1;
      before[i] = shift[i] / scale[i];
      if (!Double.isFinite(before[i])) {
        return Optional.empty();
      }
    }
    return Optional.of(new Affine(ones, before));
  }

  /** The scale alone. */
  Affine scaleOnly() {
    return new Affine(scale, new double[scale.length]);
  }

  /**
   * Takes this into a product that reads what it gives.
   *
   * @param w outputs x values, row-major; scaled in place
   * @param at where the first row begins
   * @return what is added to the sum of that output
   */
  double foldInto(float[] w, int at) {
    double bias = 0;
    for (int i = 0; i < scale.length; i++) {
      bias += w[at + i] * shift[i];
      if (scale[i] != 1) {
        w[at + i] = (float) (w[at + i] * scale[i]);
      }
    }
    return bias;
  }

  private static double divisor(GraphNode node, int side, float operand) {
    if (side == 1) {
      throw node.unsupported("divides a constant by what was computed; supported is the reverse");
    }
    if (operand == 0) {
      throw node.malformed("divides by 0");
    }
    return operand;
  }

  /** Refuses a Dropout that drops anything. */
  static void requireIdle(GraphNode node, Graph graph) {
    node.requireAttributes("ratio", "is_test", "seed", "consumed_inputs");
    boolean trains =
        graph.opset() < 7 && !node.flag("is_test")
            || !node.input(2).isEmpty()
                && graph
                    .constant(node, node.input(2))
                    .map(mode -> mode.data() instanceof TensorData.Integers(long[] v) && v[0] != 0)
                    .orElse(true);
    if (trains) {
      throw node.unsupported("drops values at random, as in training; export it for inference");
    }
  }

  /** Refuses a BatchNormalization that normalises by what it reads. */
  static void requireFixed(GraphNode node, Graph graph) {
    node.requireAttributes(
        "epsilon", "momentum", "spatial", "training_mode", "is_test", "consumed_inputs");
    if (node.flag("training_mode")
        || graph.opset() < 7 && !node.flag("is_test")
        || node.integer("spatial", 1) != 1) {
      throw node.unsupported(
          "normalises by what it reads, as in training; export it for inference");
    }
  }

  private static void normalise(
      GraphNode node, Graph graph, int width, double[] scale, double[] shift) {
    DenseConstants constants = new DenseConstants(graph);
    List<float[]> read = new ArrayList<>();
    for (int i = 1; i <= 4; i++) {
      read.add(constants.operand(node, node.input(i), width, 1, 1));
    }
    float epsilon = node.number("epsilon", 1e-5f);
    for (int i = 0; i < width; i++) {
      double deviation = Math.sqrt((double) read.get(3)[i] + epsilon);
      if (!(deviation > 0)) {
        throw node.malformed("variance %d is %s".formatted(i, read.get(3)[i]));
      }
      scale[i] = read.get(0)[i] / deviation;
      shift[i] = read.get(1)[i] - scale[i] * read.get(2)[i];
    }
  }
}
