package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Reduction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Windows over positions in a graph: convolutions, transposed ones, and pooling. A window is a move
 * of elements; what follows is a product, a sum or a reduction at each position.
 */
final class ConvolutionNodes {
  static final Set<String> OPERATORS = Set.of("Conv", "ConvTranspose", "AveragePool", "MaxPool");

  /** Taps of a depthwise kernel up to which it is a sum of whole vectors. */
  private static final int MOST_TERMS = 32;

  private final GraphNode node;
  private final Lowering lowering;
  private final Elements x;
  private final Window window;

  private ConvolutionNodes(GraphNode node, Lowering lowering, Elements x, Window window) {
    this.node = node;
    this.lowering = lowering;
    this.x = x;
    this.window = window;
  }

  static void lower(GraphNode node, Lowering lowering) {
    Elements x = lowering.read(node, 0);
    if (x.rank() < 3) {
      throw node.malformed("X has %d dimensions, expected 3 or more".formatted(x.rank()));
    }
    int[] sizes = Arrays.copyOfRange(x.shape(), 2, x.rank());
    switch (node.operator()) {
      case "AveragePool", "MaxPool" ->
          new ConvolutionNodes(node, lowering, x, Window.ofPool(node, sizes)).pool();
      default -> {
        OnnxTensor w = lowering.requireConstant(node, node.input(1), "W");
        if (w.shape().length != x.rank()) {
          throw node.malformed("W is %s, X has shape %s".formatted(w, Arrays.toString(x.shape())));
        }
        int[] kernel = Arrays.copyOfRange(w.shape(), 2, x.rank());
        boolean transposed = node.operator().equals("ConvTranspose");
        Window window =
            transposed
                ? Window.ofTransposed(node, sizes, kernel)
                : Window.ofConvolution(node, sizes, kernel);
        new ConvolutionNodes(node, lowering, x, window).convolution(w, transposed);
      }
    }
  }

  /** Weights as outputs x (inputs of a group x taps). */
  private float[] rows(OnnxTensor w, int groups, int inputs, int outputs, boolean transposed) {
    lowering.budget().take(w.size(), node);
    float[] values = w.weights();
    if (!transposed) {
      return values;
    }
    int taps = window.taps();
    int each = outputs / groups;
    float[] rows = new float[values.length];
    for (int g = 0; g < groups; g++) {
      for (int i = 0; i < inputs; i++) {
        for (int o = 0; o < each; o++) {
          int from = ((g * inputs + i) * each + o) * taps;
          System.arraycopy(values, from, rows, ((g * each + o) * inputs + i) * taps, taps);
        }
      }
    }
    return rows;
  }

  private void convolution(OnnxTensor w, boolean transposed) {
    int channels = x.shape()[1];
    int groups = Math.toIntExact(node.integer("group", 1));
    if (groups < 1 || channels % groups != 0) {
      throw node.malformed("attribute group is %d for %d channels".formatted(groups, channels));
    }
    int inputs = channels / groups;
    int outputs = transposed ? w.shape()[1] * groups : w.shape()[0];
    if (w.shape()[transposed ? 0 : 1] != (transposed ? channels : inputs)
        || outputs % groups != 0) {
      throw node.malformed(
          "W is %s, expected one for %d channels in %d groups".formatted(w, channels, groups));
    }
    float[] rows = rows(w, groups, inputs, outputs, transposed);
    float[] b =
        node.input(2).isEmpty()
            ? new float[outputs]
            : lowering.stretched(node, lowering.requireConstant(node, node.input(2), "B"), outputs);
    int streams = x.shape()[0];
    int positions = window.positions();
    boolean depthwise =
        groups > 1 && inputs == 1 && outputs == groups && window.taps() <= MOST_TERMS;
    long[] made =
        depthwise
            ? depthwise(rows, b)
            : lowering.layer(
                node,
                new LayerFold.Product(streams * positions, groups, inputs * window.taps(), rows, b),
                slices(channels));
    int[] shape = x.shape().clone();
    shape[1] = outputs;
    System.arraycopy(window.sizes(), 0, shape, 2, shape.length - 2);
    lowering.give(
        node,
        0,
        new Elements(new int[] {streams, positions, outputs}, made)
            .transposed(0, 2, 1)
            .reshaped(shape));
  }

  /** The element that tap k of channel c reads at position p. */
  private long element(int stream, int channel, int position, int tap) {
    int at = window.at(position, tap);
    int each = x.size(2, x.rank());
    return at < 0 ? Wires.ZERO : x.numbers()[(stream * x.shape()[1] + channel) * each + at];
  }

  private long[] slices(int channels) {
    int taps = window.taps();
    long size = (long) x.shape()[0] * window.positions() * channels * taps;
    lowering.budget().take(size, node);
    long[] slices = new long[Math.toIntExact(size)];
    int at = 0;
    for (int s = 0; s < x.shape()[0]; s++) {
      for (int p = 0; p < window.positions(); p++) {
        for (int c = 0; c < channels; c++) {
          for (int k = 0; k < taps; k++) {
            slices[at++] = element(s, c, p, k);
          }
        }
      }
    }
    return slices;
  }

