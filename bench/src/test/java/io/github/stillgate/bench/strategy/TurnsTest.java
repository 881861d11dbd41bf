package io.github.stillgate.bench.strategy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TurnsTest {
  @Test
  void aKernelThatDoesItsWorkTwiceTakesTwiceTheTimeWhateverElseRuns() {
    RowStrategyBenchmark rows = new RowStrategyBenchmark();
    rows.n = 512;
    rows.live = 0.25;
    rows.strategy = "reference";
    rows.open();
    List<Turns.Time> times =
        Turns.run(
            List.of(
                new Turns.Contender("once", rows::multiply),
                new Turns.Contender("once again", rows::multiply),
                new Turns.Contender(
                    "twice",
                    () -> {
                      rows.multiply();
                      rows.multiply();
                    })),
            20);
    rows.close();
    double once = times.get(0).nanos();
    assertThat(times.get(1).nanos() / once).isBetween(0.7, 1.4);
    assertThat(times.get(2).nanos() / once).isBetween(1.5, 2.7);
  }
}
