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
  /** float32; int8 with every column multiplied; int8 with the columns of what moved. */
  static List<Variant> all() {
    PlanOptions int8 = PlanOptions.defaults().withWeights(WeightFormat.I8);
    return List.of(
        new Variant("float32", PlanOptions.defaults()),
        new Variant("int8 whole", int8.withSkipping(Skipping.NOTHING)),
        new Variant("int8 theta 0", int8));
  }
}
