package io.github.stillgate.bench.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.bench.Networks;
import io.github.stillgate.bench.OnnxGruGraph;
import io.github.stillgate.bench.step.Found;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Matrix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A GRU and a softmax in a file, whose state an output gives back. */
class NetworkForkTest {
  private static final int UNITS = 32;

  @TempDir Path folder;

  private NetworkCase network() throws IOException {
    float[] weights = new float[4 * UNITS];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (i % 7 - 3) / 16f;
    }
    Dense output =
        new Dense(
            "y",
            Matrix.of("W", 4, UNITS, weights),
            Matrix.vector("b", 0.5f, -0.5f, 0.25f, 0),
            Activation.SOFTMAX);
    Path file = folder.resolve("gru.onnx");
    Files.write(
        file,
        OnnxGruGraph.withSoftmax(Networks.gru(8, UNITS).layers().subList(0, 1), output)
            .toByteArray());
    return new NetworkCase("gru", file.toString(), Map.of(), Map.of(), Map.of());
  }

  /** Answers are compared in it, over steps that carry the state. */
  @Test
  void allRowsOfAFileAreTimed() throws IOException {
    NetworkFork.Said said =
        NetworkFork.run(network(), 0.005, true, List.of("native", "vector", "onnxruntime"));
    assertThat(said.times().found())
        .extracting(Found::id)
        .contains("vector/f32", "onnxruntime/f32");
    assertThat(said.times().found().size() + said.times().absent().size()).isEqualTo(3);
    // Three kinds of 32 rows over 8 inputs and 32 units, and 4 rows of the softmax.
    assertThat(said.least()).isEqualTo(new LeastWork(4 * 3968, 3968));
    LayerTimes vector =
        said.layers().stream().filter(one -> one.backend().equals("vector")).findFirst().get();
    assertThat(vector.layers()).extracting(LayerTimes.Share::kind).containsExactly("Gru", "Dense");
    assertThat(vector.layers()).allMatch(layer -> layer.nanos() > 0);
  }

  @Test
  void rowsCanBeLeftOut() throws IOException {
    NetworkFork.Said said = NetworkFork.run(network(), 0.005, false, List.of("onnxruntime"));
    assertThat(said.times().found()).extracting(Found::id).containsExactly("onnxruntime/f32");
    assertThat(said.layers()).isEmpty();
  }
}
