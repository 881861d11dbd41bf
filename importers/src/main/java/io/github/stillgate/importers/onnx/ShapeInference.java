package io.github.stillgate.importers.onnx;

import io.github.stillgate.importers.onnx.Known.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Shapes of what nodes give that a run computes, as far as they follow from what is known. */
final class ShapeInference {
  /** One output, of the shape of the first input. */
  private static final Set<String> SAME =
      Set.of(
          "BatchNormalization",
          "Celu",
          "Clip",
          "Dropout",
          "Elu",
          "Erf",
          "Exp",
          "Gelu",
          "GroupNormalization",
          "HardSigmoid",
          "HardSwish",
          "Hardmax",
          "InstanceNormalization",
          "LayerNormalization",
          "LeakyRelu",
          "Log",
          "LogSoftmax",
          "LpNormalization",
          "Mish",
          "PRelu",
          "QuickGelu",
          "Relu",
          "Selu",
          "Sigmoid",
          "Softmax",
          "Softplus",
          "Softsign",
          "Sin",
          "Cos",
          "Swish",
          "Tanh",
          "ThresholdedRelu");

  private final GraphNode node;
  private final List<Known> inputs;

  private ShapeInference(GraphNode node, List<Known> inputs) {
    this.node = node;
    this.inputs = inputs;
  }

  /**
   * Shapes of what a node gives.
   *
   * @throws NotFoldedException if they do not follow
   */
  static List<Known> apply(GraphNode node, List<Known> inputs, Work work) {
    ShapeInference inference = new ShapeInference(node, inputs);
    String operator = node.operator();
    if (SAME.contains(operator)) {
      return List.of(Known.ofShape(inference.input(0).type(), inference.input(0).requireShape()));
    }
    return switch (operator) {
      case "GRU", "LSTM", "RNN" -> inference.recurrent(work);
      case "MatMul" -> List.of(inference.matMul(work));
      case "Gemm" -> List.of(inference.gemm());
      case "Conv" -> List.of(inference.convolution(work));
      case "ConvTranspose" -> List.of(inference.transposedConvolution(work));
      case "AveragePool", "MaxPool" -> List.of(inference.pool(work));
      case "GlobalAveragePool", "GlobalMaxPool" -> List.of(inference.wholePool());
      case "Pad" ->
          List.of(
              Known.ofShape(
                  inference.input(0).type(),
                  Padding.of(node, inputs).shape(inference.input(0).requireShape(), work)));
      case "Sum", "Mean" -> List.of(inference.broadcast(work));
      case "ReduceMean",
          "ReduceSum",
          "ReduceMax",
          "ReduceMin",
          "ReduceProd",
          "ReduceL1",
          "ReduceL2",
          "ReduceSumSquare" ->
          List.of(inference.reduction());
      default -> throw new NotFoldedException("");
    };
  }

  private Known input(int i) {
    if (i >= inputs.size()) {
      throw new NotFoldedException("it has no input %d".formatted(i));
    }
    return inputs.get(i);
  }

  private static Known floats(List<Extent> shape) {
    return Known.ofShape(Type.FLOAT, shape);
  }

  /** Directions and units are those of the weights, whatever is known of the data. */
  private List<Known> recurrent(Work work) {
    List<Extent> x =
        input(0).sizes().orElseGet(() -> List.of(work.open(), work.open(), work.open()));
    List<Extent> r = input(2).requireShape();
    if (x.size() != 3 || r.size() != 3) {
      throw new NotFoldedException("X or R has not three sizes");
    }
    boolean batchFirst = node.flag("layout");
    Extent steps = x.get(batchFirst ? 1 : 0);
    Extent batch = x.get(batchFirst ? 0 : 1);
    Extent directions = r.get(0);
    Extent units = r.get(2);
    Known state =
        floats(batchFirst ? List.of(batch, directions, units) : List.of(directions, batch, units));
    return List.of(
        floats(
            batchFirst
                ? List.of(batch, steps, directions, units)
                : List.of(steps, directions, batch, units)),
        state,
        state);
  }

  private Known matMul(Work work) {
    List<Extent> a = input(0).requireShape();
    List<Extent> b = input(1).requireShape();
    if (a.size() < 2 || b.size() < 2) {
      throw new NotFoldedException("it multiplies vectors");
    }
    List<Extent> shape =
        new ArrayList<>(work.broadcast(a.subList(0, a.size() - 2), b.subList(0, b.size() - 2)));
    shape.add(a.get(a.size() - 2));
    shape.add(b.getLast());
    return floats(shape);
  }

  private Known gemm() {
    List<Extent> a = input(0).requireShape();
    List<Extent> b = input(1).requireShape();
    if (a.size() != 2 || b.size() != 2) {
      throw new NotFoldedException("it multiplies what are no matrices");
    }
    return floats(List.of(a.get(node.flag("transA") ? 1 : 0), b.get(node.flag("transB") ? 0 : 1)));
  }

  private Known broadcast(Work work) {
    List<Extent> shape = input(0).requireShape();
    for (Known next : inputs.subList(1, inputs.size())) {
      shape = work.broadcast(shape, next.requireShape());
    }
    return floats(shape);
  }

  private Known convolution(Work work) {
    List<Extent> x = input(0).requireShape();
    List<Extent> w = input(1).requireShape();
    if (x.size() != w.size() || x.size() < 3) {
      throw new NotFoldedException("X or W has other sizes");
    }
    return windows(x, w.get(0), w.subList(2, w.size()), work);
  }

