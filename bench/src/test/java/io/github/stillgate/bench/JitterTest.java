package io.github.stillgate.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import org.junit.jupiter.api.Test;

class JitterTest {
  private static Jitter of(long step, long probe, long bytes) {
    return new Jitter(
        "a plan",
        "reference",
        100,
        new Jitter.Percentiles(1_000, 1_100, 1_200, step, 90_000),
        new Jitter.Percentiles(1_000, 1_100, 1_200, probe, 80_000),
        bytes,
        500);
  }

  @Test
  void aPromiseIsKeptByBothPercentileAndBytes() {
    assertThat(of(5_500, 5_000, 500).kept()).isTrue();
    assertThat(of(5_500, 5_000, 500).beyondProbe()).isEqualTo(0.5);
    assertThat(of(5_501, 5_000, 500).kept()).isFalse();
    assertThat(of(4_000, 5_000, 501).kept()).isFalse();
    assertThat(of(5_501, 5_000, 500).row()).contains("| 5.5 |").endsWith("| no |\n");
  }

  @Test
  void boundedStepsKeepTheirBytes() {
    PlanOptions options = PlanOptions.defaults().withBackend("reference").withMaxLive(3);
    try (Plan plan = Plan.compile(Networks.conditional(16, 0.4), options)) {
      Jitter found = Jitter.measure("small", plan, 300);
      assertThat(found.steps()).isEqualTo(300);
      assertThat(found.largestBytes()).isPositive().isLessThanOrEqualTo(found.statedBytes());
      assertThat(found.step().p50()).isPositive().isLessThanOrEqualTo(found.step().p9999());
      assertThat(found.probe().max()).isPositive();
    }
  }
}
