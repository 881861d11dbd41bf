package io.github.stillgate.bench.strategy;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.stillgate.bench.DenseRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every strategy is held against float64 when it is opened; here all that can run are. */
class StrategiesTest {
  static List<String> rowStrategies() {
    return RowStrategy.names();
  }

  static List<String> blockStrategies() {
    return BlockStrategy.names();
  }

  @ParameterizedTest
  @MethodSource("rowStrategies")
  void rowsAreRight(String strategy) {
    for (double live : new double[] {1, 0.3, 0.01}) {
      RowStrategyBenchmark benchmark = new RowStrategyBenchmark();
      benchmark.n = 96;
      benchmark.live = live;
      benchmark.strategy = strategy;
      benchmark.open();
      assertThat(benchmark.multiply().getAtIndex(JAVA_FLOAT, 0)).isFinite();
      benchmark.close();
    }
  }

  @ParameterizedTest
  @MethodSource("blockStrategies")
  void blocksAreRight(String strategy) {
    for (double live : new double[] {1, 0.3, 0.01}) {
      BlockStrategyBenchmark benchmark = new BlockStrategyBenchmark();
      benchmark.n = 96;
      benchmark.block = 16;
      benchmark.streams = 13;
      benchmark.live = live;
      benchmark.strategy = strategy;
      benchmark.open();
      assertThat(benchmark.multiply()).hasSize(13);
      benchmark.close();
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {0.001f, Float.NaN})
  void aWrongAnswerIsRefused(float error) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment x = arena.allocateFrom(JAVA_FLOAT, 1, 2);
      DenseRows row = new DenseRows(1, 2, new float[] {3, 4});
      Answers.check("right", row, 0, x, 11);
      assertThatIllegalStateException()
          .isThrownBy(() -> Answers.check("wrong", row, 0, x, 11 + error))
          .withMessageContaining("wrong gives");
    }
  }

  @Test
  void namesAreThoseOfWhatIsHere() {
    assertThat(RowStrategy.names()).contains("reference", "copy+netlib", "dense-netlib");
    assertThat(BlockStrategy.names()).contains("reference", "blocks+netlib", "dense-netlib");
  }
}
