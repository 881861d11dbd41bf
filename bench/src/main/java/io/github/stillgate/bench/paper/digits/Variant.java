package io.github.stillgate.bench.paper.digits;

import io.github.stillgate.core.plan.PlanOptions;
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
        new Variant("int8 theta 0", PlanOptions.defaults().withWeights(WeightFormat.I8)));
  }
}
