package io.github.stillgate.importers.onnx;

import static io.github.stillgate.core.model.Activation.LINEAR;

import io.github.stillgate.core.model.Activation.Elementwise;
import io.github.stillgate.core.model.Activation.Function;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Normalise;
import io.github.stillgate.core.model.Reduction;
import io.github.stillgate.core.model.Softmax;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/** Nodes of a graph that compute with whole rows of values: reductions, softmax, normalisation. */
final class RowNodes {
  static final Set<String> OPERATORS =
      Set.of(
          "BatchNormalization",
          "GlobalAveragePool",
          "GlobalMaxPool",
          "GroupNormalization",
          "InstanceNormalization",
          "LayerNormalization",
          "LogSoftmax",
          "ReduceL1",
          "ReduceL2",
          "ReduceMax",
          "ReduceMean",
          "ReduceMin",
          "ReduceSum",
          "ReduceSumSquare",
          "Softmax");

  /** The operator set from which a group normalisation scales channels, not groups. */
  private static final int SCALES_OF_CHANNELS = 21;

  private final GraphNode node;
  private final Lowering lowering;
  private final Elements x;

  private RowNodes(GraphNode node, Lowering lowering) {
    this.node = node;
    this.lowering = lowering;
    this.x = lowering.read(node, 0);
  }

  static void lower(GraphNode node, Lowering lowering) {
    RowNodes read = new RowNodes(node, lowering);
    switch (node.operator()) {
      case "BatchNormalization" -> read.batchNormalization();
      case "GlobalAveragePool", "GlobalMaxPool" -> read.pool();
      case "GroupNormalization" -> read.groupNormalization();
      case "InstanceNormalization" -> read.instanceNormalization();
      case "LayerNormalization" -> read.layerNormalization();
      case "Softmax", "LogSoftmax" -> read.softmax();
      default -> read.reduction();
    }
  }

  private int axis(long axis) {
    long at = axis < 0 ? axis + x.rank() : axis;
    if (at < 0 || at >= x.rank()) {
      throw node.malformed("axis is %d of %d dimensions".formatted(axis, x.rank()));
    }
    return (int) at;
  }

  private long[] reduced(long[] rows, int columns, Reduction.Kind kind) {
    int count = rows.length / columns;
    return lowering.layer(node, count, name -> new Reduction(name, count, columns, kind), rows);
  }

  private void reduction() {
    node.requireAttributes("axes", "keepdims", "noop_with_empty_axes");
    Optional<long[]> listed = node.integers("axes");
    if (listed.isEmpty() && !node.input(1).isEmpty()) {
      listed = Optional.of(lowering.requireConstant(node, node.input(1), "axes").integers());
    }
    boolean[] gone = new boolean[x.rank()];
    Arrays.fill(gone, listed.isEmpty() && !node.flag("noop_with_empty_axes"));
    for (long each : listed.orElse(new long[0])) {
      gone[axis(each)] = true;
    }
    int[] order = new int[x.rank()];
    int kept = 0;
    for (int pass = 0; pass < 2; pass++) {
      for (int i = 0; i < gone.length; i++) {
        if (gone[i] == (pass == 1)) {
          order[kept++] = i;
        }
      }
    }
    int columns = 1;
    for (int i = 0; i < gone.length; i++) {
      columns *= gone[i] ? x.shape()[i] : 1;
    }
    Elements turned = x.transposed(order);
    Elements rows =
        switch (node.operator()) {
          case "ReduceL1" -> lowering.function(node, turned, plain(Function.ABS));
          case "ReduceL2", "ReduceSumSquare" -> combined(Combine.Kind.MULTIPLY, turned, turned);
          default -> turned;
        };
    Reduction.Kind kind =
        switch (node.operator()) {
          case "ReduceMean" -> Reduction.Kind.MEAN;
          case "ReduceMax" -> Reduction.Kind.MAXIMUM;
          case "ReduceMin" -> Reduction.Kind.MINIMUM;
          default -> Reduction.Kind.SUM;
        };
    boolean keeps = node.integer("keepdims", 1) == 1;
    int[] shape =
        IntStream.range(0, gone.length)
            .filter(i -> keeps || !gone[i])
            .map(i -> gone[i] ? 1 : x.shape()[i])
            .toArray();
    long[] values =
        columns == 1 && kind != Reduction.Kind.SUM
            ? rows.numbers()
            : reduced(rows.numbers(), columns, kind);
    Elements result = new Elements(shape, values);
    lowering.give(
        node,
        0,
        node.operator().equals("ReduceL2")
            ? lowering.function(node, result, plain(Function.SQRT))
            : result);
  }

  private static Elementwise plain(Function function) {
    return LINEAR.then(function, 0, 0);
  }

  private Elements combined(Combine.Kind kind, Elements a, Elements b) {
    return lowering.combined(node, kind, a, b);
  }

  private void pool() {
    node.requireAttributes();
    int columns = x.size(2, x.rank());
    int[] shape = new int[x.rank()];
    Arrays.fill(shape, 1);
    shape[0] = x.shape()[0];
    shape[1] = x.shape()[1];
    Reduction.Kind kind =
        node.operator().equals("GlobalMaxPool") ? Reduction.Kind.MAXIMUM : Reduction.Kind.MEAN;
    lowering.give(node, 0, new Elements(shape, reduced(x.numbers(), columns, kind)));
  }

