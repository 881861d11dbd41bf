package io.github.stillgate.bench.peer;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.github.stillgate.bench.OnnxGruGraph;
import io.github.stillgate.bench.OnnxLstmGraph;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * ONNX Runtime on one thread, tensors made beforehand and outputs written in place; the state is
 * copied back, n floats a step.
 */
final class OnnxRuntimeStep implements StepContender {
  private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
  private final Map<String, OnnxTensor> outputs = new LinkedHashMap<>();
  private final OrtSession session;
  private final FloatBuffer x;
  private final FloatBuffer[] states;
  private final FloatBuffer[] nextStates;

  OnnxRuntimeStep(Layer layer) throws OrtException {
    byte[] graph =
        switch (layer) {
          case Gru gru -> OnnxGruGraph.of(List.of(gru), 1).toByteArray();
          case Lstm lstm -> OnnxLstmGraph.of(lstm).toByteArray();
          default -> throw new IllegalArgumentException(layer.name());
        };
    List<String> names =
        layer instanceof Lstm ? List.of("h0", "c0", "next0", "nextc0") : List.of("h0", "next0");
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      this.session = environment.createSession(graph, options);
    }
    this.x = floats(layer.inputs());
    inputs.put("x", OnnxTensor.createTensor(environment, x, new long[] {1, 1, layer.inputs()}));
    this.states = new FloatBuffer[names.size() / 2];
    this.nextStates = new FloatBuffer[states.length];
    long[] shape = {1, 1, layer.outputs()};
    for (int i = 0; i < states.length; i++) {
      states[i] = floats(layer.outputs());
      nextStates[i] = floats(layer.outputs());
      inputs.put(names.get(i), OnnxTensor.createTensor(environment, states[i], shape));
      outputs.put(
          names.get(states.length + i), OnnxTensor.createTensor(environment, nextStates[i], shape));
    }
  }

  private static FloatBuffer floats(int count) {
    return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  @Override
  public String name() {
    return Peers.PEER;
  }

  @Override
  public void step(float[] input, float[] out) {
    x.put(0, input);
    try {
      session.run(inputs, outputs).close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
    for (int i = 0; i < states.length; i++) {
      states[i].put(0, nextStates[i], 0, states[i].capacity());
    }
    nextStates[0].get(0, out);
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
