package io.github.stillgate.importers.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What a Pad puts around its input.
 *
 * @param mode constant, reflect or edge
 * @param before elements before each dimension; below 0 so many are cut
 * @param after elements behind it
 */
record Padding(String mode, long[] before, long[] after) {
  /**
   * Reads a node.
   *
   * @param inputs what is known of what it reads
   * @throws NotFoldedException if its numbers are not known, or do not fit its input
   */
  static Padding of(GraphNode node, List<Known> inputs) {
    int rank = inputs.getFirst().rank();
    Optional<long[]> attribute = node.integers("pads");
    long[] pads =
        attribute.isPresent()
            ? attribute.get()
            : inputs.size() > 1
                ? inputs.get(1).requireIntegers()
                : node.integers("paddings").orElse(new long[0]);
    long[] before = new long[rank];
    long[] after = new long[rank];
    long[] all = new long[rank];
    Arrays.setAll(all, i -> i);
    long[] axes = node.input(3).isEmpty() ? all : inputs.get(3).requireIntegers();
    if (pads.length != 2 * axes.length) {
      throw new NotFoldedException("%d pads for %d dimensions".formatted(pads.length, axes.length));
    }
    for (int i = 0; i < axes.length; i++) {
      long at = axes[i] < 0 ? axes[i] + rank : axes[i];
      if (at < 0 || at >= rank) {
        throw new NotFoldedException("axis %d of %d dimensions".formatted(axes[i], rank));
      }
      before[(int) at] = pads[i];
      after[(int) at] = pads[axes.length + i];
    }
    return new Padding(node.text("mode", "constant"), before, after);
  }

  /** The shape of what it gives. */
  List<Extent> shape(List<Extent> from, Work work) {
    List<Extent> shape = new ArrayList<>();
    for (int i = 0; i < before.length; i++) {
      Extent size = from.get(i);
      if (before[i] == 0 && after[i] == 0) {
        shape.add(size);
      } else if (size.isKnown()) {
        long padded = Math.addExact(size.factor(), Math.addExact(before[i], after[i]));
        if (padded < 1) {
          throw new NotFoldedException("cuts all of a dimension of %s".formatted(size));
        }
        shape.add(Extent.of(padded));
      } else {
        shape.add(work.open());
      }
    }
    return shape;
  }

  /**
   * The elements of what it gives.
   *
   * @param fill the number of the element that stands around the input
   */
  Elements apply(GraphNode node, Elements x, long fill, Work work) {
    List<Extent> sizes = shape(Extent.all(Arrays.stream(x.shape()).asLongStream().toArray()), work);
    work.take(sizes, new TensorData.Integers(new long[0]));
    int[] shape = sizes.stream().mapToInt(size -> Math.toIntExact(size.factor())).toArray();
    int[] from = {0};
    for (int d = 0; d < shape.length; d++) {
      int stride = x.size(d + 1, x.rank());
      int[] next = new int[from.length * shape[d]];
      for (int i = 0; i < next.length; i++) {
        int at = source(node, i % shape[d] - before[d], x.shape()[d]);
        int outer = from[i / shape[d]];
        next[i] = outer < 0 || at < 0 ? -1 : outer + at * stride;
      }
      from = next;
    }
    long[] numbers = new long[from.length];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = from[i] < 0 ? fill : x.numbers()[from[i]];
    }
    return new Elements(shape, numbers);
  }

  private int source(GraphNode node, long at, int size) {
    if (at >= 0 && at < size) {
      return (int) at;
    }
    return switch (mode) {
      case "constant" -> -1;
      case "edge" -> at < 0 ? 0 : size - 1;
      case "reflect" -> {
        long back = at < 0 ? -at : 2L * (size - 1) - at;
        if (back < 0 || back >= size) {
          throw node.malformed("reflects more than its input of %d has".formatted(size));
        }
        yield (int) back;
      }
      default ->
          throw node.unsupported(
              "attribute mode is \"%s\"; supported are constant, edge and reflect".formatted(mode));
    };
  }
}
