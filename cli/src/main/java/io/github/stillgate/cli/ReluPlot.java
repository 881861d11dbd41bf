package io.github.stillgate.cli;

import io.github.stillgate.cli.plot.Plot;
import io.github.stillgate.tuning.DensePoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Error against time of a sweep over estimates of dense layers, as SVG. */
final class ReluPlot {
  private final Plot plot =
      new Plot(
          "Error against time; labels are ranks",
          "median step, us",
          "root mean square difference from the exact run");

  ReluPlot(ReluReport report) {
    double exact = report.exact().cost().medianMicros();
    // A logarithm has no place for runs without any error.
    List<DensePoint> points =
        report.points().stream().filter(point -> point.rmsError() > 0).toList();
    if (points.isEmpty()) {
      plot.line("exact", List.of(exact), List.of(0.0));
      return;
    }
    plot.logarithmicY();
    for (double share : points.stream().map(DensePoint::share).distinct().toList()) {
      List<DensePoint> some = points.stream().filter(point -> point.share() == share).toList();
      plot.line(
          share == 0 ? "no threshold" : "share found " + share,
          some.stream().map(point -> point.cost().medianMicros()).toList(),
          some.stream().map(DensePoint::rmsError).toList());
    }
    for (DensePoint point : points) {
      plot.label(
          ReluTuning.text(point.ranks()), point.cost().medianMicros(), point.rmsError() * 1.1);
    }
    double low = points.stream().mapToDouble(DensePoint::rmsError).min().orElseThrow();
    double high = points.stream().mapToDouble(DensePoint::rmsError).max().orElseThrow();
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
