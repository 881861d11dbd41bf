package io.github.stillgate.importers.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Nodes that leave all values as they are and only say their dimensions anew. Sizes that the file
 * leaves open are the numbers that stand for them in the layout.
 */
final class ShapeNode {
  static final List<String> OPERATORS =
      List.of("Squeeze", "Unsqueeze", "Transpose", "Reshape", "Flatten", "Identity", "Cast");

  private static final int FLOAT = 1;

  private final GraphNode node;
  private final Graph graph;
  private final TensorLayout from;
  private final Map<Extent, Long> openSizes;

  private ShapeNode(GraphNode node, Graph graph, TensorLayout from, Map<Extent, Long> openSizes) {
    this.node = node;
    this.graph = graph;
    this.from = from;
    this.openSizes = openSizes;
  }

  /**
   * What {@code node} makes of {@code from}.
   *
   * @param openSizes the numbers that stand for sizes that the file leaves open
   * @throws UnsupportedOnnxException if it does more than move dimensions
   * @throws OnnxFormatException if it does not fit
   */
  static TensorLayout apply(
      GraphNode node, Graph graph, TensorLayout from, Map<Extent, Long> openSizes) {
    ShapeNode shape = new ShapeNode(node, graph, from, openSizes);
    return switch (node.operator()) {
      case "Squeeze" -> shape.squeeze();
      case "Unsqueeze" -> shape.unsqueeze();
      case "Transpose" -> shape.transpose();
      case "Reshape" -> shape.reshape();
      case "Flatten" -> shape.flatten();
      case "Cast" -> shape.cast();
      default -> from;
    };
  }

  private TensorLayout squeeze() {
    node.requireAttributes("axes");
    List<List<TensorLayout.Axis>> kept = new ArrayList<>(from.dimensions());
    int[] axes = axes(from.rank());
    for (int i = axes.length - 1; i >= 0; i--) {
      if (!kept.get(axes[i]).isEmpty()) {
        throw node.malformed(
            "removes dimension %d of %s, expected one of size 1"
                .formatted(axes[i], Arrays.toString(from.shape())));
      }
      kept.remove(axes[i]);
    }
    return new TensorLayout(kept);
  }

  private TensorLayout unsqueeze() {
    node.requireAttributes("axes");
    long[] listed = listedAxes();
    if (from.rank() + listed.length > TensorLayout.MOST_DIMENSIONS) {
      throw node.unsupported(
          "gives %d dimensions; supported are %d"
              .formatted(from.rank() + listed.length, TensorLayout.MOST_DIMENSIONS));
    }
    List<List<TensorLayout.Axis>> widened = new ArrayList<>(from.dimensions());
    for (int axis : axes(from.rank() + listed.length)) {
      widened.add(axis, List.of());
    }
    return new TensorLayout(widened);
  }

  private TensorLayout transpose() {
    node.requireAttributes("perm");
    int rank = from.rank();
    long[] order = node.integers("perm").orElseGet(() -> descending(rank));
    boolean[] seen = new boolean[rank];
    for (long i : order) {
      if (order.length != rank || i < 0 || i >= rank || seen[(int) i]) {
        throw node.malformed(
            "attribute perm is %s, expected each of 0 to %d once"
                .formatted(Arrays.toString(order), rank - 1));
      }
      seen[(int) i] = true;
    }
    return from.transposed(Arrays.stream(order).mapToInt(i -> (int) i).toArray());
  }

  private static long[] descending(int rank) {
    long[] order = new long[rank];
    Arrays.setAll(order, i -> rank - 1 - i);
    return order;
  }

  private TensorLayout reshape() {
    node.requireAttributes("shape", "allowzero");
    long[] wanted =
        requireFew(node.integers("shape").orElseGet(() -> constant("its shape", node.input(1))));
    if (node.flag("allowzero") && Arrays.stream(wanted).anyMatch(size -> size == 0)) {
      throw node.unsupported("asks for no values at all (allowzero with a size of 0)");
    }
    long[] old = from.shape();
    long[] sizes = new long[wanted.length];
    int open = -1;
    long known = 1;
    for (int i = 0; i < sizes.length; i++) {
      if (wanted[i] == -1 && open < 0) {
        open = i;
      } else if (wanted[i] == 0 && i < old.length) {
        sizes[i] = old[i];
        known = Math.multiplyExact(known, sizes[i]);
      } else if (wanted[i] > 0) {
        sizes[i] = wanted[i];
        known = Math.multiplyExact(known, sizes[i]);
      } else {
        throw node.malformed(
            "shape %s for %s; expected positive sizes, 0 to keep one and -1 once"
                .formatted(Arrays.toString(wanted), Arrays.toString(old)));
      }
    }
    if (open >= 0) {
      sizes[open] = Arrays.stream(old).reduce(1, Math::multiplyExact) / known;
    }
    return reshaped(sizes, Arrays.toString(wanted));
  }

