package io.github.stillgate.cli;

import io.github.stillgate.tuning.SweepPoint;
import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.ToDoubleFunction;
import org.knowm.xchart.AnnotationText;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Error against time of a sweep, as SVG. */
final class ErrorPlot {
  /** Colours that stay apart for colour-blind eyes (Okabe and Ito). */
  private static final Color[] COLORS = {
    new Color(0x0072b2),
    new Color(0xd55e00),
    new Color(0x009e73),
    new Color(0xcc79a7),
    new Color(0xe69f00),
    new Color(0x56b4e9)
  };

  private static final BasicStroke DASHED =
      new BasicStroke(1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[] {6, 4}, 0);
  private static final Color EXACT = new Color(0x777777);

  private final XYChart chart =
      new XYChartBuilder()
          .width(900)
          .height(560)
          .title("Error against time; labels are epsilon")
          .xAxisTitle("median step, us")
          .yAxisTitle("difference from the exact run")
          .build();

  ErrorPlot(TuneReport report) {
    Styler styler = chart.getStyler();
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setPlotBorderVisible(false);
    styler.setLegendBorderColor(Color.WHITE);
    styler.setLegendPosition(Styler.LegendPosition.OutsideE);
    // A logarithm has no place for runs without any error.
    List<SweepPoint> points =
        report.result().points().stream().filter(point -> point.rmsError() > 0).toList();
    if (points.isEmpty()) {
      chart.addSeries("exact", List.of(report.result().exact().medianMicros()), List.of(0.0));
      return;
    }
    chart.getStyler().setYAxisLogarithmic(true);
    int count = 0;
    for (OptionalInt rank : points.stream().map(SweepPoint::rank).distinct().toList()) {
      Color color = COLORS[count++ % COLORS.length];
      String of = rank.isPresent() ? "rank %s, ".formatted(rank.getAsInt()) : "";
      List<SweepPoint> some = points.stream().filter(point -> point.rank().equals(rank)).toList();
      series(of + "largest", color, some, SweepPoint::largestError);
      series(of + "root mean square", color, some, SweepPoint::rmsError).setLineStyle(DASHED);
    }
    for (SweepPoint point : points) {
      chart.addAnnotation(
          new AnnotationText(
              Float.toString(point.epsilon()),
              point.medianMicros(),
              point.largestError() * 1.3,
              false));
    }
    double low = points.stream().mapToDouble(SweepPoint::rmsError).min().orElseThrow();
    double high = points.stream().mapToDouble(SweepPoint::largestError).max().orElseThrow();
    double exact = report.result().exact().medianMicros();
    XYSeries time = chart.addSeries("exact run", List.of(exact, exact), List.of(low, high));
    time.setMarker(SeriesMarkers.NONE);
    time.setLineColor(EXACT);
    time.setLineStyle(DASHED);
  }

  private XYSeries series(
      String name, Color color, List<SweepPoint> points, ToDoubleFunction<SweepPoint> error) {
    XYSeries series =
        chart.addSeries(
            name,
            points.stream().map(SweepPoint::medianMicros).toList(),
            points.stream().map(error::applyAsDouble).toList());
    series.setMarker(SeriesMarkers.CIRCLE);
    series.setMarkerColor(color);
    series.setLineColor(color);
    series.setLineStyle(new BasicStroke(1.5f));
    return series;
  }

  /**
   * Writes the plot.
   *
   * @throws IOException if the file cannot be written or this machine has no font
   */
  void save(Path svg) throws IOException {
    try {
      VectorGraphicsEncoder.saveVectorGraphic(chart, svg.toString(), VectorGraphicsFormat.SVG);
    } catch (RuntimeException | InternalError | UnsatisfiedLinkError noFont) {
      throw new IOException(
          "cannot draw %s: %s; install a font (Debian: apt-get install fontconfig fonts-dejavu-core)"
              .formatted(svg, noFont.getMessage()),
          noFont);
    }
  }
}
