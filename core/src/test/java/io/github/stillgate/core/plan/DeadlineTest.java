package io.github.stillgate.core.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.stage.NetworkAccess;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DeadlineTest {
  private static final Model GATED = TestModels.conditional(11, 300, 4, 601);

  private static final Duration HOUR = Duration.ofHours(1);

  private static PlanOptions within(Duration time) {
    return PlanOptions.defaults().withBackend("reference").withDeadline(time);
  }

  private static StepLimits.Met fix(Plan plan, Duration deadline) {
    return new DeadlineSearch(NetworkAccess.of(plan), plan.model(), 1, deadline, () -> false).fix();
  }

  @Test
  void aDeadlineThatEverythingMeetsCutsNothing() {
    try (Plan plan = Plan.compile(GATED, within(HOUR))) {
      StepLimits.Met met = fix(plan, HOUR);
      assertThat(met.share()).isEqualTo(1);
      assertThat(met.worstStep()).isPositive().isLessThan(HOUR);
      assertThat(plan.limits().layers()).allMatch(layer -> layer.maxLive().isEmpty());
      assertThat(plan.mostBytesPerStep()).isEqualTo(plan.denseBytesPerStep());
    }
  }

  @Test
  void aDeadlineThatNothingMeetsIsRefusedWithTheTime() {
    try (Plan plan = Plan.compile(GATED, within(HOUR).withMaxLive(250))) {
      long bytes = plan.mostBytesPerStep();
      assertThatThrownBy(() -> fix(plan, Duration.ofNanos(100)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("deadline of 0.1 us")
          .hasMessageMatching(".*takes [1-9][0-9.]* us with one unit of each gated layer live.*");
      assertThat(plan.mostBytesPerStep()).isEqualTo(bytes);
    }
  }

  /** On whatever machine: between what one unit takes and what all take, a share is found. */
  @Test
  void aDeadlineBetweenFixesAShareAndStepsKeepToIt() {
    Duration between;
    try (Plan plan = Plan.compile(GATED, within(HOUR))) {
      between = fix(plan, HOUR).worstStep().dividedBy(2);
    }
    try (Plan plan = Plan.compile(GATED, within(between).withMaxLive(250));
        Session session = Session.open(plan)) {
      long before = plan.mostBytesPerStep();
      assertThat(plan.limits().deadline()).isEmpty();
      plan.warmUp();
      StepLimits limits = plan.limits();
      assertThat(limits.deadline().orElseThrow().worstStep()).isLessThanOrEqualTo(between);
      assertThat(limits.layers().get(0).maxLive().orElse(300)).isBetween(1, 250);
      assertThat(plan.mostBytesPerStep()).isLessThanOrEqualTo(before);
      assertThat(plan.toString()).contains("; the longest step takes");
      plan.warmUp();
      assertThat(plan.limits()).isEqualTo(limits);
      float[] out = new float[11];
      Random random = new Random(602);
      for (int step = 0; step < 100; step++) {
        session.step(random.nextInt(11), out);
        assertThat(session.stats().bytesRead()).isLessThanOrEqualTo(plan.mostBytesPerStep());
      }
    }
  }

  /** What was found holds for values that move too, also for a session opened before. */
  @Test
  void valuesThatMoveAreCutToo() {
    Model model = TestModels.gru(11, 300, 603);
    try (Plan plan = Plan.compile(model, within(HOUR).withWeights(WeightFormat.I8));
        Session session = Session.open(plan)) {
      assertThat(fix(plan, HOUR).share()).isEqualTo(1);
      assertThat(plan.limits().layers()).allMatch(layer -> layer.maxMoved().isEmpty());
      NetworkAccess.of(plan).bound(0.125);
      assertThat(plan.limits().layers().get(0).maxMoved()).hasValue(37);
      assertThat(plan.mostBytesPerStep()).isLessThan(plan.denseBytesPerStep());
      float[] out = new float[model.outputs()];
      Random random = new Random(604);
      for (int step = 0; step < 60; step++) {
        session.step(random.nextInt(11), out);
        assertThat(session.stats().bytesRead()).isLessThanOrEqualTo(plan.mostBytesPerStep());
      }
      assertThat(session.stats().valuesHeldBack(0)).isPositive();
    }
  }

  @Test
  void refusesWhatNothingCanBeCutIn() {
    assertThatThrownBy(
            () -> Plan.compile(TestModels.gru(11, 20, 605), within(Duration.ofMillis(1))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("withWeights(WeightFormat.I8)");
    assertThatThrownBy(
            () -> Plan.compile(TestModels.bidirectional(11, 20, 606), within(Duration.ofMillis(1))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("from the end");
    assertThatThrownBy(() -> within(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("positive");
    assertThatThrownBy(
            () -> Plan.compile(TestModels.gru(11, 20, 605), PlanOptions.defaults().withMaxLive(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("all units are live");
    assertThatThrownBy(() -> PlanOptions.defaults().withMaxLive(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least 1");
    assertThatThrownBy(() ->
            Plan.compile(TestModels.block(11, 6, 8, 607), PlanOptions.defaults().withMaxLive(7)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("blocks of 8");
  }
}
