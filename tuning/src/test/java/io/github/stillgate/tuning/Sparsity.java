package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Other weights for a network, put into its file by the tensors' names. */
final class Sparsity {
  /** The weight that takes the place of another. */
  interface Weights {
    float at(String tensor, int row, int column, float weight);
  }

  private Sparsity() {}

  static Model of(Model model, Weights weights) {
    try {
      Path file = Files.createTempFile("sparsity", ".safetensors");
      try {
        model.save(file);
        Map<String, String> notes;
        try (WeightsFile before = WeightsFile.open(file)) {
          notes = Map.copyOf(before.metadata());
        }
        WeightsWriter writer = new WeightsWriter();
        notes.forEach(writer::metadata);
        for (Layer layer : model.layers()) {
          layer
              .tensors()
              .forEach((field, m) -> add(writer, layer.name() + "." + field, m, weights));
        }
        writer.write(file);
        return Model.load(file);
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void add(WeightsWriter writer, String name, Matrix m, Weights weights) {
    float[] values = new float[m.rows() * m.columns()];
    for (int row = 0; row < m.rows(); row++) {
      for (int column = 0; column < m.columns(); column++) {
        values[row * m.columns() + column] = weights.at(name, row, column, m.at(row, column));
      }
    }
    int[] shape = m.isVector() ? new int[] {m.rows()} : new int[] {m.rows(), m.columns()};
    writer.tensor(
        name,
        DType.F32,
        (from, count, to, at) -> System.arraycopy(values, from, to, at, count),
        shape);
  }

  /**
   * About {@code density} of the weights that are not biases, each row and each column more or less
   * than that, many none at all. Columns of one number share their fate in all tensors, so that
   * units are left which nothing reads.
   */
  static Model random(Model model, double density, long seed) {
    Random random = new Random(seed);
    double[] columns = random.doubles(4096, 0, 2).map(v -> v < 0.7 ? 0 : v).toArray();
    return of(
        model,
        (tensor, row, column, weight) -> {
          String field = tensor.substring(tensor.lastIndexOf('.') + 1);
          if (field.startsWith("b") || field.equals("e")) {
            return weight;
          }
          boolean vector = List.of("pi", "pf", "po", "vf", "vr").contains(field);
          double share = density * (vector ? 1 : columns[column]);
          return random.nextDouble() < share ? weight : random.nextBoolean() ? 0 : -0f;
        });
  }
}
