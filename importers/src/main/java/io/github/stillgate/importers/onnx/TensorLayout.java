package io.github.stillgate.importers.onnx;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which axes the dimensions of a tensor are made of, as it passes nodes that only move them: a
 * dimension may be one axis, several side by side, or none, and then its size is 1.
 *
 * @param dimensions of each its axes, the slowest first
 */
record TensorLayout(List<List<Axis>> dimensions) {
  /** More than tensors have anywhere; each node on the way costs time for each of them. */
  static final int MOST_DIMENSIONS = 32;

  /**
   * What is counted along a dimension. Axes of size 1 are left out everywhere.
   *
   * @param name tells it from others
   * @param size at least 2
   */
  record Axis(String name, int size) {
    /** This axis, or none if its size is 1. */
    static List<Axis> of(String name, int size) {
      return size == 1 ? List.of() : List.of(new Axis(name, size));
    }
  }

  /** Copies the lists. */
  TensorLayout {
    dimensions = dimensions.stream().map(List::copyOf).toList();
  }

  /** Number of values along axes. */
  static int size(List<Axis> axes) {
    return axes.stream().mapToInt(Axis::size).reduce(1, Math::multiplyExact);
  }

  int rank() {
    return dimensions.size();
  }

  /** Sizes of the dimensions. */
  long[] shape() {
    return dimensions.stream()
        .mapToLong(axes -> axes.stream().mapToLong(Axis::size).reduce(1, Math::multiplyExact))
        .toArray();
  }

  List<Axis> dimension(int i) {
    return dimensions.get(i);
  }

  /** The same with another last dimension. */
  TensorLayout withLast(List<Axis> axes) {
    List<List<Axis>> changed = new ArrayList<>(dimensions);
    changed.set(rank() - 1, axes);
    return new TensorLayout(changed);
  }

  /** Dimension {@code order[i]} becomes dimension i. */
  TensorLayout transposed(int[] order) {
    List<List<Axis>> moved = new ArrayList<>();
    for (int from : order) {
      moved.add(dimensions.get(from));
    }
    return new TensorLayout(moved);
  }

  /** The same values in another shape; empty if an axis would have to be cut. */
  Optional<TensorLayout> reshaped(long[] shape) {
    List<Axis> axes = axes();
    List<List<Axis>> grouped = new ArrayList<>();
    int next = 0;
    for (long size : shape) {
      List<Axis> group = new ArrayList<>();
      long reached = 1;
      while (reached < size && next < axes.size()) {
        reached = Math.multiplyExact(reached, axes.get(next).size());
        group.add(axes.get(next++));
      }
      if (reached != size) {
        return Optional.empty();
      }
      grouped.add(group);
    }
    return next == axes.size() ? Optional.of(new TensorLayout(grouped)) : Optional.empty();
  }

  /** Where in the tensor the value {@code index} along {@code along} stands; other axes at 0. */
  int at(List<Axis> along, int index) {
    int at = 0;
    int rest = index;
    for (Axis axis : along.reversed()) {
      at += rest % axis.size() * stride(axis);
      rest /= axis.size();
    }
    return at;
  }

  /** Zero for an axis that is not in this tensor. */
  private int stride(Axis axis) {
    int stride = 1;
    for (Axis other : axes().reversed()) {
      if (other.equals(axis)) {
        return stride;
      }
      stride *= other.size();
    }
    return 0;
  }

  private List<Axis> axes() {
    return dimensions.stream().flatMap(List::stream).toList();
  }
}
