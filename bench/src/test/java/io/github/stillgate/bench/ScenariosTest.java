package io.github.stillgate.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.kernel.BackendRegistry;
import org.junit.jupiter.api.Test;

/** A benchmark's scenarios run as tests too, so that none can measure a wrong answer. */
class ScenariosTest {
  @Test
  void everyBackendMultipliesTheSame() {
    float[] expected = null;
    for (var backend : BackendRegistry.usable()) {
      GemvBenchmark benchmark = new GemvBenchmark();
      benchmark.n = 128;
      benchmark.live = 0.25;
      benchmark.backend = backend.name();
      benchmark.pack();
      float[] sums = benchmark.multiply().toArray(JAVA_FLOAT);
      benchmark.free();
      assertThat(sums).contains(0f).isNotEqualTo(new float[sums.length]);
      if (expected != null) {
        assertThat(sums).isEqualTo(expected);
      }
      expected = sums;
    }
  }

  @Test
  void theBlasAgreesWithinItsRounding() {
    BlasBenchmark blas = new BlasBenchmark();
    blas.n = 96;
    blas.fill();
    float[] product = blas.sgemv().toArray(JAVA_FLOAT);
    for (int row = 0; row < product.length; row++) {
      // A sum of 96 products below 1 in magnitude, in any order: 96 roundings of at most 96 ulp(1)
      // / 2.
      assertThat((double) product[row]).isCloseTo(blas.exact(row), within(96 * 96 * 6e-8));
    }
    blas.free();
  }

  @Test
  void theNetworksMoveAsManyUnitsAsTheyShould() {
    double dense = StepBenchmark.bytesPerStep(128, "dense");
    double skip = StepBenchmark.bytesPerStep(128, "skip");
    // Rows of live units: 2 over h in both layers, 2 over x in the second, 128 floats each.
    double saved = dense - skip;
    double rows = (2 + 4) * 128 * 128 * 4.0;
    assertThat(1 - saved / rows).isCloseTo(StepBenchmark.LIVE, within(0.05));
  }
}
