package io.github.stillgate.bench.network;

import io.github.stillgate.importers.onnx.OnnxFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A network in an ONNX file, and what is said of its inputs.
 *
 * @param name what the tables call it
 * @param file where it is
 * @param settings inputs that are constants, such as a sample rate
 * @param shapes sizes of inputs that the file leaves open
 * @param states inputs that are states which no recurrent layer shows, and the outputs that replace
 *     them
 */
record NetworkCase(
    String name,
    String file,
    Map<String, String> settings,
    Map<String, List<Integer>> shapes,
    Map<String, String> states) {
  /**
   * Reads the file.
   *
   * @throws io.github.stillgate.importers.UnsupportedNetworkException if our reader does not take
   *     the network
   */
  OnnxFile.Import read() throws IOException {
    OnnxFile onnx = OnnxFile.open(Path.of(file));
    if (!settings.isEmpty()) {
      onnx = onnx.withInputs(settings);
    }
    if (!shapes.isEmpty()) {
      onnx = onnx.withShapes(shapes);
    }
    return onnx.withStates(states).network();
  }
}
