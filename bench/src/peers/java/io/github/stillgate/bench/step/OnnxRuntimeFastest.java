package io.github.stillgate.bench.step;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.github.stillgate.core.model.Layer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * ONNX Runtime as its Java API is fastest: tensors over direct buffers made beforehand, outputs
 * written in place, and the buffers of the states and of the next states changing places after each
 * step, so that no state is copied.
 */
final class OnnxRuntimeFastest implements Contender {
  private final OrtSession session;
  private final double bytes;
  private final FloatBuffer x;
  private final Map<String, OnnxTensor> evenInputs = new LinkedHashMap<>();
  private final Map<String, OnnxTensor> evenOutputs = new LinkedHashMap<>();
  private final Map<String, OnnxTensor> oddInputs = new LinkedHashMap<>();
  private final Map<String, OnnxTensor> oddOutputs = new LinkedHashMap<>();
  private final FloatBuffer[] results = new FloatBuffer[2];
  private int parity;

  OnnxRuntimeFastest(List<Layer> layers, boolean int8) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    OnnxRuntimeGraphs graph = new OnnxRuntimeGraphs(layers, int8);
    this.session = graph.open();
    this.bytes = graph.bytes();
    this.x = floats(graph.inputs());
    OnnxTensor input = OnnxTensor.createTensor(environment, x, new long[] {1, 1, graph.inputs()});
    evenInputs.put("x", input);
    oddInputs.put("x", input);
    long[] shape = {1, 1, graph.units()};
    for (String state : graph.states()) {
      FloatBuffer one = floats(graph.units());
      FloatBuffer other = floats(graph.units());
      OnnxTensor first = OnnxTensor.createTensor(environment, one, shape);
      OnnxTensor second = OnnxTensor.createTensor(environment, other, shape);
      evenInputs.put(state, first);
      evenOutputs.put(OnnxRuntimeGraphs.next(state), second);
      oddInputs.put(state, second);
      oddOutputs.put(OnnxRuntimeGraphs.next(state), first);
      if (state.equals(graph.output())) {
        results[0] = other;
        results[1] = one;
      }
    }
  }

  private static FloatBuffer floats(int count) {
    return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  @Override
  public void step(Feed feed, float[] out) {
    x.put(0, feed.x());
    try {
      if (parity == 0) {
        session.run(evenInputs, evenOutputs).close();
      } else {
        session.run(oddInputs, oddOutputs).close();
      }
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
    results[parity].get(0, out);
    parity = 1 - parity;
  }

  @Override
  public Work work() {
    return Work.whole(bytes);
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
