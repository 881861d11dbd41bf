package io.github.stillgate.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.importers.onnx.OnnxFile;
import io.github.stillgate.importers.onnx.generated.StreamCases;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A thousand steps of streaming networks with carried states are those of ONNX Runtime, and have
 * the same bits on every backend. Real networks are those below the folder that the system property
 * {@code stillgate.networks} names; they are no part of the repository.
 */
class OnnxRuntimeStreamsTest {
  private static final int STEPS = 1_000;
  private static final double TOLERANCE = 1e-3;
  private static final String FOLDER = "stillgate.networks";

  @TempDir Path folder;

  /**
   * A file and what its graph leaves open.
   *
   * @param path below the folder
   * @param settings inputs that are whole numbers
   * @param shapes of inputs of open sizes
   * @param scale of the random inputs
   */
  record Network(
      String path, Map<String, String> settings, Map<String, List<Integer>> shapes, float scale) {
    @Override
    public String toString() {
      return path;
    }
  }

  static List<Network> networks() {
    Map<String, String> rate = Map.of("sr", "16000");
    return List.of(
        new Network("files/silero_v4.onnx", rate, Map.of("input", List.of(1, 512)), 0.1f),
        new Network("files/silero_v5or6.onnx", rate, Map.of("input", List.of(1, 576)), 0.1f),
        new Network("files/silero_16k_op15.onnx", rate, Map.of("input", List.of(1, 576)), 0.1f),
        new Network("files/silero_op18_ifless.onnx", rate, Map.of("input", List.of(1, 576)), 0.1f),
        new Network("files/silero_openvino_16k.onnx", Map.of(), Map.of(), 0.1f),
        new Network("files/dtln_1.onnx", Map.of(), Map.of(), 1),
        new Network("files/gtcrn.onnx", Map.of(), Map.of(), 0.3f),
        new Network("whole/rnnoise_sh_generated/model.onnx", Map.of(), Map.of(), 1));
  }

  @ParameterizedTest
  @MethodSource("networks")
  void networksAsPeopleHaveThem(Network network) throws Exception {
    String root = System.getProperty(FOLDER, "");
    assumeTrue(
        !root.isEmpty(),
        "-D%s=DIR names no folder of networks; they do not ship".formatted(FOLDER));
    Path file = Path.of(root).resolve(network.path());
    assumeTrue(Files.isRegularFile(file), "%s is not there".formatted(file));
    requireAgreement(file, network.settings(), network.shapes(), network.scale());
  }

  static Stream<StreamCases.Stream> generated() {
    return StreamCases.all().stream();
  }

  @ParameterizedTest
  @MethodSource("generated")
  void generatedNetworksOfTheSameKinds(StreamCases.Stream stream) throws Exception {
    Path file = Files.write(folder.resolve("model.onnx"), stream.model().toByteArray());
    requireAgreement(file, stream.settings(), Map.of(), 1);
  }

  private static void requireAgreement(
      Path file, Map<String, String> settings, Map<String, List<Integer>> shapes, float scale)
      throws Exception {
    OnnxFile.Import read = OnnxFile.open(file).withInputs(settings).withShapes(shapes).network();
    float[][] inputs;
    List<Map<String, float[]>> expected = new ArrayList<>();
    try (Peer peer = new Peer(file, settings, shapes, read.pairs())) {
      Random random = new Random(17);
      inputs = new float[STEPS][peer.width()];
      for (float[] input : inputs) {
        for (int i = 0; i < input.length; i++) {
          input[i] = (float) random.nextGaussian() * scale;
        }
        expected.add(peer.step(input));
      }
      // A network that says the same whatever it reads would agree with anything.
      for (String output : peer.outputs()) {
        assertThat(expected.getLast().get(output)).isNotEqualTo(expected.getFirst().get(output));
      }
    }
    assertThat(read.pairs()).as("states").isNotEmpty();
    Optional<List<Map<String, float[]>>> first = Optional.empty();
    for (Backend backend : BackendRegistry.usable()) {
      List<Map<String, float[]>> given = run(read.model(), backend.name(), inputs, expected);
      if (first.isPresent()) {
        requireSameBits(first.get(), given, backend.name());
      } else {
        first = Optional.of(given);
      }
    }
  }

  private static void requireSameBits(
      List<Map<String, float[]>> first, List<Map<String, float[]>> other, String backend) {
    for (int t = 0; t < first.size(); t++) {
      for (Map.Entry<String, float[]> output : first.get(t).entrySet()) {
        assertThat(Arrays.equals(output.getValue(), other.get(t).get(output.getKey())))
            .as("%s, step %d on %s", output.getKey(), t, backend)
            .isTrue();
      }
    }
  }

