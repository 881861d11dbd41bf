package io.github.stillgate.contract;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;

/** Makes models of which some rows are zeros, as structured sparsification leaves them. */
final class ZeroedRows {
  private ZeroedRows() {}

  /** Which rows become zeros. */
  interface Choice {
    /**
     * Whether a row does.
     *
     * @param matrix its full name, such as {@code rnn0.Wo}
     */
    boolean isZero(String matrix, int row);
  }

  /**
   * {@code model} with the chosen rows of its matrices zeroed; every other zero is negative. By way
   * of a file, so that it works for layers of any kind.
   */
  static Model of(Model model, Choice choice) {
    try {
      Path file = Files.createTempFile("zeroed", ".safetensors");
      try {
        model.writer(DType.F32, Map.of()).write(file);
        zero(file, choice);
        return Model.load(file);
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void zero(Path path, Choice choice) throws IOException {
    WeightsWriter writer = new WeightsWriter();
    try (WeightsFile file = WeightsFile.open(path)) {
      file.metadata().forEach(writer::metadata);
      for (String name : file.tensors().keySet()) {
        Tensor tensor = file.tensor(name);
        long[] shape = tensor.shape();
        float[] values = tensor.toFloats();
        if (shape.length == 1) {
          writer.tensor(name, values, (int) shape[0]);
          continue;
        }
        int columns = (int) shape[1];
        for (int i = 0; i < values.length; i++) {
          if (choice.isZero(name, i / columns)) {
            values[i] = i % 2 == 0 ? 0f : -0f;
          }
        }
        writer.tensor(name, values, (int) shape[0], columns);
      }
    }
    writer.write(path);
  }

  /**
   * Rows of a gate over input and state together, and now and then of one of the two; in a layer of
   * any width. W and U of one gate differ in their second last letter.
   */
  static Choice random(long seed, double share) {
    return (matrix, row) -> {
      String gate = matrix.substring(matrix.lastIndexOf('.') + 2);
      String layer = matrix.substring(0, matrix.lastIndexOf('.'));
      long ofGate = seed + 31L * (layer + "/" + gate).hashCode() + row;
      long ofMatrix = seed + 37L * matrix.hashCode() + row;
      return new Random(ofGate * 0x9E3779B97F4A7C15L).nextDouble() < share
          || new Random(ofMatrix * 0x9E3779B97F4A7C15L).nextDouble() < share / 4;
    };
  }

  /** All rows of the matrices that belong to a gate, over input and state. */
  static Choice gate(String layer, String gate) {
    return (matrix, _) -> matrix.equals(layer + ".W" + gate) || matrix.equals(layer + ".U" + gate);
  }

  /** Every row of every matrix. */
  static final Choice EVERYTHING = (_, _) -> true;
}
