package io.github.stillgate.cli;

import io.github.stillgate.cli.plot.Plot;
import io.github.stillgate.tuning.SweepPoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

/** Error against time of a sweep, as SVG. */
final class ErrorPlot {
  private final Plot plot =
      new Plot(
          "Error against time; labels are epsilon",
          "median step, us",
          "difference from the exact run");

  ErrorPlot(TuneReport report) {
    double exact = report.result().exact().medianMicros();
    // A logarithm has no place for runs without any error.
    List<SweepPoint> points =
        report.result().points().stream().filter(point -> point.rmsError() > 0).toList();
    if (points.isEmpty()) {
      plot.line("exact", List.of(exact), List.of(0.0));
      return;
    }
    plot.logarithmicY();
    for (OptionalInt rank : points.stream().map(SweepPoint::rank).distinct().toList()) {
      String of = rank.isPresent() ? "rank %s, ".formatted(rank.getAsInt()) : "";
      List<SweepPoint> some = points.stream().filter(point -> point.rank().equals(rank)).toList();
      List<Double> times = some.stream().map(SweepPoint::medianMicros).toList();
      plot.line(of + "largest", times, some.stream().map(SweepPoint::largestError).toList());
      plot.dashedAlike(
          of + "root mean square", times, some.stream().map(SweepPoint::rmsError).toList());
    }
    for (SweepPoint point : points) {
      plot.label(Float.toString(point.epsilon()), point.medianMicros(), point.largestError() * 1.3);
    }
    double low = points.stream().mapToDouble(SweepPoint::rmsError).min().orElseThrow();
    double high = points.stream().mapToDouble(SweepPoint::largestError).max().orElseThrow();
    plot.compared("exact run", List.of(exact, exact), List.of(low, high));
  }

  /**
   * Writes the plot.
   *
   * @throws IOException if the file cannot be written or this machine has no font
   */
  void save(Path svg) throws IOException {
    plot.save(svg);
  }
}
