package io.github.stillgate.cli;

import io.github.stillgate.cli.plot.Plot;
import io.github.stillgate.tuning.MovedPoint;
import io.github.stillgate.tuning.MovedResult;
import java.io.IOException;
import java.nio.file.Path;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Score, or error where there is none, against weight bytes of a sweep over thresholds, as SVG. */
final class MovedPlot {
  /** How far right of its point a label stands, of the width of all points. */
  private static final double LABEL_ASIDE = 0.015;

  private final Plot plot;

  MovedPlot(MovedReport report) {
    MovedResult result = report.result();
    boolean scored = result.exact().bitsPerToken().isPresent();
    this.plot =
        new Plot(
            "%s against weight bytes; labels are theta".formatted(scored ? "Score" : "Error"),
            "weight bytes a step",
            scored ? "bits per character" : "root mean square difference from the run in float32");
    if (scored) {
      ToDoubleFunction<MovedPoint> score = point -> point.bitsPerToken().orElseThrow();
      double exact = score.applyAsDouble(result.exact());
      draw(result.points(), result.layers(), score);
      plot.compared(
          "float32 (%s bytes)".formatted(Output.number(result.exact().bytesPerStep(), 0)),
          result.points().stream().map(MovedPoint::bytesPerStep).toList(),
          result.points().stream().map(_ -> exact).toList());
      return;
    }
    // A logarithm has no place for runs without any error.
    List<MovedPoint> points = withError(result.points());
    if (points.isEmpty()) {
      plot.line("float32", List.of(result.exact().bytesPerStep()), List.of(0.0));
      return;
    }
    plot.logarithmicY();
    draw(points, withError(result.layers()), MovedPoint::rmsError);
  }

  private static List<MovedPoint> withError(List<MovedPoint> points) {
    return points.stream().filter(point -> point.rmsError() > 0).toList();
  }

  private void draw(
      List<MovedPoint> points, List<MovedPoint> layers, ToDoubleFunction<MovedPoint> height) {
    DoubleSummaryStatistics bytes =
        points.stream().mapToDouble(MovedPoint::bytesPerStep).summaryStatistics();
    double aside = LABEL_ASIDE * (bytes.getMax() - bytes.getMin());
    plot.line(
        "int8, all layers",
        points.stream().map(MovedPoint::bytesPerStep).toList(),
        points.stream().map(height::applyAsDouble).toList());
    for (MovedPoint point : points) {
      plot.label(
          "" + MovedResult.theta(point), point.bytesPerStep() + aside, height.applyAsDouble(point));
    }
    for (MovedPoint point : layers) {
      if (point.weights() instanceof MovedPoint.Int8Layer(String layer, int theta)) {
        plot.points(
            "%s alone, theta %s".formatted(layer, theta),
            List.of(point.bytesPerStep()),
            List.of(height.applyAsDouble(point)));
      }
    }
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
