package io.github.stillgate.bench.peer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.plan.WeightFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The fork itself fails if a contender's answers differ. */
class PeerForkTest {
  @ParameterizedTest
  @CsvSource({
    "gru,1,1",
    "gru,5,1",
    "lstm,1,1",
    "lstm,5,1",
    "sru,1,1",
    "sru,5,1",
    "lstm,1,40",
    "sru,1,40"
  })
  void everyContenderIsTimedOnTheSameAnswers(String kind, int streams, int steps) {
    List<String> backends = BackendRegistry.usable().stream().map(Backend::name).toList();
    Task task = new Task(kind, 40, streams, steps);
    List<PeerFork.Found> found = PeerFork.run(Contender.all(task, backends), task, 0.2);
    for (String backend : backends) {
      for (WeightFormat weights : WeightFormat.values()) {
        assertThat(found).filteredOn(one -> one.is(backend, kind, weights)).hasSize(1);
      }
      assertThat(found)
          .filteredOn(one -> one.is(backend, task.kind().beside(), WeightFormat.F32))
          .hasSize(1);
    }
    for (PeerFork.Found one : found) {
      assertThat(one.steps()).as(one.contender()).isPositive();
      assertThat(one.p50()).as(one.contender()).isPositive().isLessThanOrEqualTo(one.p99());
    }
  }

  @Test
  void anUnknownKindIsRefusedWithTheKnownOnes() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LayerKind.of("sigmoid"))
        .withMessageContaining("\"sigmoid\"")
        .withMessageContaining("gru, lstm, sru");
  }
}
