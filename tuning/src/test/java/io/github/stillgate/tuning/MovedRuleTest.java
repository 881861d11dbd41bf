package io.github.stillgate.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class MovedRuleTest {
  private static final OptionalDouble NONE = OptionalDouble.empty();
  private static final MovedPoint EXACT = point(new MovedPoint.Float32(), 0, 0, 2.0);

  private static MovedPoint point(
      MovedPoint.Weights weights, double error, double changed, double bits) {
    return new MovedPoint(
        weights, List.of(0.5), 1000, 10, error, error / 2, changed, OptionalDouble.of(bits));
  }

  private static MovedPoint theta(int theta, double error, double changed, double bits) {
    return point(new MovedPoint.Int8(theta), error, changed, bits);
  }

  private static int chosen(MovedRule rule) {
    // Not in the order of the thresholds, and the last one is best by luck.
    MovedResult result =
        new MovedResult(
            EXACT,
            List.of(
                theta(4, 0.03, 0.005, 2.019),
                theta(0, 0.01, 0.001, 2.001),
                theta(8, 0.2, 0.02, 2.25),
                theta(2, 0.02, 0.004, 1.99)),
            List.of(point(new MovedPoint.Int8Layer("rnn", 16), 0, 0, 2)));
    return rule.choose(result).map(MovedResult::theta).orElse(-1);
  }

  private static OptionalDouble limit(double value) {
    return OptionalDouble.of(value);
  }

  @Test
  void theLargestThresholdWithinEachLimitIsChosen() {
    assertThat(chosen(new MovedRule(limit(0.005), NONE, NONE))).isEqualTo(4);
    assertThat(chosen(new MovedRule(limit(0.0049), NONE, NONE))).isEqualTo(2);
    assertThat(chosen(new MovedRule(limit(1), NONE, NONE))).isEqualTo(8);
    assertThat(chosen(new MovedRule(limit(0), NONE, NONE))).isEqualTo(-1);
    assertThat(chosen(new MovedRule(NONE, limit(0.02), NONE))).isEqualTo(4);
    assertThat(chosen(new MovedRule(NONE, limit(0.25), NONE))).isEqualTo(8);
    assertThat(chosen(new MovedRule(NONE, limit(0), NONE))).isEqualTo(2);
    assertThat(chosen(new MovedRule(NONE, NONE, limit(0.01)))).isZero();
  }

  @Test
  void allLimitsHoldTogether() {
    assertThat(chosen(new MovedRule(limit(0.005), limit(0.02), limit(0.02)))).isEqualTo(2);
    assertThat(chosen(new MovedRule(limit(0.001), limit(0.0005), NONE))).isEqualTo(-1);
  }

  @Test
  void limitsThatDecideNothingAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new MovedRule(NONE, NONE, NONE))
        .withMessageContaining("at least one limit");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new MovedRule(limit(Double.NaN), NONE, NONE))
        .withMessageContaining("changed decisions of at most NaN");
    MovedPoint unscored =
        new MovedPoint(new MovedPoint.Int8(0), List.of(1.0), 1, 1, 0, 0, 0, OptionalDouble.empty());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new MovedRule(NONE, limit(1), NONE).holds(EXACT, unscored))
        .withMessageContaining("no score");
  }
}
