package io.github.stillgate.bench.step;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.github.stillgate.core.model.Layer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** ONNX Runtime as most write it in Java: in each step tensors of arrays, and arrays of results. */
final class OnnxRuntimeUsual implements Contender {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final double bytes;
  private final String output;
  private final Map<String, float[][][]> states = new LinkedHashMap<>();

  OnnxRuntimeUsual(List<Layer> layers, boolean int8) throws OrtException {
    OnnxRuntimeGraphs graph = new OnnxRuntimeGraphs(layers, int8);
    this.session = graph.open();
    this.bytes = graph.bytes();
    this.output = graph.output();
    graph.states().forEach(state -> states.put(state, new float[1][1][graph.units()]));
  }

  @Override
  public void step(Feed feed, float[] out) {
    Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    try {
      inputs.put("x", OnnxTensor.createTensor(environment, new float[][][] {{feed.x()}}));
      for (Map.Entry<String, float[][][]> state : states.entrySet()) {
        inputs.put(state.getKey(), OnnxTensor.createTensor(environment, state.getValue()));
      }
      try (OrtSession.Result result = session.run(inputs)) {
        for (Map.Entry<String, float[][][]> state : states.entrySet()) {
          String next = OnnxRuntimeGraphs.next(state.getKey());
          state.setValue((float[][][]) result.get(next).orElseThrow().getValue());
        }
      }
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
    System.arraycopy(states.get(output)[0][0], 0, out, 0, out.length);
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
