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
import io.github.stillgate.core.plan.WeightFormat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * ONNX Runtime on one thread, tensors made beforehand and outputs written in place; the state is
 * copied back, n floats a stream and step.
 */
final class OnnxRuntimeStep implements Contender {
  private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
  private final Map<String, OnnxTensor> outputs = new LinkedHashMap<>();
  private final OrtSession session;
  private final LayerKind kind;
  private final FloatBuffer x;

  /** The outputs of all steps, or of the only one. */
  private final FloatBuffer all;

  private final FloatBuffer[] states;
  private final FloatBuffer[] nextStates;

  OnnxRuntimeStep(Task task, LayerKind kind) throws OrtException {
    Layer layer = kind.make(task.units());
    this.kind = kind;
    byte[] graph =
        switch (layer) {
          case Gru gru -> OnnxGruGraph.of(List.of(gru), task.steps(), task.streams()).toByteArray();
          case Lstm lstm -> OnnxLstmGraph.of(lstm, task.steps(), task.streams()).toByteArray();
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
    int width = task.units();
    this.x = floats(task.rows() * width);
    inputs.put("x", OnnxTensor.createTensor(environment, x, shape(task.steps(), task, width)));
    this.states = new FloatBuffer[names.size() / 2];
    this.nextStates = new FloatBuffer[states.length];
    for (int i = 0; i < states.length; i++) {
      states[i] = floats(task.streams() * width);
      nextStates[i] = floats(task.streams() * width);
      long[] shape = shape(1, task, width);
      inputs.put(names.get(i), OnnxTensor.createTensor(environment, states[i], shape));
      outputs.put(
          names.get(states.length + i), OnnxTensor.createTensor(environment, nextStates[i], shape));
    }
    if (task.steps() > 1) {
      this.all = floats(task.rows() * width);
      long[] shape = {task.steps(), 1, task.streams(), width};
      outputs.put("y", OnnxTensor.createTensor(environment, all, shape));
    } else {
      this.all = nextStates[0];
    }
  }

  private static long[] shape(int steps, Task task, int width) {
    return new long[] {steps, task.streams(), width};
  }

  private static FloatBuffer floats(int count) {
    return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  @Override
  public String name() {
    return Peers.PEER;
  }

  @Override
  public String layer() {
    return kind.name();
  }

  @Override
  public WeightFormat weights() {
    return WeightFormat.F32;
  }

  @Override
  public void step(float[][] input, float[][] out) {
    for (int s = 0; s < input.length; s++) {
      x.put(s * input[s].length, input[s]);
    }
    try {
      session.run(inputs, outputs).close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
    for (int i = 0; i < states.length; i++) {
      states[i].put(0, nextStates[i], 0, states[i].capacity());
    }
    for (int s = 0; s < out.length; s++) {
      all.get(s * out[s].length, out[s]);
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