  private long[] depthwise(float[] rows, float[] b) {
    int channels = b.length;
    int taps = window.taps();
    int width = x.shape()[0] * window.positions() * channels;
    lowering.budget().take((long) width * taps, node);
    float[] w = new float[rows.length];
    long[][] terms = new long[taps][width];
    for (int k = 0; k < taps; k++) {
      for (int c = 0; c < channels; c++) {
        w[k * channels + c] = rows[c * taps + k];
      }
      for (int i = 0; i < width; i++) {
        int slice = i / channels;
        terms[k][i] =
            element(slice / window.positions(), i % channels, slice % window.positions(), k);
      }
    }
    return lowering.layer(node, new LayerFold.Sum(width, w, b), terms);
  }

  private void pool() {
    boolean largest = node.operator().equals("MaxPool");
    if (node.proto().getOutputCount() > 1 && !node.output(1).isEmpty()) {
      throw node.unsupported("gives places of largest values too; supported are the values");
    }
    int channels = x.shape()[1];
    long[] slices = slices(channels);
    if (Arrays.stream(slices).anyMatch(element -> element == Wires.ZERO)) {
      throw node.unsupported("reads windows beyond the ends of its input; supported is no padding");
    }
    int rows = x.shape()[0] * window.positions() * channels;
    Reduction.Kind kind = largest ? Reduction.Kind.MAXIMUM : Reduction.Kind.MEAN;
    long[] made =
        lowering.layer(node, rows, name -> new Reduction(name, rows, window.taps(), kind), slices);
    int[] shape = x.shape().clone();
    System.arraycopy(window.sizes(), 0, shape, 2, shape.length - 2);
    lowering.give(
        node,
        0,
        new Elements(new int[] {x.shape()[0], window.positions(), channels}, made)
            .transposed(0, 2, 1)
            .reshaped(shape));
  }

  /**
   * Where each tap of a kernel reads, at each position of what is given.
   *
   * @param sizes positions along each dimension
   * @param taps of the kernel
   * @param reads for each position and tap an element of one channel, or -1
   */
  private record Window(int[] sizes, int taps, int[] reads) {
    /** More than any network here reads in a step, which the budget would refuse anyway. */
    private static final long MOST = 1L << 24;

    int positions() {
      return reads.length / taps;
    }

    int at(int position, int tap) {
      return reads[position * taps + tap];
    }

    /** Along one dimension: reads[position][tap]. */
    private static Window of(GraphNode node, int[] sizes, List<int[][]> reads) {
      int[] given = reads.stream().mapToInt(each -> each.length).toArray();
      int[] kernel = reads.stream().mapToInt(each -> each[0].length).toArray();
      long all = 1;
      for (int i = 0; i < sizes.length; i++) {
        all *= (long) given[i] * kernel[i];
        if (all > MOST) {
          throw node.unsupported("its windows hold more than %d values".formatted(MOST));
        }
      }
      int taps = Arrays.stream(kernel).reduce(1, (a, b) -> a * b);
      int[] at = new int[(int) all];
      for (int i = 0; i < at.length; i++) {
        int position = i / taps;
        int tap = i % taps;
        int stride = 1;
        for (int d = sizes.length - 1; d >= 0; d--) {
          int read = reads.get(d)[position % given[d]][tap % kernel[d]];
          position /= given[d];
          tap /= kernel[d];
          at[i] = read < 0 || at[i] < 0 ? -1 : at[i] + read * stride;
          stride *= sizes[d];
        }
      }
      return new Window(given, taps, at);
    }

    static Window ofPool(GraphNode node, int[] sizes) {
      node.requireAttributes(
          "auto_pad",
          "ceil_mode",
          "count_include_pad",
          "dilations",
          "kernel_shape",
          "pads",
          "strides",
          "storage_order");
      if (node.flag("ceil_mode")) {
        throw node.unsupported("attribute ceil_mode is 1; supported is 0");
      }
      int[] kernel =
          node.integers("kernel_shape")
              .map(shape -> Arrays.stream(shape).mapToInt(Math::toIntExact).toArray())
              .orElseThrow(() -> node.malformed("it has no attribute kernel_shape"));
      return windows(node, sizes, kernel);
    }

    static Window ofConvolution(GraphNode node, int[] sizes, int[] kernel) {
      node.requireAttributes("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides");
      return windows(node, sizes, kernel);
    }

