package io.github.stillgate.core.model.format;

import io.github.stillgate.core.model.Int8Tensors;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/** Reads tensors of a description's shapes from a file, each at most once. */
final class TensorReader {
  private final WeightsFile file;
  private final Set<String> used = new HashSet<>();

  TensorReader(WeightsFile file) {
    this.file = file;
  }

  /** Names of the tensors that were read. */
  Set<String> used() {
    return used;
  }

  /**
   * The tensor called {@code name}, with its scales if it is of type I8.
   *
   * @throws WeightsFormatException if it is missing, of another shape, or was read before
   * @throws IllegalArgumentException if its values are no weights
   */
  Matrix read(String name, long... shape) {
    Tensor tensor = file.tensor(name);
    if (!Arrays.equals(tensor.shape(), shape)) {
      throw new WeightsFormatException(
          file.path(),
          "tensor %s has shape %s, the description makes it %s"
              .formatted(tensor.name(), Arrays.toString(tensor.shape()), Arrays.toString(shape)));
    }
    // Before it is read: a file in which many layers share a tensor would grow in memory.
    if (!used.add(tensor.name())) {
      throw new WeightsFormatException(
          file.path(),
          "tensor %s belongs to two layers: a layer's name is used twice, or is that of a pair, a dot"
                  .formatted(tensor.name())
              + " and the name of one of its directions");
    }
    if (tensor.type() == DType.I8) {
      Tensor scales = file.tensor(name + Int8Tensors.SCALE);
      if (!used.add(scales.name())) {
        throw new WeightsFormatException(
            file.path(), "tensor %s belongs to a layer of its own".formatted(scales.name()));
      }
      return Matrix.of(tensor, scales);
    }
    return Matrix.of(tensor);
  }
}
