package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.weights.Tensor;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsFormatException;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An interrupted training on disk: a safetensors file with the network, Adam's moments, the carried
 * states and, in its metadata, the recipe and the number of updates done.
 */
record Checkpoint(Path path, Recipe recipe, int update, Map<String, float[]> tensors) {
  private static final String RECIPE = "stillgate.recipe";
  private static final String UPDATE = "stillgate.update";
  private static final JsonMapper JSON = JsonMapper.builder().build();

  static Checkpoint read(Path path) throws IOException {
    try (WeightsFile file = WeightsFile.open(path)) {
      String recipe = file.metadata().get(RECIPE);
      String update = file.metadata().get(UPDATE);
      if (recipe == null || update == null) {
        throw new WeightsFormatException(path, "is not a training checkpoint");
      }
      Map<String, float[]> tensors = new LinkedHashMap<>();
      for (Tensor tensor : file.tensors().values()) {
        tensors.put(tensor.name(), tensor.toFloats());
      }
      return new Checkpoint(
          path, JSON.readValue(recipe, Recipe.class), Integer.parseInt(update), tensors);
    } catch (JsonProcessingException | NumberFormatException e) {
      throw new WeightsFormatException(path, "has a broken recipe: " + e.getMessage(), e);
    }
  }

  float[] values(String name) {
    float[] values = tensors.get(name);
    if (values == null) {
      throw new WeightsFormatException(path, "lacks " + name);
    }
    return values;
  }

  void restore(String name, NDArray array) {
    array.set(values(name));
  }

  static final class Writer {
    private final WeightsWriter file = new WeightsWriter();

    Writer(Recipe recipe, int update) throws JsonProcessingException {
      file.metadata(RECIPE, JSON.writeValueAsString(recipe));
      file.metadata(UPDATE, Integer.toString(update));
    }

    void add(String name, NDArray array) {
      add(name, array.toFloatArray());
    }

    void add(String name, float[] values) {
      file.tensor(name, values, values.length);
    }

    void write(Path path) throws IOException {
      file.write(path);
    }
  }
}
