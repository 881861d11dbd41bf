package io.github.stillgate.bench.paper.digits;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.plan.WeightFormat;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A way to run one network. Everything that is scored, timed and drawn goes over {@link #all}; the
 * first is what the others are compared with, word by word.
 *
 * @param name in the tables
 * @param base options of its plan, without thresholds
 * @param thresholds of movement, in steps of an operand's scale: of the first layer, the second and
 *     so on, the last of all that follow; empty for none
 */
record Variant(String name, PlanOptions base, List<Integer> thresholds) {
  /**
   * float32; int8 of which a step multiplies the columns of what moved at all; of what moved by
   * more, in all layers or, with three thresholds, not in the output layer: that one is small, and
   * what it leaves out is lost in the answer at once.
   */
  static List<Variant> all() {
    return List.of(
        new Variant("float32", PlanOptions.defaults(), List.of()),
        new Variant(
            "int8 whole",
            PlanOptions.defaults().withWeights(WeightFormat.I8).withSkipping(Skipping.NOTHING),
            List.of()),
        int8(0),
        int8(2),
        int8(4),
        int8(8),
        int8(12),
        int8(16),
        int8(10, 10, 0),
        int8(12, 16, 0));
  }

  private static Variant int8(Integer... thresholds) {
    List<Integer> theta = List.of(thresholds);
    return new Variant(
        "int8 theta " + theta.stream().map(String::valueOf).collect(Collectors.joining(", ")),
        PlanOptions.defaults().withWeights(WeightFormat.I8),
        theta);
  }

  /** Options of a plan of that network. */
  PlanOptions options(Model model) {
    PlanOptions options = base;
    for (int i = 0; i < model.layers().size() && !thresholds.isEmpty(); i++) {
      int theta = thresholds.get(Math.min(i, thresholds.size() - 1));
      options = options.withMovementThreshold(model.layers().get(i).name(), theta);
    }
    return options;
  }
}
