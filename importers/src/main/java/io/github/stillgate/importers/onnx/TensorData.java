package io.github.stillgate.importers.onnx;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;

/** The elements of a tensor whose values are known before anything runs, row-major. */
sealed interface TensorData {
  int size();

  /** Element i is element {@code from[i]} of this. */
  TensorData pick(int[] from);

  /** Floating-point numbers. */
  record Floats(float[] values) implements TensorData {
    @Override
    public int size() {
      return values.length;
    }

    @Override
    public Floats pick(int[] from) {
      float[] picked = new float[from.length];
      for (int i = 0; i < from.length; i++) {
        picked[i] = values[from[i]];
      }
      return new Floats(picked);
    }
  }

  /** Whole numbers, and truth values as 0 and 1. */
  record Integers(long[] values) implements TensorData {
    @Override
    public int size() {
      return values.length;
    }

    @Override
    public Integers pick(int[] from) {
      long[] picked = new long[from.length];
      for (int i = 0; i < from.length; i++) {
        picked[i] = values[from[i]];
      }
      return new Integers(picked);
    }
  }

  /** Whole numbers of which some depend on open sizes. */
  record Extents(List<Extent> values) implements TensorData {
    /** More than shapes and what is computed of them have. */
    static final int MOST = 1_024;

    /** Copies the list. */
    public Extents {
      values = List.copyOf(values);
    }

    @Override
    public int size() {
      return values.size();
    }

    @Override
    public TensorData pick(int[] from) {
      List<Extent> picked = new ArrayList<>();
      for (int i : from) {
        picked.add(values.get(i));
      }
      return of(picked);
    }

    /** The numbers where the open sizes are those. */
    Integers at(ToLongFunction<String> sizes) {
      return new Integers(values.stream().mapToLong(extent -> extent.at(sizes)).toArray());
    }
  }

  /** Those extents, as whole numbers if all are known. */
  static TensorData of(List<Extent> extents) {
    return Extent.known(extents)
        .<TensorData>map(Integers::new)
        .orElseGet(() -> new Extents(extents));
  }

  /** All elements, one tensor behind the other; they must be of one kind. */
  static TensorData join(List<TensorData> parts) {
    int size = parts.stream().mapToInt(TensorData::size).sum();
    if (parts.stream().allMatch(Floats.class::isInstance)) {
      float[] all = new float[size];
      int at = 0;
      for (TensorData part : parts) {
        float[] values = ((Floats) part).values();
        System.arraycopy(values, 0, all, at, values.length);
        at += values.length;
      }
      return new Floats(all);
    }
    if (parts.stream().allMatch(Integers.class::isInstance)) {
      long[] all = new long[size];
      int at = 0;
      for (TensorData part : parts) {
        long[] values = ((Integers) part).values();
        System.arraycopy(values, 0, all, at, values.length);
        at += values.length;
      }
      return new Integers(all);
    }
    List<Extent> all = new ArrayList<>();
    parts.forEach(part -> all.addAll(extents(part)));
    return of(all);
  }

  /**
   * Whole numbers as extents.
   *
   * @throws NotFoldedException if it holds others, or too many
   */
  static List<Extent> extents(TensorData data) {
    if (data.size() > Extents.MOST) {
      throw new NotFoldedException("%d numbers are more than shapes have".formatted(data.size()));
    }
    return switch (data) {
      case Extents(List<Extent> values) -> values;
      case Integers(long[] values) -> Extent.all(values);
      case Floats _ -> throw new NotFoldedException("floating-point numbers are no sizes");
    };
  }
}
