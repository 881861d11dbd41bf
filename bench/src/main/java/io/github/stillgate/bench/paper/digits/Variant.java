package io.github.stillgate.bench.paper.digits;

import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.plan.WeightFormat;
import java.util.List;

/**
 * A way to run one network. Everything that is scored, timed and drawn goes over {@link #all}; the
 * first is what the others are compared with, word by word.
 *
 * @param name in the tables
 * @param options of its plan
 */
record Variant(String name, PlanOptions options) {
  /** float32; int8 of which a step multiplies the columns of what moved at all. */
  static List<Variant> all() {
    return List.of(
        new Variant("float32", PlanOptions.defaults()),
        new Variant(
            "int8 whole",
            PlanOptions.defaults().withWeights(WeightFormat.I8).withSkipping(Skipping.NOTHING)),
        int8(0),
        int8(2),
        int8(4),
        int8(8),
        int8(12),
        int8(16));
  }

  private static Variant int8(int theta) {
    return new Variant(
        "int8 theta " + theta,
        PlanOptions.defaults().withWeights(WeightFormat.I8).withMovementThreshold(theta));
  }
}
