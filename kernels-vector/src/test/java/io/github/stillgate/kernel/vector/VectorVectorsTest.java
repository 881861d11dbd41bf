package io.github.stillgate.kernel.vector;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Lanes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VectorVectorsTest {
  private final Backend backend = new VectorBackend();

  @ParameterizedTest
  @CsvSource({"1, 7", "40, 8", "41, 8", "47, 8", "33, 32", "100, 70", "5, 1"})
  void spreadFillsALastBlockThatHasFewerUnits(int n, int blockUnits) {
    try (Arena arena = Arena.ofConfined()) {
      int blocks = Math.ceilDiv(n, blockUnits);
      MemorySegment values = Lanes.floats(blocks, arena);
      for (int block = 0; block < blocks; block++) {
        values.setAtIndex(JAVA_FLOAT, block, block + 1);
      }
      MemorySegment out = Lanes.floats(n, arena);
      backend.vectors().spread(n, blockUnits, values, out);
      for (int i = 0; i < Lanes.padded(n); i++) {
        float expected = i < n ? i / blockUnits + 1 : 0;
        assertThat(out.getAtIndex(JAVA_FLOAT, i)).as("element %d", i).isEqualTo(expected);
      }
    }
  }
}
