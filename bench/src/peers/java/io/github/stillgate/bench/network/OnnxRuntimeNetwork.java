package io.github.stillgate.bench.network;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import io.github.stillgate.bench.OnnxThread;
import io.github.stillgate.bench.step.Contender;
import io.github.stillgate.bench.step.Feed;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.importers.onnx.OnnxFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A file in ONNX Runtime as its Java API is fastest: tensors over direct buffers made beforehand,
 * outputs written in place, and the buffers of states and next states changing places after each
 * step.
 */
final class OnnxRuntimeNetwork implements Contender {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final Turn[] turns = {new Turn(), new Turn()};
  private final FloatBuffer[] fed;
  private int turn;

  /** What every other step reads and writes. */
  private static final class Turn {
    private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    private final Map<String, OnnxTensor> outputs = new LinkedHashMap<>();
    private FloatBuffer[] given = {};
  }

  /** A tensor and the memory below it. */
  private record Memory(OnnxTensor tensor, FloatBuffer floats) {}

  /** Opens the file again; {@code read} is what our reader found in it. */
  OnnxRuntimeNetwork(NetworkCase network, OnnxFile.Import read) throws OrtException {
    this.session = OnnxThread.open(network.file());
    Map<String, String> states = new LinkedHashMap<>(network.states());
    read.pairs().forEach(pair -> states.put(pair.input(), pair.output()));
    Map<String, FloatBuffer> free = new LinkedHashMap<>();
    for (NodeInfo input : session.getInputInfo().values()) {
      String name = input.getName();
      TensorInfo info = (TensorInfo) input.getInfo();
      long[] shape = shape(network, name, info);
      if (network.settings().containsKey(name)) {
        give(name, constant(network.settings().get(name), info, shape));
      } else if (states.containsKey(name)) {
        turns[0].inputs.put(name, memory(shape).tensor);
        turns[1].inputs.put(name, memory(shape).tensor);
      } else {
        Memory memory = memory(shape);
        give(name, memory.tensor);
        free.put(name, memory.floats);
      }
    }
    Graph graph = read.model().graph();
    this.fed = inOrder(graph.inputs().stream().map(Graph.Value::name).toList(), free);
    states.forEach((input, output) -> {
      turns[0].outputs.put(output, turns[1].inputs.get(input));
      turns[1].outputs.put(output, turns[0].inputs.get(input));
    });
    // A step on zeros tells the shapes of what it gives.
    try (OrtSession.Result result = session.run(turns[0].inputs)) {
      for (Turn one : turns) {
        Map<String, FloatBuffer> given = new LinkedHashMap<>();
        for (Map.Entry<String, OnnxValue> output : result) {
          if (!one.outputs.containsKey(output.getKey())) {
            Memory memory = memory(((TensorInfo) output.getValue().getInfo()).getShape());
            one.outputs.put(output.getKey(), memory.tensor);
            given.put(output.getKey(), memory.floats);
          }
        }
        one.given = inOrder(graph.outputs(), given);
      }
    }
  }

  private void give(String name, OnnxTensor tensor) {
    turns[0].inputs.put(name, tensor);
    turns[1].inputs.put(name, tensor);
  }

  /** Open sizes are 1 if nothing is said of them. */
  private static long[] shape(NetworkCase network, String name, TensorInfo info) {
    List<Integer> said = network.shapes().get(name);
    return said == null
        ? Arrays.stream(info.getShape()).map(size -> Math.max(1, size)).toArray()
        : said.stream().mapToLong(Integer::longValue).toArray();
  }

  private OnnxTensor constant(String text, TensorInfo info, long[] shape) throws OrtException {
    double[] values = Arrays.stream(text.split(",")).mapToDouble(Double::parseDouble).toArray();
    return info.type == OnnxJavaType.INT64
        ? OnnxTensor.createTensor(
            environment,
            LongBuffer.wrap(Arrays.stream(values).mapToLong(v -> (long) v).toArray()),
            shape)
        : memory(shape, values);
  }

  private OnnxTensor memory(long[] shape, double[] values) throws OrtException {
    Memory memory = memory(shape);
    for (int i = 0; i < values.length; i++) {
      memory.floats.put(i, (float) values[i]);
    }
    return memory.tensor;
  }

  private Memory memory(long[] shape) throws OrtException {
    int count = Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
    FloatBuffer floats =
        ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder()).asFloatBuffer();
    return new Memory(OnnxTensor.createTensor(environment, floats, shape), floats);
  }

  /** By their names; a single one may be called otherwise there. */
  private static FloatBuffer[] inOrder(List<String> names, Map<String, FloatBuffer> all) {
    if (names.size() == 1 && all.size() == 1) {
      return all.values().toArray(FloatBuffer[]::new);
    }
    for (String name : names) {
      if (!all.containsKey(name)) {
        throw new IllegalStateException(
            "the network has %s, ONNX Runtime has %s".formatted(names, all.keySet()));
      }
    }
    return names.stream().map(all::get).toArray(FloatBuffer[]::new);
  }

  @Override
  public void step(Feed feed, float[] out) {
    int at = 0;
    for (FloatBuffer input : fed) {
      input.put(0, feed.x(), at, input.capacity());
      at += input.capacity();
    }
    Turn now = turns[turn];
    try {
      session.run(now.inputs, now.outputs).close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
    at = 0;
    for (FloatBuffer output : now.given) {
      output.get(0, out, at, output.capacity());
      at += output.capacity();
    }
    turn = 1 - turn;
  }

  @Override
  public Work work() {
    return Work.whole(Double.NaN);
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
