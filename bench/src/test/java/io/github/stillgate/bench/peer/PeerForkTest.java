package io.github.stillgate.bench.peer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.stillgate.core.kernel.BackendRegistry;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The fork itself fails if a contender's answers differ. */
class PeerForkTest {
  @ParameterizedTest
  @ValueSource(strings = {"gru", "lstm"})
  void everyContenderIsTimedOnTheSameAnswers(String kind) {
    List<PeerFork.Found> found = PeerFork.run(PeerFork.layer(kind, 40), 0.2);
    assumeTrue(BackendRegistry.usable().size() > 1, "no backend but the reference runs here");
    assertThat(found).hasSizeGreaterThanOrEqualTo(BackendRegistry.usable().size() - 1);
    for (PeerFork.Found one : found) {
      assertThat(one.steps()).as(one.contender()).isPositive();
      assertThat(one.p50()).as(one.contender()).isPositive().isLessThanOrEqualTo(one.p99());
    }
  }
}
