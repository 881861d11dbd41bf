package io.github.stillgate.importers.silero;

import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;

/** Tensors of a file by their names, each of the shape that the ones before it leave open. */
final class SileroTensors {
  /** An extent that the tensor itself decides. */
  private static final int ANY = -1;

  private final WeightsFile file;

  /**
   * The tensors of {@code file}.
   *
   * @throws IllegalArgumentException if it has others than {@code names}, or fewer
   */
  SileroTensors(WeightsFile file, Set<String> names) {
    this.file = file;
    Set<String> missing = new TreeSet<>(names);
    missing.removeAll(file.tensors().keySet());
    Set<String> more = new TreeSet<>(file.tensors().keySet());
    more.removeAll(names);
    requireNone(missing, "lacks tensors of Silero VAD");
    requireNone(more, "has tensors that are no part of Silero VAD");
  }

  private static void requireNone(Set<String> names, String what) {
    if (!names.isEmpty()) {
      throw new IllegalArgumentException(
          "%s: %s; take the published file as it is, or say with --layers what else this one holds"
              .formatted(what, String.join(", ", names)));
    }
  }

  /** How far a tensor of {@code dimensions} extends along one of them. */
  int extent(String name, int dimensions, int dimension) {
    int[] expected = new int[dimensions];
    Arrays.fill(expected, ANY);
    return Math.toIntExact(checked(name, expected).shape()[dimension]);
  }

  /**
   * The values of a tensor, row-major.
   *
   * @throws IllegalArgumentException if it is of another shape, of a type that weights have not, or
   *     holds NaN or an infinite value
   */
  float[] values(String name, int... shape) {
    float[] values = checked(name, shape).toFloats();
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new IllegalArgumentException(
            "tensor %s: value %d is %s; weights must be finite".formatted(name, i, values[i]));
      }
    }
    return values;
  }

  private Tensor checked(String name, int... expected) {
    Tensor tensor = file.tensor(name);
    long[] shape = tensor.shape();
    boolean fits = shape.length == expected.length && tensor.elements() <= Tensor.MAX_ELEMENTS;
    for (int i = 0; fits && i < shape.length; i++) {
      fits = shape[i] > 0 && (expected[i] == ANY || shape[i] == expected[i]);
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "tensor %s has shape %s; expected %s"
              .formatted(
                  name,
                  Arrays.toString(shape),
                  Arrays.toString(expected).replace(Integer.toString(ANY), "any")));
    }
    return tensor;
  }
}
