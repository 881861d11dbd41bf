package io.github.stillgate.cli.plot;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.knowm.xchart.AnnotationText;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** One plot of lines or points, saved as SVG. Use by one thread. */
public final class Plot {
  private static final Pattern DIGITS = Pattern.compile("-?\\d+\\.\\d{3,}");
  private static final int WIDTH = 900;
  private static final int HEIGHT = 560;

  /** So many numbers below the x axis stay apart, whatever they are. */
  private static final int NUMBERS = 12;

  /** Colours that stay apart for colour-blind eyes (Okabe and Ito). */
  private static final Color[] COLORS = {
    new Color(0x0072b2), new Color(0xd55e00), new Color(0x009e73), new Color(0xcc79a7),
    new Color(0xe69f00), new Color(0x56b4e9), new Color(0x000000), new Color(0x999999)
  };

  /** Another one each time the colours are used up. */
  private static final Marker[] MARKERS = {
    SeriesMarkers.CIRCLE, SeriesMarkers.DIAMOND, SeriesMarkers.TRIANGLE_UP
  };

  private static final BasicStroke DASHED =
      new BasicStroke(1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[] {6, 4}, 0);
  private static final Color BOUND = new Color(0x777777);

  private final XYChart chart;
  private final NavigableSet<Double> places = new TreeSet<>();
  private int count;

  /** An empty plot. */
  public Plot(String title, String x, String y) {
    chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .xAxisTitle(x)
            .yAxisTitle(y)
            .build();
    Styler styler = chart.getStyler();
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setPlotBackgroundColor(Color.WHITE);
    styler.setPlotBorderVisible(false);
    styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 15));
    styler.setLegendFont(new Font(Font.SANS_SERIF, Font.PLAIN, 11));
    styler.setLegendBorderColor(Color.WHITE);
    styler.setLegendPosition(Styler.LegendPosition.OutsideE);
    XYStyler axes = chart.getStyler();
    axes.setPlotGridLinesColor(new Color(0xe4e4e4));
    // A dash is an outline of its own: dashed, the grid would be most of the file.
    axes.setPlotGridLinesStroke(new BasicStroke(1));
    axes.setMarkerSize(6);
  }

  /** Makes the x axis logarithmic. */
  public Plot logarithmicX() {
    chart.getStyler().setXAxisLogarithmic(true);
    return this;
  }

  /** Makes the y axis logarithmic. */
  public Plot logarithmicY() {
    chart.getStyler().setYAxisLogarithmic(true);
    return this;
  }

  /** Adds points joined by a line. */
  public Plot line(String name, List<Double> x, List<Double> y) {
    Marker marker = MARKERS[count / COLORS.length % MARKERS.length];
    add(name, x, y).setMarker(marker);
    return this;
  }

  /** Adds points joined by a dashed line, for what others measured or a bound. */
  public Plot dashed(String name, List<Double> x, List<Double> y) {
    XYSeries series = add(name, x, y);
    series.setMarker(SeriesMarkers.NONE);
    series.setLineStyle(DASHED);
    return this;
  }

  /** Adds points joined by a dashed line in the colour of the series added last, to go with it. */
  public Plot dashedAlike(String name, List<Double> x, List<Double> y) {
    count--;
    XYSeries series = add(name, x, y);
    series.setMarker(SeriesMarkers.CIRCLE);
    series.setLineStyle(DASHED);
    return this;
  }

  /** Adds a grey dashed line, for what all else is compared with. */
  public Plot compared(String name, List<Double> x, List<Double> y) {
    XYSeries series = put(name, x, y);
    series.setMarker(SeriesMarkers.NONE);
    series.setLineColor(BOUND);
    series.setLineStyle(DASHED);
    return this;
  }

  /** Writes {@code text} at a place. */
  public Plot label(String text, double x, double y) {
    chart.addAnnotation(new AnnotationText(text, x, y, false));
    return this;
  }

  /** Adds points alone. */
  public Plot points(String name, List<Double> x, List<Double> y) {
    XYSeries series = add(name, x, y);
    series.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Scatter);
    return this;
  }

  private XYSeries put(String name, List<Double> x, List<Double> y) {
    places.addAll(x);
    return chart.addSeries(name, x, y);
  }

  private XYSeries add(String name, List<Double> x, List<Double> y) {
    XYSeries series = put(name, x, y);
    Color color = COLORS[count++ % COLORS.length];
    series.setLineColor(color);
    series.setMarkerColor(color);
    series.setLineStyle(new BasicStroke(1.8f));
    return series;
  }

  /**
   * XChart numbers values of equal distances one by one, as many as go side by side. Where there
   * are many, the axis begins a little before the first, so that it counts in tens instead.
   */
  private void spreadNumbers() {
    if (places.size() > NUMBERS && !chart.getStyler().isXAxisLogarithmic()) {
      double width = places.last() - places.first();
      chart.getStyler().setXAxisMin(places.first() - 0.01 * width);
    }
  }

  /**
   * Writes the plot as SVG. Text is laid out with a font of this machine.
   *
   * @throws IOException if the file cannot be written or there is no font; the message says which
   */
  public void save(Path svg) throws IOException {
    spreadNumbers();
    try {
      ByteArrayOutputStream drawn = new ByteArrayOutputStream();
      VectorGraphicsEncoder.saveVectorGraphic(chart, drawn, VectorGraphicsFormat.SVG);
      // Text is drawn as outlines with fifteen digits a point: two are enough, and a third of the
      // file.
      String text =
          DIGITS
              .matcher(drawn.toString(StandardCharsets.UTF_8))
              .replaceAll(
                  number -> String.format(Locale.ROOT, "%.2f", Double.parseDouble(number.group())));
      Files.writeString(svg, text);
    } catch (RuntimeException | InternalError | UnsatisfiedLinkError noFont) {
      throw new IOException(
          "cannot draw %s: %s; install a font (Debian: apt-get install fontconfig fonts-dejavu-core)"
              .formatted(svg, noFont.getMessage()),
          noFont);
    }
  }
}