  /** Before operator set 13 all axes from one on together are what is normalised. */
  private void softmax() {
    node.requireAttributes("axis");
    boolean one = lowering.graph().opset() >= SequenceAxes.SOFTMAX_OF_ONE_AXIS;
    int axis = axis(node.integer("axis", one ? -1 : 1));
    int[] order = one ? x.orderWithLast(axis) : IntStream.range(0, x.rank()).toArray();
    Elements turned = x.transposed(order);
    int columns = one ? x.shape()[axis] : x.size(axis, x.rank());
    Elements rows = turned.reshaped(turned.size() / columns, columns);
    Elements result = node.operator().equals("Softmax") ? softmax(rows) : logarithm(rows);
    lowering.give(node, 0, result.reshaped(turned.shape()).transposed(Elements.inverse(order)));
  }

  private Elements softmax(Elements rows) {
    int count = rows.shape()[0];
    int columns = rows.shape()[1];
    return new Elements(
        rows.shape(),
        lowering.layer(
            node, rows.size(), name -> new Softmax(name, count, columns), rows.numbers()));
  }

  /** {@code v - max - log(sum exp(v - max))}, which keeps what a softmax would round to 0. */
  private Elements logarithm(Elements rows) {
    int count = rows.shape()[0];
    int columns = rows.shape()[1];
    Elements largest =
        new Elements(
            new int[] {count, 1}, reduced(rows.numbers(), columns, Reduction.Kind.MAXIMUM));
    Elements below = combined(Combine.Kind.SUBTRACT, rows, largest.stretched(rows.shape()));
    Elements powers = lowering.function(node, below, plain(Function.EXP));
    Elements sums =
        new Elements(new int[] {count, 1}, reduced(powers.numbers(), columns, Reduction.Kind.SUM));
    Elements logarithms = lowering.function(node, sums, plain(Function.LOG));
    return combined(Combine.Kind.SUBTRACT, below, logarithms.stretched(rows.shape()));
  }

  private Elements normalised(int columns) {
    int count = x.size() / columns;
    float epsilon = node.number("epsilon", 1e-5f);
    return new Elements(
        x.shape(),
        lowering.layer(
            node, x.size(), name -> new Normalise(name, count, columns, epsilon), x.numbers()));
  }

  private void layerNormalization() {
    node.requireAttributes("axis", "epsilon", "stash_type");
    if (!node.output(1).isEmpty() || !node.output(2).isEmpty()) {
      throw node.unsupported("gives mean or deviation too; supported is the normalised value");
    }
    int axis = axis(node.integer("axis", -1));
    Elements rows = normalised(x.size(axis, x.rank()));
    scaled(rows, factors(1, 1), factors(2, 0));
  }

  private void instanceNormalization() {
    node.requireAttributes("epsilon");
    Elements rows = normalised(x.size(2, x.rank()));
    scaled(rows, channels(1), channels(2));
  }

  /**
   * Before operator set 21 scale and shift are one for each group, from then on for each channel.
   */
  private void groupNormalization() {
    node.requireAttributes("epsilon", "num_groups", "stash_type");
    if (x.rank() < 2) {
      throw node.malformed("X has %d dimensions, expected 2 or more".formatted(x.rank()));
    }
    int channels = x.shape()[1];
    long groups = node.integer("num_groups", 0);
    if (groups < 1 || groups > channels || channels % groups != 0) {
      throw node.malformed("num_groups is %d of %d channels".formatted(groups, channels));
    }
    Elements rows = normalised(x.size(1, x.rank()) / (int) groups);
    int scales = lowering.graph().opset() < SCALES_OF_CHANNELS ? (int) groups : channels;
    scaled(rows, parts(1, scales), parts(2, scales));
  }

  /** A constant stretched to the shape of x; {@code otherwise} if it is left out. */
  private float[] factors(int input, float otherwise) {
    if (node.input(input).isEmpty()) {
      float[] same = new float[x.size()];
      Arrays.fill(same, otherwise);
      return same;
    }
    return lowering.stretched(
        node,
        lowering.requireConstant(node, node.input(input), input == 1 ? "its scale" : "its shift"),
        x.shape());
  }

  /** A constant for each channel, the second dimension. */
  private float[] channels(int input) {
    return parts(input, x.shape()[1]);
  }

  /** A constant for each of so many equal parts of the channels. */
  private float[] parts(int input, int count) {
    float[] each =
        lowering.stretched(
            node, lowering.requireConstant(node, node.input(input), "a constant"), count);
    int inner = x.size(1, x.rank()) / count;
    float[] all = new float[x.size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = each[i / inner % each.length];
    }
    return all;
  }

  private void scaled(Elements rows, float[] scale, float[] shift) {
    double[] scales = new double[scale.length];
    double[] shifts = new double[scale.length];
    Arrays.setAll(scales, i -> scale[i]);
    Arrays.setAll(shifts, i -> shift[i]);
    lowering.affine(node, "", rows, scales, shifts);
  }

  private void batchNormalization() {
    Affine.requireFixed(node, lowering.graph());
    if (x.rank() < 2) {
      throw node.malformed("X has %d dimensions, expected 2 or more".formatted(x.rank()));
    }
    float[] scale = channels(1);
    float[] shift = channels(2);
    float[] mean = channels(3);
    float[] variance = channels(4);
    float epsilon = node.number("epsilon", 1e-5f);
    double[] scales = new double[x.size()];
    double[] shifts = new double[x.size()];
    for (int i = 0; i < scales.length; i++) {
      double deviation = Math.sqrt((double) variance[i] + epsilon);
      if (!(deviation > 0)) {
        throw node.malformed("a variance is %s".formatted(variance[i]));
      }
      scales[i] = scale[i] / deviation;
      shifts[i] = shift[i] - scales[i] * mean[i];
    }
    lowering.affine(node, node.input(0), x, scales, shifts);
  }
}
