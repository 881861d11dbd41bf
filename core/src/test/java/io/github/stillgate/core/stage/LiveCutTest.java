package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.VectorOps;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LiveCutTest {
  private final VectorOps ops = BackendRegistry.require("reference").vectors();

  /** Scores of few values, so that many are equal, of all magnitudes, and of neighbouring bits. */
  private static float score(Random random, int kind) {
    float sign = random.nextInt(3) == 0 ? -1 : 1;
    return sign
        * switch (kind) {
          case 0 -> random.nextInt(4);
          case 1 -> Float.intBitsToFloat(random.nextInt(Float.floatToIntBits(Float.MAX_VALUE)));
          default -> Float.intBitsToFloat(Float.floatToIntBits(1f) + random.nextInt(600));
        };
  }

  @Test
  void leavesTheLargestOfEqualOnesTheFirst() {
    Random random = new Random(520);
    try (Arena arena = Arena.ofConfined()) {
      for (int run = 0; run < 3_000; run++) {
        int n = 1 + random.nextInt(80);
        int most = 1 + random.nextInt(n);
        float[] scores = new float[n];
        MemorySegment memory = Lanes.floats(n, arena);
        for (int i = 0; i < n; i++) {
          scores[i] = score(random, run % 3);
          memory.setAtIndex(JAVA_FLOAT, i, scores[i]);
        }
        List<Integer> positive = IntStream.range(0, n).filter(i -> scores[i] > 0).boxed().toList();
        List<Integer> expected =
            positive.stream()
                .sorted(Comparator.comparing((Integer i) -> -scores[i]).thenComparing(i -> i))
                .limit(most)
                .sorted()
                .toList();
        ActiveSet live = new ActiveSet(n, arena);
        LiveCut cut = new LiveCut(new LiveLimit("rnn0", n, 1, OptionalInt.of(most)));
        cut.select(n, memory, live, ops);
        assertThat(IntStream.range(0, live.count()).mapToObj(live::at).toList())
            .as("run %d", run)
            .isEqualTo(expected);
        assertThat(cut.unitsHeldBack()).isEqualTo(positive.size() - expected.size());
        for (int i = 0; i < n; i++) {
          boolean held = positive.contains(i) && !expected.contains(i);
          assertThat(Float.floatToRawIntBits(memory.getAtIndex(JAVA_FLOAT, i)))
              .as("run %d, score %d", run, i)
              .isEqualTo(Float.floatToRawIntBits(held ? 0 : scores[i]));
        }
      }
    }
  }

  @Test
  void unitsAllowAsManyWholeBlocksAsFit() {
    LiveLimit limit = new LiveLimit("rnn0", 10, 8, OptionalInt.of(23));
    assertThat(limit.most()).isEqualTo(2);
    assertThat(limit.mostUnits()).isEqualTo(16);
    assertThat(limit.binds()).isTrue();
    limit.bound(0.1);
    assertThat(limit.most()).isEqualTo(1);
    limit.bound(0);
    assertThat(limit.most()).isEqualTo(1);
    limit.bound(1);
    assertThat(limit.most()).isEqualTo(2);
    assertThat(new LiveLimit("rnn0", 10, 8, OptionalInt.of(80)).binds()).isFalse();
    assertThat(new LiveLimit("rnn0", 10, 8, OptionalInt.empty()).binds()).isFalse();
  }

  @Test
  void refusesABoundBelowOneBlock() {
    assertThatThrownBy(() -> new LiveLimit("rnn0", 10, 8, OptionalInt.of(7)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("7")
        .hasMessageContaining("rnn0")
        .hasMessageContaining("at least 8");
  }
}