  private static List<Map<String, float[]>> run(
      Model model, String backend, float[][] inputs, List<Map<String, float[]>> expected) {
    List<Map<String, float[]>> all = new ArrayList<>();
    try (Plan plan = Plan.compile(model, PlanOptions.defaults().withBackend(backend));
        Session session = Session.open(plan)) {
      for (int t = 0; t < inputs.length; t++) {
        Map<String, float[]> outputs = new LinkedHashMap<>();
        if (model.isChain()) {
          float[] output = new float[model.outputs()];
          session.step(inputs[t], output);
          outputs.put(expected.get(t).keySet().iterator().next(), output);
        } else {
          session.set(model.graph().inputs().getFirst().name(), inputs[t]);
          session.step();
          for (Map.Entry<String, float[]> wanted : expected.get(t).entrySet()) {
            float[] output = new float[wanted.getValue().length];
            session.get(wanted.getKey(), output);
            outputs.put(wanted.getKey(), output);
          }
        }
        int step = t;
        expected
            .get(t)
            .forEach(
                (name, values) -> requireClose(values, outputs.get(name), backend, name, step));
        all.add(outputs);
      }
    }
    return all;
  }

  private static void requireClose(
      float[] expected, float[] given, String backend, String output, int step) {
    assertThat(given).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) given[i])
          .as("%s[%d], step %d on %s", output, i, step, backend)
          .isCloseTo(expected[i], within(TOLERANCE * Math.max(1, Math.abs(expected[i]))));
    }
  }

  /** ONNX Runtime, which is given back what it gave. */
  private static final class Peer implements AutoCloseable {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    private final Map<String, String> carried = new LinkedHashMap<>();
    private String data = "";
    private long[] shape = new long[0];

    Peer(
        Path file,
        Map<String, String> settings,
        Map<String, List<Integer>> shapes,
        List<OnnxFile.StatePair> pairs)
        throws OrtException {
      OrtSession.SessionOptions options = new OrtSession.SessionOptions();
      options.setIntraOpNumThreads(1);
      this.session = environment.createSession(file.toString(), options);
      pairs.forEach(pair -> carried.put(pair.output(), pair.input()));
      for (NodeInfo info : session.getInputInfo().values()) {
        String name = info.getName();
        long[] declared = ((TensorInfo) info.getInfo()).getShape();
        long[] sizes =
            shapes.containsKey(name)
                ? shapes.get(name).stream().mapToLong(Integer::longValue).toArray()
                : Arrays.stream(declared).map(size -> Math.max(1, size)).toArray();
        if (settings.containsKey(name)) {
          LongBuffer value = LongBuffer.wrap(new long[] {Long.parseLong(settings.get(name))});
          inputs.put(name, OnnxTensor.createTensor(environment, value, sizes));
        } else if (carried.containsValue(name)) {
          inputs.put(name, floats(new float[size(sizes)], sizes));
        } else {
          assertThat(data).as("a second input").isEmpty();
          data = name;
          shape = sizes;
        }
      }
    }

    private static int size(long[] sizes) {
      return (int) Arrays.stream(sizes).reduce(1, (a, b) -> a * b);
    }

    private OnnxTensor floats(float[] values, long[] sizes) throws OrtException {
      return OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), sizes);
    }

    int width() {
      return size(shape);
    }

    /** Outputs that are no states. */
    List<String> outputs() {
      return session.getOutputNames().stream().filter(name -> !carried.containsKey(name)).toList();
    }

    Map<String, float[]> step(float[] input) throws OrtException {
      replace(data, input, shape);
      Map<String, float[]> outputs = new LinkedHashMap<>();
      try (OrtSession.Result result = session.run(inputs)) {
        for (String name : session.getOutputNames()) {
          OnnxTensor tensor = (OnnxTensor) result.get(name).orElseThrow();
          FloatBuffer buffer = tensor.getFloatBuffer();
          float[] values = new float[buffer.remaining()];
          buffer.get(values);
          if (carried.containsKey(name)) {
            replace(carried.get(name), values, tensor.getInfo().getShape());
          } else {
            outputs.put(name, values);
          }
        }
      }
      return outputs;
    }

    private void replace(String name, float[] values, long[] sizes) throws OrtException {
      OnnxTensor before = inputs.put(name, floats(values, sizes));
      if (before != null) {
        before.close();
      }
    }

    @Override
    public void close() throws OrtException {
      inputs.values().forEach(OnnxTensor::close);
      session.close();
    }
  }
}