  private TensorLayout flatten() {
    node.requireAttributes("axis");
    int rank = from.rank();
    long axis = node.integer("axis", 1);
    long at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at > rank) {
      throw node.malformed("attribute axis is %d, expected %d to %d".formatted(axis, -rank, rank));
    }
    long[] shape = from.shape();
    long[] sizes = {1, 1};
    for (int i = 0; i < rank; i++) {
      int side = i < at ? 0 : 1;
      sizes[side] = Math.multiplyExact(sizes[side], shape[i]);
    }
    return reshaped(sizes, Arrays.toString(sizes));
  }

  private TensorLayout reshaped(long[] sizes, String wanted) {
    return from.reshaped(sizes)
        .orElseThrow(() ->
            node.unsupported(
                "%s to %s cuts the sequence, the batch or a state apart; supported are shapes that keep"
                        .formatted(Arrays.toString(from.shape()), wanted)
                    + " each whole (sizes the file leaves open count as large primes)"));
  }

  private TensorLayout cast() {
    node.requireAttributes("to", "saturate");
    long to = node.integer("to", FLOAT);
    if (to != FLOAT) {
      throw node.unsupported("casts to type %d; supported is %d (FLOAT)".formatted(to, FLOAT));
    }
    return from;
  }

  /** Ascending and from 0 on. */
  private int[] axes(int rank) {
    long[] listed = listedAxes();
    int[] axes =
        Arrays.stream(listed)
            .map(axis -> axis < 0 ? axis + rank : axis)
            .filter(axis -> axis >= 0 && axis < rank)
            .mapToInt(axis -> (int) axis)
            .sorted()
            .distinct()
            .toArray();
    if (axes.length != listed.length) {
      throw node.malformed(
          "axes are %s, expected different ones of %d to %d"
              .formatted(Arrays.toString(listed), -rank, rank - 1));
    }
    return axes;
  }

  private long[] listedAxes() {
    Optional<long[]> attribute = node.integers("axes");
    if (attribute.isEmpty() && node.input(1).isEmpty()) {
      return axesOfSizeOne();
    }
    return requireFew(attribute.orElseGet(() -> constant("axes", node.input(1))));
  }

  /** All of them where every size is known. */
  private long[] axesOfSizeOne() {
    List<Extent> shape = graph.folding().shape(graph.source(node.input(0))).orElse(List.of());
    if (shape.size() != from.rank() || Extent.known(shape).isEmpty()) {
      throw node.unsupported(
          "names no axes, and sizes are open, so what it does depends on the data; supported is one"
              + " that names them");
    }
    return IntStream.range(0, shape.size())
        .filter(i -> shape.get(i).is(1))
        .asLongStream()
        .toArray();
  }

  private long[] requireFew(long[] sizes) {
    if (sizes.length > TensorLayout.MOST_DIMENSIONS) {
      throw node.unsupported(
          "names %d dimensions; supported are %d"
              .formatted(sizes.length, TensorLayout.MOST_DIMENSIONS));
    }
    return sizes;
  }

  private long[] constant(String what, String name) {
    Optional<OnnxTensor> constant = graph.constant(node, name);
    if (constant.isPresent()) {
      return constant.get().integers();
    }
    List<Extent> sizes =
        graph
            .folding()
            .extents(graph.source(name))
            .orElseThrow(() ->
                node.unsupported(
                    "%s (\"%s\") is computed; supported are constants, and sizes of other values"
                        .formatted(what, name)));
    return sizes.stream().mapToLong(size -> number(size, what, name)).toArray();
  }

  private long number(Extent size, String what, String name) {
    return size.at(open -> {
      Long number = openSizes.get(Extent.open(open));
      if (number == null) {
        throw node.unsupported(
            "%s (\"%s\") depends on a size that is not one of the input's; supported are constants,"
                    .formatted(what, name)
                + " and sizes of other values");
      }
      return number;
    });
  }
}
