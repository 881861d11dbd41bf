package io.github.stillgate.bench.paper.gru;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.github.stillgate.bench.OnnxGruGraph;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Model;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The full GRU in ONNX Runtime on one thread, tensors made beforehand and outputs written in place.
 * The output layer is left out, in its favour.
 */
final class OnnxRuntimeGru implements DenseGru {
  private final Dense output;
  private final int streams;
  private final int units;
  private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
  private final Map<String, OnnxTensor> outputs = new LinkedHashMap<>();
  private final OrtSession session;
  private final FloatBuffer x;
  private final FloatBuffer[] states;
  private final FloatBuffer[] nextStates;
  private final int width;

  OnnxRuntimeGru(Model gru, int streams) throws OrtException {
    List<Gru> layers = DenseGru.layers(gru);
    this.output = DenseGru.output(gru);
    this.streams = streams;
    this.units = layers.getFirst().outputs();
    this.width = gru.inputs();
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      byte[] graph = OnnxGruGraph.of(layers, streams).toByteArray();
      this.session = environment.createSession(graph, options);
    }
    this.x = floats(streams * width);
    inputs.put("x", OnnxTensor.createTensor(environment, x, new long[] {1, streams, width}));
    this.states = new FloatBuffer[layers.size()];
    this.nextStates = new FloatBuffer[layers.size()];
    for (int i = 0; i < states.length; i++) {
      states[i] = floats(streams * units);
      nextStates[i] = floats(streams * units);
      long[] shape = {1, streams, units};
      inputs.put("h" + i, OnnxTensor.createTensor(environment, states[i], shape));
      outputs.put("next" + i, OnnxTensor.createTensor(environment, nextStates[i], shape));
    }
  }

  private static FloatBuffer floats(int count) {
    return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  @Override
  public String name() {
    return "onnxruntime";
  }

  @Override
  public void step(int[] tokens) {
    for (int s = 0; s < streams; s++) {
      x.put(s * width + tokens[s], 1);
    }
    try {
      session.run(inputs, outputs).close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
    for (int s = 0; s < streams; s++) {
      x.put(s * width + tokens[s], 0);
    }
    for (int i = 0; i < states.length; i++) {
      states[i].put(0, nextStates[i], 0, states[i].capacity());
    }
  }

  /** By an output layer of our own. */
  @Override
  public int likeliest(int stream) {
    FloatBuffer h = nextStates[states.length - 1];
    float[] sums = new float[output.outputs()];
    for (int row = 0; row < sums.length; row++) {
      sums[row] = output.b().at(row, 0);
      for (int k = 0; k < units; k++) {
        sums[row] += output.w().at(row, k) * h.get(stream * units + k);
      }
    }
    return DenseGru.likeliest(sums);
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }
}
