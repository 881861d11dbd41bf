package io.github.stillgate.importers.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.importers.onnx.generated.OnnxReference;
import io.github.stillgate.importers.onnx.generated.RecurrentSpec;
import io.github.stillgate.importers.onnx.generated.RecurrentSpecs;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every attribute of the recurrent nodes against the formulas of the standard in float64. */
class OnnxGeneratedTest {
  @TempDir Path folder;

  static List<RecurrentSpec> specs() {
    return RecurrentSpecs.all();
  }

  @ParameterizedTest
  @MethodSource("specs")
  void isWhatTheStandardsFormulasSay(RecurrentSpec spec) throws Exception {
    OnnxCase written =
        new OnnxCase(spec.toCase().write(folder.resolve("case"), OnnxReference.outputs(spec)));
    for (Backend backend : BackendRegistry.usable()) {
      PlanOptions options = PlanOptions.defaults().withBackend(backend.name());
      assertThat(written.run(options, spec.isStandard() ? 2e-6 : 1e-5))
          .as(backend.name())
          .isInstanceOf(OnnxCase.Outcome.Passed.class);
    }
  }
}
