package io.github.stillgate.bench.paper.sru;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.github.stillgate.bench.OnnxLstmStack;
import io.github.stillgate.core.model.Model;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;

/**
 * A stack of LSTMs in ONNX Runtime on one thread: all sequences in one call, tensors made
 * beforehand and outputs written in place.
 */
final class OnnxRuntimeStack implements SequenceBatch {
  private final OrtSession session;
  private final FloatBuffer x;
  private final FloatBuffer y;
  private final Map<String, OnnxTensor> inputs;
  private final Map<String, OnnxTensor> outputs;

  OnnxRuntimeStack(Model model, int sequences, int steps) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      byte[] graph = OnnxLstmStack.of(model, sequences, steps).toByteArray();
      this.session = environment.createSession(graph, options);
    }
    this.x = floats(sequences * steps * model.inputs());
    this.y = floats(sequences * steps * model.outputs());
    long[] read = {steps, sequences, model.inputs()};
    long[] written = {steps, sequences, model.outputs()};
    this.inputs = Map.of("x", OnnxTensor.createTensor(environment, x, read));
    this.outputs = Map.of("y", OnnxTensor.createTensor(environment, y, written));
  }

  private static FloatBuffer floats(int count) {
    return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  @Override
  public String name() {
    return PEER;
  }

  @Override
  public void run(float[][][] input, float[][][] out) {
    for (int s = 0; s < input.length; s++) {
      for (int t = 0; t < input[s].length; t++) {
        x.put((t * input.length + s) * input[s][t].length, input[s][t]);
      }
    }
    try {
      session.run(inputs, outputs).close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
    for (int s = 0; s < out.length; s++) {
      for (int t = 0; t < out[s].length; t++) {
        y.get((t * out.length + s) * out[s][t].length, out[s][t]);
      }
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
