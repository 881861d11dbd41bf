package io.github.stillgate.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.github.stillgate.core.model.Model;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One step of the full GRU 27-n-n of {@link StepBenchmark} in ONNX Runtime, on one thread, all
 * tensors made beforehand and outputs written in place: the fastest way its Java API offers.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class OnnxRuntimeBenchmark {
  /** Units n of each of the two layers. */
  @Param({"128", "256", "512", "1024"})
  public int n;

  private final int[] tokens = new SplittableRandom(5).ints(4096, 0, Networks.TOKENS).toArray();
  private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
  private final Map<String, OnnxTensor> outputs = new LinkedHashMap<>();
  private final FloatBuffer x = floats(Networks.TOKENS);
  private OrtSession session;
  private FloatBuffer[] states;
  private FloatBuffer[] nextStates;
  private int next;

  /** For JMH. */
  public OnnxRuntimeBenchmark() {}

  /** Builds the same network as an ONNX graph. */
  @Setup
  public void open() throws OrtException {
    Model model = Networks.gru(Networks.TOKENS, n);
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      session =
          environment.createSession(OnnxGruGraph.of(model.layers(), 1).toByteArray(), options);
    }
    inputs.put("x", OnnxTensor.createTensor(environment, x, new long[] {1, 1, Networks.TOKENS}));
    int layers = model.layers().size();
    states = new FloatBuffer[layers];
    nextStates = new FloatBuffer[layers];
    for (int i = 0; i < layers; i++) {
      states[i] = floats(n);
      nextStates[i] = floats(n);
      long[] shape = {1, 1, n};
      inputs.put("h" + i, OnnxTensor.createTensor(environment, states[i], shape));
      outputs.put("next" + i, OnnxTensor.createTensor(environment, nextStates[i], shape));
    }
  }

  /** Closes the session. */
  @TearDown
  public void close() throws OrtException {
    session.close();
  }

  /** One step, the state carried over. */
  @Benchmark
  public float step() throws OrtException {
    int token = tokens[next++ & 4095];
    x.put(token, 1 - x.get(token));
    session.run(inputs, outputs).close();
    for (int i = 0; i < states.length; i++) {
      states[i].put(0, nextStates[i], 0, n);
    }
    return nextStates[states.length - 1].get(0);
  }

  private static FloatBuffer floats(int count) {
    return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }
}
