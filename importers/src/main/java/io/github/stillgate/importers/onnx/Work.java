package io.github.stillgate.importers.onnx;

import java.util.ArrayList;
import java.util.List;

/**
 * What folding may take: as many values as the layers of a graph may have ({@link Budget}), since a
 * small file can ask for any number of tensors of any size. It also names sizes that turn up open.
 */
final class Work {
  /** How often elements of a step may be counted, against what the layers have. */
  private static final int ELEMENTS = 4;

  private final long most;
  private long taken;
  private int opened;

  /** For a file of {@code fileBytes}. */
  Work(long fileBytes) {
    this(fileBytes, 1);
  }

  private Work(long fileBytes, int times) {
    this.most = times * Math.max(Budget.LEAST, 2 * fileBytes);
  }

  /** For the elements of all values of a step: each value of a layer may be moved some times. */
  static Work ofElements(long fileBytes) {
    return new Work(fileBytes, ELEMENTS);
  }

  /** Takes a tensor of that shape and kind, before it is allocated. */
  void take(List<Extent> shape, TensorData like) {
    Extent size =
        Extent.product(shape)
            .filter(Extent::isKnown)
            .orElseThrow(() -> new NotFoldedException("its shape %s is open".formatted(shape)));
    if (like instanceof TensorData.Extents && size.factor() > TensorData.Extents.MOST) {
      throw new NotFoldedException("%s sizes are more than shapes have".formatted(size));
    }
    take(size.factor() * (like instanceof TensorData.Floats ? 1 : 2));
  }

  /** Takes as many values of 32 bits. */
  void take(long values) {
    if (values < 0 || values > most - taken) {
      throw new NotFoldedException(
          "with it more than %d values are computed before anything runs, which is the most"
              .formatted(most));
    }
    taken += values;
  }

  /** A size that depends on what the graph reads. */
  Extent open() {
    return Extent.open("computed[%d]".formatted(opened++));
  }

  /** As ONNX aligns shapes at their ends, and stretches sizes of 1. */
  List<Extent> broadcast(List<Extent> a, List<Extent> b) {
    List<Extent> shape = new ArrayList<>();
    int rank = Math.max(a.size(), b.size());
    for (int i = 0; i < rank; i++) {
      int first = i - rank + a.size();
      int second = i - rank + b.size();
      Extent x = first < 0 ? Extent.ONE : a.get(first);
      Extent y = second < 0 ? Extent.ONE : b.get(second);
      if (x.equals(y) || y.is(1)) {
        shape.add(x);
      } else if (x.is(1)) {
        shape.add(y);
      } else if (x.isKnown() && y.isKnown()) {
        throw new NotFoldedException("shapes %s and %s do not fit".formatted(a, b));
      } else {
        // An open size is the other or 1.
        shape.add(x.isKnown() ? x : y.isKnown() ? y : open());
      }
    }
    return shape;
  }

  /** The one number that all elements are. */
  double onlyValue(TensorData data) {
    if (data.size() == 0) {
      throw new NotFoldedException("it has no values");
    }
    return switch (data) {
      case TensorData.Floats(float[] values) -> {
        for (float value : values) {
          if (Float.compare(value, values[0]) != 0) {
            throw new NotFoldedException("its values differ and its size is open");
          }
        }
        yield values[0];
      }
      case TensorData.Integers(long[] values) -> {
        for (long value : values) {
          if (value != values[0] || value != (long) (double) value) {
            throw new NotFoldedException("its values differ and its size is open");
          }
        }
        yield values[0];
      }
      case TensorData.Extents _ -> throw new NotFoldedException("its values are open");
    };
  }
}
