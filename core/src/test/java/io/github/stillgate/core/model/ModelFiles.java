package io.github.stillgate.core.model;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;

/** A good model, and files that hold it or something near it. */
abstract class ModelFiles {
  static final String DESCRIPTION = "stillgate";

  @TempDir Path directory;

  /** A conditional layer a of 4 to 7, a GRU b of 7 to 16 and a linear layer c of 16 to 4. */
  static Model good() {
    return new Model(TestModels.vectors(4, 7, 4, 1).layers(), new Vocabulary("wxyz"));
  }

  record Stored(int[] shape, float[] values) {}

  Path write(String description, Map<String, Stored> tensors) throws IOException {
    WeightsWriter writer = new WeightsWriter().metadata(DESCRIPTION, description);
    tensors.forEach((name, stored) -> writer.tensor(name, stored.values(), stored.shape()));
    Path path = directory.resolve("edited.safetensors");
    writer.write(path);
    return path;
  }

  Path saved() throws IOException {
    Path path = directory.resolve("good.safetensors");
    good().save(path);
    return path;
  }

  String description() throws IOException {
    return descriptionOf(saved());
  }

  Map<String, Stored> tensors() throws IOException {
    return tensorsOf(saved());
  }

  Map<String, Stored> with(String name, float[] values) throws IOException {
    Map<String, Stored> tensors = tensors();
    tensors.put(name, new Stored(tensors.get(name).shape(), values));
    return tensors;
  }

  static String descriptionOf(Path path) throws IOException {
    try (WeightsFile file = WeightsFile.open(path)) {
      return file.metadata().get(DESCRIPTION);
    }
  }

  static Map<String, Stored> tensorsOf(Path path) throws IOException {
    Map<String, Stored> tensors = new LinkedHashMap<>();
    try (WeightsFile file = WeightsFile.open(path)) {
      for (Tensor tensor : file.tensors().values()) {
        int[] shape = Arrays.stream(tensor.shape()).mapToInt(Math::toIntExact).toArray();
        tensors.put(tensor.name(), new Stored(shape, tensor.toFloats()));
      }
    }
    return tensors;
  }
}
