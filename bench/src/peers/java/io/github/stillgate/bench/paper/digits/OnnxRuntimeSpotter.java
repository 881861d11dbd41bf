package io.github.stillgate.bench.paper.digits;

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
 * The whole network in ONNX Runtime on one thread, a frame a call, tensors made beforehand and
 * outputs written in place.
 */
final class OnnxRuntimeSpotter implements Spotter {
  private final OrtSession session;
  private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
  private final Map<String, OnnxTensor> outputs = new LinkedHashMap<>();
  private final FloatBuffer x;
  private final FloatBuffer y;
  private final FloatBuffer[] states;
  private final FloatBuffer[] nextStates;

  OnnxRuntimeSpotter(Model model) throws OrtException {
    int last = model.layers().size() - 1;
    List<Gru> layers = model.layers().subList(0, last).stream().map(layer -> (Gru) layer).toList();
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      byte[] graph =
          OnnxGruGraph.withSoftmax(layers, (Dense) model.layers().get(last)).toByteArray();
      this.session = environment.createSession(graph, options);
    }
    this.x = floats(model.inputs());
    this.y = floats(model.outputs());
    inputs.put("x", tensor(environment, x));
    outputs.put("y", tensor(environment, y));
    this.states = new FloatBuffer[last];
    this.nextStates = new FloatBuffer[last];
    for (int i = 0; i < last; i++) {
      states[i] = floats(layers.get(i).outputs());
      nextStates[i] = floats(layers.get(i).outputs());
      inputs.put("h" + i, tensor(environment, states[i]));
      outputs.put("next" + i, tensor(environment, nextStates[i]));
    }
  }

  private static FloatBuffer floats(int count) {
    return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  private static OnnxTensor tensor(OrtEnvironment environment, FloatBuffer values)
      throws OrtException {
    return OnnxTensor.createTensor(environment, values, new long[] {1, 1, values.capacity()});
  }

  @Override
  public String variant() {
    return "float32";
  }

  @Override
  public String runsIn() {
    return PEER;
  }

  @Override
  public void step(float[] frame, float[] probabilities) {
    x.put(0, frame);
    try {
      session.run(inputs, outputs).close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
    for (int i = 0; i < states.length; i++) {
      states[i].put(0, nextStates[i], 0, states[i].capacity());
    }
    y.get(0, probabilities);
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