  private Known pool(Work work) {
    List<Extent> x = input(0).requireShape();
    long[] kernel =
        node.integers("kernel_shape").orElseThrow(() -> new NotFoldedException("no kernel_shape"));
    if (x.size() != kernel.length + 2 || node.flag("ceil_mode")) {
      throw new NotFoldedException("its kernel does not fit, or it rounds up");
    }
    return windows(x, x.get(1), Extent.all(kernel), work);
  }

  private Known wholePool() {
    List<Extent> x = input(0).requireShape();
    List<Extent> shape = new ArrayList<>(Collections.nCopies(x.size(), Extent.ONE));
    for (int i = 0; i < Math.min(2, x.size()); i++) {
      shape.set(i, x.get(i));
    }
    return floats(shape);
  }

  private Known windows(List<Extent> x, Extent channels, List<Extent> kernel, Work work) {
    int spatial = x.size() - 2;
    String padding = node.text("auto_pad", "NOTSET");
    long[] strides = each("strides", spatial, 1);
    long[] dilations = each("dilations", spatial, 1);
    long[] pads = each("pads", 2 * spatial, 0);
    boolean same = padding.startsWith("SAME_");
    if (!same && !padding.equals("NOTSET") && !padding.equals("VALID")) {
      throw new NotFoldedException("its padding is not followed");
    }
    List<Extent> shape = new ArrayList<>(List.of(x.get(0), channels));
    for (int i = 0; i < spatial; i++) {
      Extent size = x.get(i + 2);
      Extent width = kernel.get(i);
      if (width.is(1) && strides[i] == 1 && pads[i] == 0 && pads[spatial + i] == 0) {
        shape.add(size);
      } else if (!size.isKnown() || !width.isKnown() || strides[i] < 1) {
        shape.add(work.open());
      } else if (same) {
        shape.add(Extent.of(Math.ceilDiv(size.factor(), strides[i])));
      } else {
        long reach = Math.addExact(Math.multiplyExact(dilations[i], width.factor() - 1), 1);
        long room =
            Math.subtractExact(
                Math.addExact(size.factor(), Math.addExact(pads[i], pads[spatial + i])), reach);
        if (room < 0) {
          throw new NotFoldedException("its kernel is wider than its input");
        }
        shape.add(Extent.of(room / strides[i] + 1));
      }
    }
    return floats(shape);
  }

  private long[] each(String attribute, int count, long otherwise) {
    long[] values =
        node.integers(attribute)
            .orElseGet(() -> {
              long[] same = new long[count];
              Arrays.fill(same, otherwise);
              return same;
            });
    if (values.length != count) {
      throw new NotFoldedException("attribute %s does not fit".formatted(attribute));
    }
    return values;
  }

  private Known transposedConvolution(Work work) {
    List<Extent> x = input(0).requireShape();
    List<Extent> w = input(1).requireShape();
    if (x.size() != w.size() || x.size() < 3 || !node.text("auto_pad", "NOTSET").equals("NOTSET")) {
      throw new NotFoldedException("X or W has other sizes, or its padding is not followed");
    }
    int spatial = x.size() - 2;
    long[] strides = each("strides", spatial, 1);
    long[] dilations = each("dilations", spatial, 1);
    long[] pads = each("pads", 2 * spatial, 0);
    long[] more = each("output_padding", spatial, 0);
    Extent channels =
        w.get(1)
            .times(Extent.of(node.integer("group", 1)))
            .orElseThrow(() -> new NotFoldedException("open channels"));
    List<Extent> shape = new ArrayList<>(List.of(x.get(0), channels));
    for (int i = 0; i < spatial; i++) {
      Extent size = x.get(i + 2);
      Extent width = w.get(i + 2);
      boolean bare = pads[i] == 0 && pads[spatial + i] == 0 && more[i] == 0;
      if (width.is(1) && strides[i] == 1 && bare) {
        shape.add(size);
      } else if (size.isKnown() && width.isKnown()) {
        long reach = Math.addExact(Math.multiplyExact(dilations[i], width.factor() - 1), 1);
        long given = Math.multiplyExact(strides[i], size.factor() - 1) + more[i] + reach;
        shape.add(Extent.of(given - pads[i] - pads[spatial + i]));
      } else {
        shape.add(work.open());
      }
    }
    return floats(shape);
  }

  private Known reduction() {
    List<Extent> shape = input(0).requireShape();
    int rank = shape.size();
    Optional<long[]> listed = node.integers("axes");
    if (listed.isEmpty() && !node.input(1).isEmpty()) {
      listed = Optional.of(input(1).requireIntegers());
    }
    if (node.flag("noop_with_empty_axes") && listed.map(axes -> axes.length == 0).orElse(true)) {
      return floats(shape);
    }
    boolean[] gone = new boolean[rank];
    Arrays.fill(gone, listed.map(axes -> axes.length == 0).orElse(true));
    for (long axis : listed.orElse(new long[0])) {
      long at = axis < 0 ? axis + rank : axis;
      if (at < 0 || at >= rank) {
        throw new NotFoldedException("axis %d of %d dimensions".formatted(axis, rank));
      }
      gone[(int) at] = true;
    }
    boolean kept = node.integer("keepdims", 1) == 1;
    List<Extent> reduced = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      reduced.addAll(
          !gone[i]
              ? List.of(shape.get(i))
              : kept ? List.of(Extent.ONE) : Collections.<Extent>emptyList());
    }
    return floats(reduced);
  }
}
