package io.github.stillgate.bench.paper.estimators;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One thing that was to be reached.
 *
 * @param text what, with the figures
 * @param met whether it is
 * @param binding whether the command fails if it is not
 */
record Goal(String text, boolean met, boolean binding) {
  private static final double CONTROL = 1.35;
  private static final double SAME_CLASS = 0.9995;
  private static final double SHARE_OF_BOUND = 0.75;

  /** Ranks, and how many points of error above the control they may cost. */
  private static final Map<String, Double> COSTS = Map.of("25-25-25", 0.25, "15-10-5", 0.8);

  /**
   * All goals that what was measured can be held against.
   *
   * @param rows of the table
   * @param speeds of its networks
   */
  static List<Goal> of(List<Row> rows, List<Speed> speeds) {
    List<Goal> goals = new ArrayList<>();
    double control = error(rows, "control");
    goals.add(
        errors(
            said("control: %.2f %% test error; at most %.2f", control, CONTROL),
            control <= CONTROL));
    COSTS.entrySet().stream()
        .sorted(Map.Entry.comparingByValue())
        .forEach(cost -> {
          double over = error(rows, cost.getKey()) - control;
          goals.add(
              errors(
                  said(
                      "%s: %.2f points above the control; at most %.2f",
                      cost.getKey(), over, cost.getValue()),
                  over <= cost.getValue()));
        });
    double lower = error(rows, "10-10-5");
    double higher = error(rows, "15-10-5");
    goals.add(
        errors(
            said("10-10-5: %.2f %%; more than 15-10-5 with %.2f %%", lower, higher),
            lower > higher));
    for (Row row : rows) {
      goals.add(
          errors(
              said(
                  "%s: the trainer's class for %.3f %% of the pictures; at least %.2f %%",
                  row.configuration(), 100 * row.least(Score::same), 100 * SAME_CLASS),
              row.least(Score::same) >= SAME_CLASS));
    }
    for (Speed speed : speeds) {
      goals.add(
          new Goal(
              said(
                  "%s on %s: %.0f %% of the bound; at least %.0f %%",
                  speed.configuration(),
                  speed.backend(),
                  100 * speed.share(),
                  100 * SHARE_OF_BOUND),
              speed.share() >= SHARE_OF_BOUND,
              false));
    }
    return goals;
  }

  private static String said(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  private static Goal errors(String text, boolean met) {
    return new Goal(text, met, true);
  }

  /** NaN, which meets nothing, for a network that was not trained. */
  private static double error(List<Row> rows, String configuration) {
    return rows.stream()
        .filter(row -> row.configuration().equals(configuration))
        .mapToDouble(row -> row.mean(Score::error))
        .findFirst()
        .orElse(Double.NaN);
  }
}
