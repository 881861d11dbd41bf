package io.github.stillgate.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.WeightFormat;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A benchmark's scenarios run as tests too, so that none can measure a wrong answer. */
class ScenariosTest {
  @ParameterizedTest
  @EnumSource(names = {"INTERLEAVED", "CHAIN"})
  void everyBackendMultipliesTheSame(SumOrder order) {
    for (WeightFormat weights : List.of(WeightFormat.F32, WeightFormat.BF16)) {
      float[] expected = null;
      for (Backend backend : BackendRegistry.usable()) {
        GemvBenchmark benchmark = new GemvBenchmark();
        benchmark.n = 128;
        benchmark.live = 0.25;
        benchmark.backend = backend.name();
        benchmark.order = order;
        benchmark.weights = weights;
        benchmark.pack();
        float[] sums = benchmark.multiply().toArray(JAVA_FLOAT);
        benchmark.free();
        assertThat(sums).contains(0f).isNotEqualTo(new float[sums.length]);
        if (expected != null) {
          assertThat(sums).as("%s %s", backend.name(), weights).isEqualTo(expected);
        }
        expected = sums;
      }
    }
  }

  @Test
  void theBoundCountsTheRowsOfLiveGroups() {
    // Two rows of 128 weights for each of 32 units: single ones, or one block.
    assertThat(GemvBenchmark.bytes(128, 0.25, SumOrder.INTERLEAVED, WeightFormat.F32))
        .isEqualTo(32 * 2 * 128 * 4);
    assertThat(GemvBenchmark.bytes(128, 0.25, SumOrder.CHAIN, WeightFormat.BF16))
        .isEqualTo(32 * 2 * 128 * 2);
    // 6 % of four blocks is none; one is live all the same.
    assertThat(GemvBenchmark.bytes(128, 0.06, SumOrder.CHAIN, WeightFormat.F32))
        .isEqualTo(32 * 2 * 128 * 4);
    assertThat(OrderBenchmark.bytes(128, 3, WeightFormat.BF16)).isEqualTo(6 * 128 * 128 * 2);
  }

  /** The two orders differ by rounding alone, a batch and a single stream not at all. */
  @Test
  void theOrdersThatAreComparedSumTheSame() {
    for (Backend backend : BackendRegistry.usable()) {
      float[] rows = sumsOverState(backend, SumOrder.INTERLEAVED, 1);
      float[] panels = sumsOverState(backend, SumOrder.CHAIN, 1);
      assertThat(panels).hasSameSizeAs(rows).doesNotContain(0f);
      for (int i = 0; i < rows.length; i++) {
        // 64 products below 1 in magnitude, in any order.
        assertThat((double) panels[i]).isCloseTo(rows[i], within(2 * 64 * 64 * 0x1p-24));
      }
      assertThat(sumsOverState(backend, SumOrder.INTERLEAVED, 2)).isEqualTo(rows);
      assertThat(sumsOverState(backend, SumOrder.CHAIN, 2)).isEqualTo(panels);
    }
  }

  /** Those of the first stream. */
  private static float[] sumsOverState(Backend backend, SumOrder order, int streams) {
    OrderBenchmark benchmark = new OrderBenchmark();
    benchmark.n = 64;
    benchmark.kinds = 3;
    benchmark.backend = backend.name();
    benchmark.order = order;
    benchmark.weights = WeightFormat.F32;
    benchmark.streams = streams;
    benchmark.pack();
    benchmark.multiply();
    float[] sums = benchmark.sumsOverState(0).toArray(JAVA_FLOAT);
    benchmark.free();
    return sums;
  }

  @ParameterizedTest
  @EnumSource(CellsBenchmark.Cell.class)
  void aFusedCellHasTheBitsOfTheComposedOne(CellsBenchmark.Cell cell) {
    float[] expected = null;
    for (Backend backend : BackendRegistry.usable()) {
      for (CellsBenchmark.Form form : CellsBenchmark.Form.values()) {
        CellsBenchmark benchmark = new CellsBenchmark();
        benchmark.n = 75;
        benchmark.backend = backend.name();
        benchmark.cell = cell;
        benchmark.form = form;
        benchmark.fill();
        benchmark.finish();
        float[] result = Arrays.copyOf(benchmark.finish().toArray(JAVA_FLOAT), 75);
        benchmark.free();
        assertThat(result).isNotEqualTo(new float[75]);
        if (expected != null) {
          assertThat(result).as("%s %s", backend.name(), form).isEqualTo(expected);
        }
        expected = result;
      }
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

  /** The paper's structures: only the rows of gates that are not constant are read. */
  @Test
  void sparseLstmsHaveTheRowsOfTheirStructure() {
    assertThat(StepBenchmark.bytesPerStep(200, "lstm")).isEqualTo(4.0 * 800 * (400 + 400));
    assertThat(StepBenchmark.bytesPerStep(200, "pruned-lstm"))
        .isEqualTo(4.0 * (4 * 52 * 252 + 4 * 108 * 160));
    assertThat(StepBenchmark.bytesPerStep(200, "sparse-lstm"))
        .isEqualTo(4.0 * (197 * 252 + 349 * 160));
    assertThatThrownBy(() -> StepBenchmark.bytesPerStep(128, "lstm"))
        .hasMessageContaining("no structure of 128 units; the paper has 200 and 1500");
  }
}
