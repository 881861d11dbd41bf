package io.github.stillgate.bench;

import ai.onnx.proto.OnnxMl;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.google.protobuf.ByteString;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
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
      session = environment.createSession(graph(model).toByteArray(), options);
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

  /** A chain of GRU nodes; ONNX's update gate weighs the old state, so ours is negated. */
  static OnnxMl.ModelProto graph(Model model) {
    OnnxMl.GraphProto.Builder graph = OnnxMl.GraphProto.newBuilder().setName("gru");
    String from = "x";
    graph.addInput(value("x", 1, 1, model.inputs()));
    for (int i = 0; i < model.layers().size(); i++) {
      Gru gru = (Gru) model.layers().get(i);
      long units = gru.outputs();
      Matrix none = Matrix.vector("none", new float[gru.outputs()]);
      graph.addInput(value("h" + i, 1, 1, units));
      graph.addInitializer(
          tensor("W" + i, new long[] {1, 3 * units, gru.inputs()}, gru.wz(), gru.wr(), gru.wc()));
      graph.addInitializer(
          tensor("R" + i, new long[] {1, 3 * units, units}, gru.uz(), gru.ur(), gru.uc()));
      graph.addInitializer(
          tensor(
              "B" + i, new long[] {1, 6 * units}, gru.bz(), gru.br(), gru.bc(), none, none, none));
      graph.addNode(
          OnnxMl.NodeProto.newBuilder()
              .setOpType("GRU")
              .addInput(from)
              .addInput("W" + i)
              .addInput("R" + i)
              .addInput("B" + i)
              .addInput("")
              .addInput("h" + i)
              .addOutput("")
              .addOutput("next" + i)
              .addAttribute(integer("hidden_size", units))
              .addAttribute(integer("linear_before_reset", 1)));
      graph.addOutput(value("next" + i, 1, 1, units));
      // (1, 1, n) is the last state and also the sequence of one step that the next layer reads.
      from = "next" + i;
    }
    return OnnxMl.ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OnnxMl.OperatorSetIdProto.newBuilder().setVersion(14))
        .setGraph(graph)
        .build();
  }

  private static OnnxMl.AttributeProto integer(String name, long value) {
    return OnnxMl.AttributeProto.newBuilder()
        .setName(name)
        .setType(OnnxMl.AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  private static OnnxMl.ValueInfoProto value(String name, long... shape) {
    OnnxMl.TensorShapeProto.Builder dimensions = OnnxMl.TensorShapeProto.newBuilder();
    for (long extent : shape) {
      dimensions.addDim(OnnxMl.TensorShapeProto.Dimension.newBuilder().setDimValue(extent));
    }
    return OnnxMl.ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            OnnxMl.TypeProto.newBuilder()
                .setTensorType(
                    OnnxMl.TypeProto.Tensor.newBuilder()
                        .setElemType(OnnxMl.TensorProto.DataType.FLOAT_VALUE)
                        .setShape(dimensions)))
        .build();
  }

  /** The matrices one below the other, the first (the update gate's) negated. */
  private static OnnxMl.TensorProto tensor(String name, long[] shape, Matrix... matrices) {
    int size = 0;
    for (Matrix m : matrices) {
      size += m.rows() * m.columns();
    }
    ByteBuffer bytes = ByteBuffer.allocate(4 * size).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < matrices.length; i++) {
      for (float weight : matrices[i].toArray()) {
        bytes.putFloat(i == 0 ? -weight : weight);
      }
    }
    OnnxMl.TensorProto.Builder tensor =
        OnnxMl.TensorProto.newBuilder()
            .setName(name)
            .setDataType(OnnxMl.TensorProto.DataType.FLOAT_VALUE)
            .setRawData(ByteString.copyFrom(bytes.array()));
    for (long extent : shape) {
      tensor.addDims(extent);
    }
    return tensor.build();
  }
}
