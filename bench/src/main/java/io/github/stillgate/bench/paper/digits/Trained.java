package io.github.stillgate.bench.paper.digits;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.importers.torch.LayerRequest;
import io.github.stillgate.importers.torch.StateDict;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/**
 * A network that was trained on one fold.
 *
 * @param folder of its training
 * @param units of a layer
 * @param parameters their number
 * @param epochs of its training
 * @param decoder what its trainer chose on training speakers
 * @param accuracy share of the test words that it spots, by its trainer
 * @param machine what it was trained on, in words
 */
record Trained(
    Path folder,
    int units,
    int parameters,
    int epochs,
    Decoder.Settings decoder,
    double accuracy,
    String machine) {
  /**
   * Takes over a finished training's record.
   *
   * @throws IOException if its result is not what the trainer writes
   */
  static Trained of(Path folder, JsonNode record) throws IOException {
    JsonNode result = record.path("result");
    JsonNode decoder = result.path("decoder");
    if (!decoder.path("window").isInt()
        || !decoder.path("threshold").isNumber()
        || !decoder.path("refractory").isInt()
        || !result.path("test").path("accuracy").isNumber()) {
      throw new IOException(
          "%s: its result lacks the decoder or the test score; train again with training/pytorch/digits.py"
              .formatted(folder.resolve("record.json")));
    }
    return new Trained(
        folder,
        record.path("settings").path("units").asInt(),
        result.path("parameters").asInt(),
        record.path("settings").path("epochs").asInt(),
        new Decoder.Settings(
            decoder.path("window").asInt(),
            decoder.path("threshold").asDouble(),
            decoder.path("refractory").asInt()),
        result.path("test").path("accuracy").asDouble(),
        record.path("machine").asText());
  }

  /** LAYERSxUNITS. */
  String name() {
    return folder.getFileName().toString();
  }

  Model model() throws IOException {
    return model(folder);
  }

  TestStream stream() throws IOException {
    return stream(folder);
  }

  /** The test stream that a training in {@code folder} was scored on: its fold's. */
  static TestStream stream(Path folder) throws IOException {
    return TestStream.read(Objects.requireNonNull(folder.toAbsolutePath().getParent()));
  }

  /** The network in the folder of a training, imported as any PyTorch state dict is. */
  static Model model(Path folder) throws IOException {
    try (WeightsFile file = WeightsFile.open(folder.resolve("network.safetensors"))) {
      return StateDict.read(
              file, LayerRequest.parse("gru:gru, linear:out:softmax"), Optional.empty())
          .model();
    }
  }
}
