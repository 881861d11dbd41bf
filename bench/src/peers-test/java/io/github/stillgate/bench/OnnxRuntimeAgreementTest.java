package io.github.stillgate.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.importers.onnx.OnnxCase;
import io.github.stillgate.importers.onnx.generated.ChainCases;
import io.github.stillgate.importers.onnx.generated.GeneratedCase;
import io.github.stillgate.importers.onnx.generated.OnnxGraph;
import io.github.stillgate.importers.onnx.generated.RecurrentSpec;
import io.github.stillgate.importers.onnx.generated.RecurrentSpecs;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What ONNX Runtime makes of the generated graphs is what this library makes of them. */
class OnnxRuntimeAgreementTest {
  private static final double TOLERANCE = 1e-5;

  @TempDir Path folder;

  static List<RecurrentSpec> specs() {
    return RecurrentSpecs.all();
  }

  @ParameterizedTest
  @MethodSource("specs")
  void recurrentNodesAgree(RecurrentSpec spec) throws Exception {
    // The standard takes the defaults of the operators of the same name; the RNN of ONNX Runtime 0.
    assumeFalse(
        spec.attributes().containsKey("activations")
            && !spec.attributes().containsKey("activation_alpha")
            && List.of(List.of("Affine"), List.of("ThresholdedRelu"))
                .contains(spec.attributes().get("activations")),
        "ONNX Runtime has other default constants");
    requireAgreement(spec.toCase());
  }

  static List<GeneratedCase> chains() {
    return ChainCases.all();
  }

  @ParameterizedTest
  @MethodSource("chains")
  void chainsAgree(GeneratedCase chain) throws Exception {
    requireAgreement(chain);
  }

  private void requireAgreement(GeneratedCase generated) throws Exception {
    GeneratedCase understood =
        new GeneratedCase(generated.name(), BatchSecond.of(generated.model()), generated.inputs());
    OnnxCase written = new OnnxCase(generated.write(folder.resolve("case"), outputs(understood)));
    for (Backend backend : BackendRegistry.usable()) {
      assertThat(written.run(PlanOptions.defaults().withBackend(backend.name()), TOLERANCE))
          .as(backend.name())
          .isInstanceOf(OnnxCase.Outcome.Passed.class);
    }
  }

  private static List<TensorProto> outputs(GeneratedCase generated) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      try (OrtSession session =
          environment.createSession(generated.model().toByteArray(), options)) {
        for (TensorProto input : generated.inputs()) {
          inputs.put(input.getName(), tensor(environment, input));
        }
        List<TensorProto> outputs = new ArrayList<>();
        try (OrtSession.Result result = session.run(inputs)) {
          for (Map.Entry<String, OnnxValue> output : result) {
            OnnxTensor tensor = (OnnxTensor) output.getValue();
            FloatBuffer buffer = tensor.getFloatBuffer();
            float[] values = new float[buffer.remaining()];
            buffer.get(values);
            outputs.add(OnnxGraph.tensor(output.getKey(), tensor.getInfo().getShape(), values));
          }
        }
        return outputs;
      }
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  private static OnnxTensor tensor(OrtEnvironment environment, TensorProto proto)
      throws OrtException {
    long[] shape = proto.getDimsList().stream().mapToLong(Long::longValue).toArray();
    if (proto.getDataType() == TensorProto.DataType.INT32_VALUE) {
      int[] values = proto.getInt32DataList().stream().mapToInt(Integer::intValue).toArray();
      return OnnxTensor.createTensor(environment, IntBuffer.wrap(values), shape);
    }
    float[] values = new float[proto.getRawData().size() / 4];
    proto
        .getRawData()
        .asReadOnlyByteBuffer()
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(values);
    return OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), shape);
  }
}
