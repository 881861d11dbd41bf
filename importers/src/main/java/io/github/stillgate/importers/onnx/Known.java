package io.github.stillgate.importers.onnx;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a value before anything runs.
 *
 * @param type of its elements
 * @param shape its sizes; null if not even their number is known
 * @param data its elements; null if a run computes them, or if they are all {@code uniform}
 * @param uniform the one number that all elements are, however many; null if they are not
 */
record Known(
    Type type, @Nullable List<Extent> shape, @Nullable TensorData data, @Nullable Double uniform) {
  /** A uniform tensor of as many elements is kept as elements. */
  static final int FEW = 1_024;

  static final Known NOTHING = new Known(Type.UNKNOWN, null, null, null);

  /** Of elements. */
  enum Type {
    FLOAT,
    INTEGER,
    BOOLEAN,
    UNKNOWN
  }

  static Known ofShape(Type type, List<Extent> shape) {
    return new Known(type, List.copyOf(shape), null, null);
  }

  /** All elements are {@code value}. */
  static Known uniform(Type type, List<Extent> shape, double value) {
    long size = 1;
    for (Extent extent : shape) {
      size = extent.isKnown() && size <= FEW ? size * Math.min(extent.factor(), FEW + 1) : FEW + 1;
    }
    if (size > FEW || type == Type.UNKNOWN) {
      return new Known(type, List.copyOf(shape), null, value);
    }
    if (type == Type.FLOAT) {
      float[] values = new float[(int) size];
      Arrays.fill(values, (float) value);
      return of(type, shape, new TensorData.Floats(values));
    }
    long[] values = new long[(int) size];
    Arrays.fill(values, (long) value);
    return of(type, shape, new TensorData.Integers(values));
  }

  static Known of(Type type, List<Extent> shape, TensorData data) {
    return new Known(type, List.copyOf(shape), data, null);
  }

  /** Whether a run computes it. */
  boolean isOpen() {
    return data == null && uniform == null;
  }

  Optional<List<Extent>> sizes() {
    return Optional.ofNullable(shape);
  }

  /** Its sizes. */
  List<Extent> requireShape() {
    if (shape == null) {
      throw new NotFoldedException("its input has no known shape");
    }
    return shape;
  }

  /** Number of its dimensions. */
  int rank() {
    return requireShape().size();
  }

  /** Its elements as whole numbers, some of which may depend on open sizes. */
  List<Extent> requireExtents() {
    if (data == null) {
      throw new NotFoldedException("whole numbers that it reads are computed");
    }
    return TensorData.extents(data);
  }

  /** Its elements as numbers. */
  long[] requireIntegers() {
    return Extent.known(requireExtents())
        .orElseThrow(() ->
            new NotFoldedException("it reads numbers that depend on sizes the file leaves open"));
  }
}
