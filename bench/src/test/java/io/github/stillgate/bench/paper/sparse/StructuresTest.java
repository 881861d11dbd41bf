package io.github.stillgate.bench.paper.sparse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.bench.LstmStructure;
import io.github.stillgate.bench.strategy.Turns;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class StructuresTest {
  private static List<Turns.Time> times(double whole, double units, double gates) {
    return List.of(
        new Turns.Time("whole native", whole, whole, whole),
        new Turns.Time("units native", units, units, units),
        new Turns.Time("gates native", gates, gates, gates),
        new Turns.Time("whole ONNX Runtime", 2 * whole, whole, whole));
  }

  /** The paper's small model: 2,560,000 weight bytes whole, 6.1 times as many as with its gates. */
  @Test
  void rowsHaveMediansAndBoundsOfBytes() {
    List<Structures.Row> rows =
        Structures.rows(
            LstmStructure.SMALL,
            List.of(times(60, 16, 12), times(66, 17, 11), times(600, 170, 110)));
    assertThat(rows).hasSize(1);
    Structures.Row row = rows.get(0);
    assertThat(row.whole()).isEqualTo(66);
    assertThat(row.gates()).isEqualTo(12);
    assertThat(row.elsewhere()).isEqualTo(132.0);
    double gatesBound = 4.0 * 800 * 800 / (4.0 * (197 * 252 + 349 * 160));
    assertThat(row.gatesBound()).isCloseTo(gatesBound, within(1e-9)).isCloseTo(6.1, within(0.1));
    assertThat(row.share()).isCloseTo(66.0 / 12 / gatesBound, within(1e-9));
    assertThat(row.misses()).isEmpty();
    assertThat(Structures.markdown(rows))
        .contains("52-108 units, 197-349 gates")
        .doesNotContain("missed");
  }

  @Test
  void whatIsTooSlowIsNamed() {
    List<Structures.Row> rows = Structures.rows(LstmStructure.SMALL, List.of(times(60, 16, 18)));
    assertThat(rows.get(0).misses())
        .hasSize(2)
        .anyMatch(miss -> miss.contains("the goal is 70 %"))
        .anyMatch(miss -> miss.contains("12.5 % slower than removed units alone"));
    assertThat(Structures.markdown(rows)).contains("* missed: ");
  }

  @Test
  void everyFastBackendTakesTurnsOnAllThree() throws Exception {
    List<String> names = new ArrayList<>();
    StructureFork.run(new LstmStructure(20, List.of(7, 9), List.of(19, 21)), 2)
        .forEach(time -> names.add(time.contender()));
    assertThat(names).contains("whole vector", "units vector", "gates vector");
  }
}
