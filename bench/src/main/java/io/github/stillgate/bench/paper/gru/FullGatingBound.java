package io.github.stillgate.bench.paper.gru;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What full gating (section IV of the paper) cannot pass: its gates are a third of a full GRU's
 * weights, and every step reads them, so a step reads at least a third of the full GRU's. What is
 * measured above that comes of something else than the rows that were left out, such as a cache
 * that one of the two networks fits and the other does not.
 */
final class FullGatingBound {
  /** Weights of a full GRU over those of its gates. The output layer makes it smaller. */
  static final double FACTOR = 3;

  /** What hours and hosts differ by, whatever the trials of one run say. */
  static final double LEAST_NOISE = 0.1;

  private FullGatingBound() {}

  /** How far the trials of a row lie apart, each way, relative to their median. */
  static double noise(TableRow.Speed speed) {
    return Math.max(LEAST_NOISE, (speed.high() - speed.low()) / (2 * speed.nanos()));
  }

  /**
   * Whatever of {@code rows} was measured above the bound and its noise, or counted above the bound
   * itself, which has no noise: one line each.
   */
  static List<String> above(List<TableRow> rows) {
    List<String> above = new ArrayList<>();
    for (TableRow row : rows) {
      TableRow.Speed speed = row.single();
      if (speed.bound() > FACTOR) {
        above.add(
            String.format(
                Locale.ROOT,
                "%s read 1/%.3f of the full GRU's weights, less than its gates have: the bytes are"
                    + " counted wrongly",
                row.name(),
                speed.bound()));
      }
      if (speed.factor() > FACTOR * (1 + noise(speed))) {
        above.add(
            String.format(
                Locale.ROOT,
                "%s is %.2fx as fast as %s, with a noise of %.0f %%; its bytes explain %.2fx",
                row.name(),
                speed.factor(),
                speed.fullGru(),
                100 * noise(speed),
                speed.bound()));
      }
    }
    return above;
  }
}
