package io.github.stillgate.cli;

import io.github.stillgate.tuning.LiveSweep;
import java.io.IOException;
import java.util.List;

/** Sweeps the bound on live units of a network with gated layers. */
final class LiveTuning {
  private final TuneTask task;

  LiveTuning(TuneTask task) {
    this.task = task;
  }

  /** Runs the network without a bound and with each, largest first, and reports. */
  void tune(List<Integer> bounds) throws IOException {
    List<Integer> descending =
        bounds.stream().distinct().sorted((left, right) -> Integer.compare(right, left)).toList();
    int steps = task.inputs().steps();
    List<LiveReport.Row> rows;
    try (Progress progress =
        Progress.of("all units", (1L + descending.size()) * steps, !task.json())) {
      LiveSweep sweep =
          LiveSweep.of(task.network(), task.inputs(), task.options(), progress::advance);
      for (int units : descending) {
        progress.say("at most " + units);
        sweep.atMost(units);
      }
      rows = sweep.points().stream().map(LiveReport.Row::of).toList();
    }
    LiveReport report =
        new LiveReport(
            task.model().toString(), task.data().toString(), task.kernels(), steps, rows);
    task.write(report, report.markdown());
    report.draw(task.out().resolve("tune.svg"));
    Output console = task.console();
    if (task.json()) {
      console.json(report);
      return;
    }
    console.line(
        "%s steps of %s, backend %s", Output.number(steps, 0), task.data(), report.backend());
    console.line("%s", LiveReport.NOTE);
    console.line("");
    console.table(report.head(), report.rows());
    console.line("");
    console.line("Written: %s", task.out().resolve("tune.{json,md,svg}"));
  }
}
