package io.github.stillgate.bench.paper;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class RaceTest {
  @Test
  void aRaceTimesEveryContender() {
    int[] steps = new int[2];
    List<Race.Time> times =
        Race.run(
            List.of(
                count -> steps[0] += count,
                count -> {
                  steps[1] += count;
                  long until = System.nanoTime() + 1000L * count;
                  while (System.nanoTime() < until) {
                    Thread.onSpinWait();
                  }
                }),
            3,
            100);
    assertThat(steps).containsExactly(320, 320);
    assertThat(times.get(1).median()).isGreaterThanOrEqualTo(1000);
    assertThat(times.get(0).median()).isLessThan(times.get(1).median());
    assertThat(times.get(1).low()).isLessThanOrEqualTo(times.get(1).high());
  }
}
