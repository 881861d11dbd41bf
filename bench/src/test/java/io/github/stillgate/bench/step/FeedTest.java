package io.github.stillgate.bench.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.Session;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FeedTest {
  private static final int UNITS = 128;

  @ParameterizedTest
  @ValueSource(doubles = {1, 0.5, 0.25, 0.1})
  void theShareThatWasAskedForMovesAndOthersInEachStep(double share) {
    Feed feed = Feed.moving(UNITS, share);
    feed.advance();
    Set<BitSet> sets = new HashSet<>();
    BitSet ever = new BitSet();
    for (int step = 0; step < 100; step++) {
      float[] before = feed.x().clone();
      feed.advance();
      BitSet moved = new BitSet();
      for (int i = 0; i < UNITS; i++) {
        moved.set(i, before[i] != feed.x()[i]);
      }
      assertThat(moved.cardinality()).isEqualTo((int) Math.round(share * UNITS));
      sets.add(moved);
      ever.or(moved);
    }
    assertThat(ever.cardinality()).isEqualTo(UNITS);
    assertThat(sets).hasSize(share == 1 ? 1 : 100);
  }

  /** The states of a layer that is driven follow, one step later, and no other moves. */
  @ParameterizedTest
  @CsvSource({"GRU,1", "GRU,0.5", "GRU,0.25", "GRU,0.1", "LSTM,1", "LSTM,0.25", "LSTM,0.1"})
  void aDrivenLayerMovesAsMuchAsItsInput(Cell cell, double share) {
    for (Backend backend : BackendRegistry.usable()) {
      PlanOptions options =
          PlanOptions.defaults()
              .withInputBound(1)
              .withBackend(backend.name())
              .withWeights(WeightFormat.I8);
      Feed feed = Feed.moving(UNITS, share);
      float[] out = new float[UNITS];
      try (Plan plan = Plan.compile(new Model(List.of(DrivenLayer.of(cell, UNITS))), options);
          Session session = Session.open(plan)) {
        for (int step = 0; step < 1000; step++) {
          feed.advance();
          session.step(feed.x(), out);
          assertThat(127 * Math.abs(out[step % UNITS]))
              .as("in the middle of its int8 step")
              .isCloseTo(DrivenLayer.STATE, within(0.35f));
        }
        double rounded = Math.round(share * UNITS) / (double) UNITS;
        assertThat(session.stats().movedFraction(0))
            .as("%s, inputs and states, after a first step in which all move", backend.name())
            .isCloseTo(rounded, within(0.002));
      }
    }
  }

  @Test
  void tokensAndTheirIndicatorsAgree() {
    Feed feed = Feed.tokens(27);
    Set<Integer> tokens = new HashSet<>();
    for (int step = 0; step < 500; step++) {
      feed.advance();
      float[] expected = new float[27];
      expected[feed.token()] = 1;
      assertThat(feed.x()).isEqualTo(expected);
      tokens.add(feed.token());
    }
    assertThat(tokens).hasSize(27);
  }
}