    private static Window windows(GraphNode node, int[] sizes, int[] kernel) {
      Sides sides = Sides.of(node, sizes, kernel);
      List<int[][]> reads = new ArrayList<>();
      for (int d = 0; d < sizes.length; d++) {
        int reach = sides.dilation(d) * (kernel[d] - 1) + 1;
        int room = sizes[d] + sides.before(d) + sides.after(d) - reach;
        if (room < 0) {
          throw node.malformed("its kernel of %d is wider than its input".formatted(reach));
        }
        int[][] each = new int[room / sides.stride(d) + 1][kernel[d]];
        for (int p = 0; p < each.length; p++) {
          for (int k = 0; k < kernel[d]; k++) {
            int at = p * sides.stride(d) - sides.before(d) + k * sides.dilation(d);
            each[p][k] = at < sizes[d] ? Math.max(-1, at) : -1;
          }
        }
        reads.add(each);
      }
      return of(node, sizes, reads);
    }

    /**
     * Position o reads element i through tap k where {@code o = stride i + dilation k - before}.
     */
    static Window ofTransposed(GraphNode node, int[] sizes, int[] kernel) {
      node.requireAttributes(
          "auto_pad", "dilations", "group", "kernel_shape", "output_padding", "pads", "strides");
      Sides sides = Sides.of(node, sizes, kernel);
      long[] more = node.integers("output_padding").orElse(new long[sizes.length]);
      List<int[][]> reads = new ArrayList<>();
      for (int d = 0; d < sizes.length; d++) {
        int reach = sides.dilation(d) * (kernel[d] - 1) + 1;
        int given =
            Math.toIntExact(
                (long) sides.stride(d) * (sizes[d] - 1)
                    + (d < more.length ? more[d] : 0)
                    + reach
                    - sides.before(d)
                    - sides.after(d));
        if (given < 1) {
          throw node.malformed("it gives no position in dimension %d".formatted(d + 2));
        }
        int[][] each = new int[given][kernel[d]];
        for (int o = 0; o < given; o++) {
          for (int k = 0; k < kernel[d]; k++) {
            int at = o + sides.before(d) - k * sides.dilation(d);
            boolean there = at >= 0 && at % sides.stride(d) == 0 && at / sides.stride(d) < sizes[d];
            each[o][k] = there ? at / sides.stride(d) : -1;
          }
        }
        reads.add(each);
      }
      return of(node, sizes, reads);
    }
  }

  /** Attributes for each dimension. */
  private record Sides(long[] strides, long[] dilations, long[] pads) {
    /** Far more than kernels have. */
    private static final long MOST = 1 << 20;

    static Sides of(GraphNode node, int[] sizes, int[] kernel) {
      int count = sizes.length;
      long[] one = new long[count];
      Arrays.fill(one, 1);
      long[] strides = node.integers("strides").orElse(one);
      long[] dilations = node.integers("dilations").orElse(one);
      long[] pads = node.integers("pads").orElse(new long[2 * count]);
      Optional<long[]> shape = node.integers("kernel_shape");
      boolean same =
          shape.isEmpty()
              || Arrays.equals(shape.get(), Arrays.stream(kernel).asLongStream().toArray());
      if (kernel.length != count
          || strides.length != count
          || dilations.length != count
          || pads.length != 2 * count
          || !same
          || !within(1, strides)
          || !within(1, dilations)
          || !within(0, pads)) {
        throw node.malformed(
            "kernel_shape, strides, dilations or pads do not fit %d dimensions".formatted(count));
      }
      switch (node.text("auto_pad", "NOTSET")) {
        case "NOTSET" -> {}
        case "VALID" -> pads = new long[2 * count];
        case "SAME_UPPER", "SAME_LOWER" -> {
          if (node.operator().equals("ConvTranspose")) {
            throw node.unsupported("attribute auto_pad; supported are pads");
          }
          pads = same(sizes, kernel, strides, dilations, node.text("auto_pad", ""));
        }
        default ->
            throw node.malformed(
                "attribute auto_pad is \"%s\"".formatted(node.text("auto_pad", "")));
      }
      return new Sides(strides, dilations, pads);
    }

    private static long[] same(
        int[] sizes, int[] kernel, long[] strides, long[] dilations, String side) {
      int count = sizes.length;
      long[] pads = new long[2 * count];
      for (int d = 0; d < count; d++) {
        long given = Math.ceilDiv(sizes[d], strides[d]);
        long all =
            Math.max(0, (given - 1) * strides[d] + dilations[d] * (kernel[d] - 1) + 1 - sizes[d]);
        pads[d] = side.equals("SAME_UPPER") ? all / 2 : all - all / 2;
        pads[count + d] = all - pads[d];
      }
      return pads;
    }

    private static boolean within(long least, long[] values) {
      return Arrays.stream(values).allMatch(value -> value >= least && value <= MOST);
    }

    int stride(int d) {
      return (int) strides[d];
    }

    int dilation(int d) {
      return (int) dilations[d];
    }

    int before(int d) {
      return (int) pads[d];
    }

    int after(int d) {
      return (int) pads[strides.length + d];
    }
  }
}
