package io.github.stillgate.core.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.kernel.Pointwise;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;

class ActivationTest {
  /** Whatever value lies within the arguments, the function lies within its range. */
  @Property
  void aRangeHoldsEveryValue(
      @ForAll Activation.Function function,
      @ForAll @FloatRange(min = -3, max = 3) float a,
      @ForAll @FloatRange(min = -3, max = 3) float b,
      @ForAll @FloatRange(min = -20, max = 20) float first,
      @ForAll @FloatRange(min = -20, max = 20) float second,
      @ForAll @FloatRange(min = 0, max = 1) float share) {
    float low = Math.min(first, second);
    float high = Math.max(first, second);
    float smaller = Math.min(a, b);
    float larger = Math.max(a, b) + 0.125f;
    Activation.Step step =
        function == Activation.Function.CLAMP
            ? new Activation.Step(function, smaller, larger)
            : new Activation.Step(function, a, b);
    Activation.Range range = step.range(new Activation.Range(low, high));
    float v = Math.min(high, low + share * (high - low));
    double value = Pointwise.valueOf(function.name()).of(v, step.a(), step.b());
    double room = 1e-6 * Math.max(1, Math.abs(value));
    assertThat(value).isBetween(range.low() - room, range.high() + room);
    assertThat(range.low()).isLessThanOrEqualTo(range.high());
  }
}
