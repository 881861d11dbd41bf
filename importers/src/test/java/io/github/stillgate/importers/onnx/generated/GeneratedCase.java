package io.github.stillgate.importers.onnx.generated;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A graph and what goes in.
 *
 * @param name what it tests
 * @param model the graph
 * @param inputs in the order of the graph's inputs, named like them
 */
public record GeneratedCase(String name, ModelProto model, List<TensorProto> inputs) {
  /**
   * Writes it as a test case with these outputs and returns the folder, which is {@code folder}.
   */
  public Path write(Path folder, List<TensorProto> outputs) throws IOException {
    Path set = Files.createDirectories(folder.resolve("test_data_set_0"));
    Files.write(folder.resolve("model.onnx"), model.toByteArray());
    for (int i = 0; i < inputs.size(); i++) {
      Files.write(set.resolve("input_%d.pb".formatted(i)), inputs.get(i).toByteArray());
    }
    for (int i = 0; i < outputs.size(); i++) {
      Files.write(set.resolve("output_%d.pb".formatted(i)), outputs.get(i).toByteArray());
    }
    return folder;
  }

  @Override
  public String toString() {
    return name;
  }
}
