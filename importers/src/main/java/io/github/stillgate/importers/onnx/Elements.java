package io.github.stillgate.importers.onnx;

import static io.github.stillgate.core.model.Graph.MAX_VALUES;

import io.github.stillgate.importers.onnx.Known.Type;
import java.util.Arrays;

/**
 * A value of a step, element by element.
 *
 * @param shape its sizes
 * @param numbers of its elements in {@link Wires}, row-major
 */
record Elements(int[] shape, long[] numbers) {
  /** What a node that only moves elements gives. */
  static Elements of(Known known) {
    int[] shape =
        Extent.known(known.requireShape())
            .map(sizes -> Arrays.stream(sizes).mapToInt(Math::toIntExact).toArray())
            .orElseThrow(() -> new NotFoldedException("its size is open"));
    if (known.data() instanceof TensorData.Integers(long[] numbers) && numbers.length > 0) {
      return new Elements(shape, numbers);
    }
    throw new NotFoldedException("it has no elements");
  }

  /** As what a node that only moves elements reads. */
  Known known() {
    return Known.of(
        Type.INTEGER,
        Extent.all(Arrays.stream(shape).asLongStream().toArray()),
        new TensorData.Integers(numbers));
  }

  int size() {
    return numbers.length;
  }

  int rank() {
    return shape.length;
  }

  /** Product of the sizes from one dimension to another, exclusive. */
  int size(int from, int to) {
    int size = 1;
    for (int i = from; i < to; i++) {
      size *= shape[i];
    }
    return size;
  }

  /** The same elements in another shape. */
  Elements reshaped(int... sizes) {
    return new Elements(sizes, numbers);
  }

  /** Dimension {@code order[i]} becomes dimension i. */
  Elements transposed(int... order) {
    int[] sizes = new int[order.length];
    Arrays.setAll(sizes, i -> shape[order[i]]);
    int[] strides = new int[order.length];
    Arrays.setAll(strides, i -> size(order[i] + 1, rank()));
    return picked(sizes, strides);
  }

  /** Repeats dimensions of size 1 as ONNX does, aligned at their ends. */
  Elements stretched(int... sizes) {
    int more = sizes.length - rank();
    int[] strides = new int[sizes.length];
    Arrays.setAll(strides, i -> i < more || shape[i - more] == 1 ? 0 : size(i - more + 1, rank()));
    return picked(sizes, strides);
  }

  private Elements picked(int[] sizes, int[] strides) {
    long most = 1;
    for (int size : sizes) {
      most *= size;
      if (most > MAX_VALUES) {
        throw new NotFoldedException(
            "shape %s has more than %d values".formatted(Arrays.toString(sizes), MAX_VALUES));
      }
    }
    int all = (int) most;
    long[] picked = new long[all];
    int[] at = new int[sizes.length];
    int from = 0;
    for (int i = 0; i < all; i++) {
      picked[i] = numbers[from];
      for (int d = sizes.length - 1; d >= 0; d--) {
        from += strides[d];
        if (++at[d] < sizes[d]) {
          break;
        }
        from -= strides[d] * sizes[d];
        at[d] = 0;
      }
    }
    return new Elements(sizes, picked);
  }

  /** The order of dimensions with this one moved to the end. */
  int[] orderWithLast(int dimension) {
    int[] order = new int[rank()];
    for (int i = 0; i < rank(); i++) {
      order[i] = i < dimension ? i : i + 1;
    }
    order[rank() - 1] = dimension;
    return order;
  }

  /** The order that undoes one. */
  static int[] inverse(int... order) {
    int[] inverse = new int[order.length];
    for (int i = 0; i < order.length; i++) {
      inverse[order[i]] = i;
    }
    return inverse;
  }

  /** The shape of what two are stretched to. */
  static int[] common(GraphNode node, int[] a, int[] b) {
    int rank = Math.max(a.length, b.length);
    int[] shape = new int[rank];
    for (int i = 0; i < rank; i++) {
      int x = i < rank - a.length ? 1 : a[i - rank + a.length];
      int y = i < rank - b.length ? 1 : b[i - rank + b.length];
      if (x != y && x != 1 && y != 1) {
        throw node.malformed(
            "shapes %s and %s do not fit".formatted(Arrays.toString(a), Arrays.toString(b)));
      }
      shape[i] = Math.max(x, y);
    }
    return shape;
  }
}
