package io.github.stillgate.cli;

import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.tuning.FollowedLayer;
import io.github.stillgate.tuning.MovedPoint;
import io.github.stillgate.tuning.MovedResult;
import io.github.stillgate.tuning.MovedRule;
import io.github.stillgate.tuning.MovedSweep;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** What {@code tune --moved} does: a threshold for all layers, then one for each of them. */
final class MovedTuning {
  private final TuneTask task;
  private final MovedOptions asked;
  private final Optional<MovedRule> rule;
  private final PlanOptions options;

  /**
   * Nothing yet.
   *
   * @param rule chooses what is proposed, if something is to be
   */
  MovedTuning(TuneTask task, MovedOptions asked, Optional<MovedRule> rule) {
    this.task = task;
    this.asked = asked;
    this.rule = rule;
    this.options = asked.inputBound().map(task.options()::withInputBound).orElse(task.options());
  }

  /** Sweeps and reports. */
  void tune() throws IOException {
    report(sweep());
  }

  private MovedReport sweep() {
    List<Integer> thetas = asked.thetas();
    int steps = task.inputs().steps();
    // All layers at once, and each at one threshold.
    long runs = 1L + thetas.size() + task.network().layers().size();
    try (Progress progress = Progress.of("float32", runs * steps, !task.json())) {
      MovedSweep sweep = MovedSweep.of(task.network(), task.inputs(), options, progress::advance);
      for (int theta : thetas) {
        progress.say("theta " + theta);
        sweep.above(theta);
      }
      List<String> followed =
          sweep.layers().stream()
              .filter(FollowedLayer::isFollowed)
              .map(FollowedLayer::name)
              .toList();
      int theta = layerTheta(sweep.result(), thetas);
      if (theta > 0 && followed.size() > 1) {
        for (String layer : followed) {
          progress.say("theta %s in %s".formatted(theta, layer));
          sweep.above(layer, theta);
        }
      }
      return new MovedReport(
          task.model().toString(),
          task.data().toString(),
          task.kernels(),
          steps,
          asked.inputBound(),
          TuneData.isText(task.data()) && task.inputs().predictsNext(),
          sweep.layers(),
          rule,
          sweep.result());
    }
  }

  /** The proposal if there is one above 0, else the smallest above 0, else 0. */
  private int layerTheta(MovedResult result, List<Integer> thetas) {
    int proposed = rule.flatMap(limits -> limits.choose(result)).map(MovedResult::theta).orElse(0);
    return proposed > 0
        ? proposed
        : thetas.stream().filter(theta -> theta > 0).findFirst().orElse(0);
  }

  private void report(MovedReport report) throws IOException {
    task.write(report, report.markdown());
    Output console = task.console();
    if (task.json()) {
      console.json(report);
    } else {
      console.line(
          "%s steps of %s, backend %s",
          Output.number(report.steps(), 0), task.data(), report.backend());
      console.lines(report.notes());
      console.line("");
      console.table(report.head(), report.rows());
      console.line("");
      List<MovedPoint> layers = report.result().layers();
      if (!layers.isEmpty()) {
        console.table(report.layerHead(), report.layerRows());
        console.line("");
      }
      console.lines(report.advice());
      console.line("");
    }
    new MovedPlot(report).save(task.out().resolve("tune.svg"));
    if (!task.json()) {
      console.line("Written: %s", task.out().resolve("tune.{json,md,svg}"));
    }
  }
}
