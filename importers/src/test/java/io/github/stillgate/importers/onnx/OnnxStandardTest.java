package io.github.stillgate.importers.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.plan.PlanOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The node tests of the ONNX standard, which are not part of this repository. */
class OnnxStandardTest {
  private static final Path FOLDER =
      Path.of(System.getProperty("stillgate.onnxNodeTests", "../../shared/data/onnx-node-tests"));

  @Test
  void everyNodeTestPassesOnEveryBackend() throws Exception {
    assumeTrue(
        Files.isDirectory(FOLDER),
        () -> FOLDER + " is absent; name it with -Dstillgate.onnxNodeTests=DIR");
    List<OnnxCase> cases = OnnxCase.in(FOLDER);
    assertThat(cases).isNotEmpty();
    for (OnnxCase test : cases) {
      for (Backend backend : BackendRegistry.usable()) {
        assertThat(test.run(PlanOptions.defaults().withBackend(backend.name()), 1e-5))
            .as("%s on %s", test.name(), backend.name())
            .isInstanceOf(OnnxCase.Outcome.Passed.class);
      }
    }
  }
}
