package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.tuning.FollowedLayer;
import io.github.stillgate.tuning.MovedPoint;
import io.github.stillgate.tuning.MovedResult;
import io.github.stillgate.tuning.MovedRule;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class MovedReportTest {
  private static final OptionalDouble NONE = OptionalDouble.empty();

  private static MovedPoint point(
      MovedPoint.Weights weights, double bytes, double micros, double changed) {
    return new MovedPoint(weights, List.of(0.25, 1.0), bytes, micros, 0.1, 0.01, changed, NONE);
  }

  private static MovedReport report(Optional<Float> inputBound, Optional<MovedRule> rule) {
    return new MovedReport(
        "m",
        "d",
        "b",
        5,
        inputBound,
        true,
        List.of(
            new FollowedLayer("rnn", new Plan.Columns(50, 40, false)),
            new FollowedLayer("gated", new Plan.Columns(30, 0, false))),
        rule,
        new MovedResult(
            point(new MovedPoint.Float32(), 8000, 30, 0),
            List.of(
                point(new MovedPoint.Int8(0), 2000, 20, 0.25),
                point(new MovedPoint.Int8(4), 1000, 15, 0.5)),
            List.of()));
  }

  private static Optional<MovedRule> changed(double share) {
    return Optional.of(new MovedRule(OptionalDouble.of(share), NONE, NONE));
  }

  @Test
  void theAdviceIsTheLinesToWrite() {
    assertThat(report(Optional.empty(), changed(0.5)).advice())
        .contains("at most 50.00 % of the decisions changed: theta 4")
        .contains("8.00 times fewer weight bytes")
        .contains("2.00 times as fast")
        .contains(
            "PlanOptions.defaults().withWeights(WeightFormat.I8).withMovementThreshold(4)"
                + System.lineSeparator())
        .contains("./stillgate run m d --weights i8 --theta 4");
    assertThat(report(Optional.of(1f), changed(0.25)).advice())
        .contains("withWeights(WeightFormat.I8).withInputBound(1.0f)" + System.lineSeparator())
        .endsWith("--weights i8");
  }

  @Test
  void withoutAProposalItSaysWhy() {
    MovedReport strict = report(Optional.empty(), changed(0.1));
    assertThat(strict.advice()).contains("No run has at most 10.00 %").contains("--changed");
    assertThat(strict.proposedTheta()).isNull();
    assertThat(report(Optional.empty(), Optional.empty()).advice()).contains("--max-error D");
  }

  @Test
  void whatIsNotFollowedIsNamed() {
    assertThat(report(Optional.empty(), changed(1)).notes())
        .contains("rnn: 10 of 50 columns, its inputs' among them, cannot be left out")
        .contains("gated: none of its 30 columns can be left out")
        .containsOnlyOnce("--input-bound 1");
  }
}
