package io.github.stillgate.importers.keras;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.jhdf.HdfFile;
import io.jhdf.WritableHdfFile;
import io.jhdf.api.WritableGroup;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A sequential Keras model as {@code model.save("model.h5")} lays it out. */
final class KerasModels {
  private final List<Object> layers = new ArrayList<>();
  private final Map<String, List<Object>> weights = new LinkedHashMap<>();
  private String version = "2.15.0";

  private Object last = Map.of();

  KerasModels version(String of) {
    version = of;
    return this;
  }

  /** A layer with options as name, value, name, value, ... */
  KerasModels layer(String kind, String name, Object... options) {
    last = layerOf(kind, name, options);
    layers.add(last);
    return this;
  }

  static Map<String, Object> layerOf(String kind, String name, Object... options) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("name", name);
    for (int i = 0; i < options.length; i += 2) {
      config.put((String) options[i], options[i + 1]);
    }
    return new LinkedHashMap<>(Map.of("class_name", kind, "config", config));
  }

  /** Arrays of the layer called {@code name}, in Keras's order. */
  KerasModels arrays(String name, Object... arrays) {
    weights.put(name, List.of(arrays));
    return this;
  }

  /** Makes it a functional model: the last layer reads {@code from}, [name, 0, 0, {}] each. */
  @SuppressWarnings("unchecked")
  KerasModels from(String... from) {
    List<Object> nodes = new ArrayList<>();
    for (String name : from) {
      nodes.add(List.of(name, 0, 0, Map.of()));
    }
    ((Map<String, Object>) last)
        .put("inbound_nodes", from.length == 0 ? List.of() : List.of(nodes));
    return this;
  }

  private Object config(String... outputs) {
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("name", "model");
    body.put("layers", layers);
    if (outputs.length > 0) {
      List<Object> names = new ArrayList<>();
      for (String output : outputs) {
        names.add(List.of(output, 0, 0));
      }
      body.put("output_layers", names);
    }
    return Map.of("class_name", outputs.length > 0 ? "Functional" : "Sequential", "config", body);
  }

  /**
   * Writes the file.
   *
   * @param outputs those of a functional model; none for a sequential one
   */
  Path write(Path path, String... outputs) throws JsonProcessingException {
    try (WritableHdfFile file = HdfFile.write(path)) {
      file.putAttribute("keras_version", version);
      file.putAttribute("backend", "tensorflow");
      file.putAttribute("model_config", new ObjectMapper().writeValueAsString(config(outputs)));
      WritableGroup all = file.putGroup("model_weights");
      if (!weights.isEmpty()) {
        all.putAttribute("layer_names", weights.keySet().toArray(String[]::new));
      }
      weights.forEach((layer, arrays) -> {
        WritableGroup group = all.putGroup(layer);
        WritableGroup inner = group.putGroup(layer);
        String[] names = new String[arrays.size()];
        for (int i = 0; i < names.length; i++) {
          inner.putDataset("array" + i + ":0", arrays.get(i));
          names[i] = layer + "/array" + i + ":0";
        }
        group.putAttribute("weight_names", names);
      });
    }
    return path;
  }

  static float[][] floats(double[][] matrix) {
    float[][] floats = new float[matrix.length][];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = floats(matrix[i]);
    }
    return floats;
  }

  static float[] floats(double[] vector) {
    float[] floats = new float[vector.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) vector[i];
    }
    return floats;
  }
}
