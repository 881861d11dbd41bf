package io.github.stillgate.bench.layer;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.github.stillgate.bench.OnnxGruGraph;
import io.github.stillgate.bench.OnnxLstmGraph;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.plan.WeightFormat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * ONNX Runtime on one thread, tensors made beforehand and outputs written in place; the state is
 * copied back, n floats a stream and call. A sequence is one call with all its steps.
 */
final class OnnxRuntimeLayer implements Contender {
  private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
  private final Map<String, OnnxTensor> outputs = new LinkedHashMap<>();
  private final OrtSession session;
  private final FloatBuffer x;
  private final FloatBuffer[] states;
  private final FloatBuffer[] nextStates;
  private final FloatBuffer results;

  OnnxRuntimeLayer(Layer layer, Case one) throws OrtException {
    boolean sequence = one.steps() > 1;
    byte[] graph =
        switch (layer) {
          case Gru gru when sequence -> OnnxGruGraph.ofSequence(gru, one.steps()).toByteArray();
          case Gru gru -> OnnxGruGraph.of(List.of(gru), one.streams()).toByteArray();
          case Lstm lstm when sequence -> OnnxLstmGraph.ofSequence(lstm, one.steps()).toByteArray();
          case Lstm lstm -> OnnxLstmGraph.of(lstm, one.streams()).toByteArray();
          default ->
              throw new IllegalArgumentException(
                  "layer %s: no graph is written for its kind".formatted(layer.name()));
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
    this.x = floats(one.rows() * layer.inputs());
    long[] inputShape = {one.steps(), one.streams(), layer.inputs()};
    inputs.put("x", OnnxTensor.createTensor(environment, x, inputShape));
    this.states = new FloatBuffer[names.size() / 2];
    this.nextStates = new FloatBuffer[states.length];
    long[] shape = {1, one.streams(), layer.outputs()};
    for (int i = 0; i < states.length; i++) {
      states[i] = floats(one.streams() * layer.outputs());
      nextStates[i] = floats(one.streams() * layer.outputs());
      inputs.put(names.get(i), OnnxTensor.createTensor(environment, states[i], shape));
      outputs.put(
          names.get(states.length + i), OnnxTensor.createTensor(environment, nextStates[i], shape));
    }
    // After a single step the state h is the output.
    this.results = sequence ? floats(one.rows() * layer.outputs()) : nextStates[0];
    if (sequence) {
      long[] outputShape = {one.steps(), 1, one.streams(), layer.outputs()};
      outputs.put("y", OnnxTensor.createTensor(environment, results, outputShape));
    }
  }

  private static FloatBuffer floats(int count) {
    return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  @Override
  public String name() {
    return LayerTable.PEER;
  }

  @Override
  public WeightFormat weights() {
    return WeightFormat.F32;
  }

  @Override
  public void run(float[][] input, float[][] out) {
    for (int row = 0; row < input.length; row++) {
      x.put(row * input[row].length, input[row]);
    }
    try {
      session.run(inputs, outputs).close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
    for (int i = 0; i < states.length; i++) {
      states[i].put(0, nextStates[i], 0, states[i].capacity());
    }
    for (int row = 0; row < out.length; row++) {
      results.get(row * out[row].length, out[row]);
    }
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
