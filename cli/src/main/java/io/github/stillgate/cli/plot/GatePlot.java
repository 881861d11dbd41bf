package io.github.stillgate.cli.plot;

import io.github.stillgate.tuning.LayerStructure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Which gates of which units are not constant, after figures 1, 4 and 5 of Lobacheva et al. (2020):
 * a panel for each layer with gates, a column for each unit, a row for each gate, filled where the
 * gate is not constant. Units stand by pattern, those with all gates first, and the number of units
 * of a pattern below them. Text is written as text. Use by one thread.
 */
public final class GatePlot {
  private static final int WIDTH = 900;
  private static final int LEFT = 74;
  private static final int TITLE = 56;
  private static final int HEAD = 26;
  private static final int ROW = 22;
  private static final int FOOT = 38;

  /** As wide as a column gets where there are few units. */
  private static final double WIDEST = 24;

  /** Narrower columns, in user units, have no lines between them. */
  private static final double LINED = 4;

  /** Width of a digit of the counts below. */
  private static final double DIGIT = 7;

  private static final String FILLED = "#0072b2";
  private static final String EMPTY = "#ececec";
  private static final String BETWEEN = "#000000";

  private final Svg svg;

  /**
   * Draws all layers that have gates.
   *
   * @param title written above, as it is
   * @throws IllegalArgumentException if no layer has gates
   */
  public GatePlot(String title, List<LayerStructure> structures) {
    List<LayerStructure> layers =
        structures.stream().filter(layer -> !layer.gates().isEmpty()).toList();
    if (layers.isEmpty()) {
      throw new IllegalArgumentException(
          "no layer has gates to draw; recurrent layers have: lstm, gru, conditional_gru, sru and"
              + " simple_rnn");
    }
    int height =
        TITLE + layers.stream().mapToInt(layer -> HEAD + ROW * layer.gates().size() + FOOT).sum();
    svg = new Svg(WIDTH, height, title);
    svg.add(
        "<text x=\"10\" y=\"43\" fill=\"#555555\">a column is a unit, filled where its gate is not"
            + " constant; below, how many units are alike</text>\n");
    int y = TITLE;
    for (LayerStructure layer : layers) {
      panel(layer, y);
      y += HEAD + ROW * layer.gates().size() + FOOT;
    }
  }

  /** Neighbouring units of one pattern. */
  private record Run(String pattern, int from, int units) {}

  private void panel(LayerStructure layer, int top) {
    double column = Math.min(WIDEST, (double) (WIDTH - LEFT - 20) / layer.units());
    double width = column * layer.units();
    int head = top + HEAD;
    int foot = head + ROW * layer.gates().size();
    svg.add(
        "<text x=\"10\" y=\"%d\">%s: %,d units, %,d of %,d gates not constant</text>\n",
        top + 16, Svg.text(layer.layer()), layer.units(), layer.movingGates(), layer.allGates());
    List<Run> runs = runs(layer);
    for (int row = 0; row < layer.gates().size(); row++) {
      String gate = layer.gates().get(row);
      int y = head + ROW * row;
      svg.add(
          "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s  %,d</text>\n",
          LEFT - 8, y + 15, Svg.text(gate), layer.movingGates(gate));
      rectangle(LEFT, y + 1, width, EMPTY);
      for (Run run : runs) {
        if (run.pattern.charAt(row) != '-') {
          rectangle(LEFT + column * run.from, y + 1, column * run.units, FILLED);
        }
      }
    }
    if (column >= LINED) {
      for (int unit = 1; unit < layer.units(); unit++) {
        line(LEFT + column * unit, head, foot, "#ffffff", 1);
      }
    }
    double free = 0;
    for (Run run : runs) {
      double from = LEFT + column * run.from;
      double middle = from + column * run.units / 2;
      double half = DIGIT * String.format(Locale.ROOT, "%,d", run.units).length() / 2;
      if (run.from > 0) {
        // Across narrow columns it would hide them.
        line(from, column >= LINED ? head : foot, foot + 5, BETWEEN, 0.8);
      }
      if (middle - half >= free) {
        svg.add(
            "<text x=\"%.2f\" y=\"%d\" text-anchor=\"middle\" font-size=\"11\">%,d</text>\n",
            middle, foot + 15, run.units);
        free = middle + half + DIGIT / 2;
      }
    }
  }

  private static List<Run> runs(LayerStructure layer) {
    List<Run> runs = new ArrayList<>();
    int from = 0;
    for (var entry : layer.patterns().entrySet()) {
      if (entry.getValue() > 0) {
        runs.add(new Run(entry.getKey(), from, entry.getValue()));
        from += entry.getValue();
      }
    }
    return runs;
  }

  private void rectangle(double x, int y, double width, String colour) {
    svg.add(
        "<rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"%s\"/>\n",
        x, y, width, ROW - 2, colour);
  }

  private void line(double x, int from, int to, String colour, double width) {
    svg.add(
        "<line x1=\"%.2f\" y1=\"%d\" x2=\"%.2f\" y2=\"%d\" stroke=\"%s\" stroke-width=\"%.1f\"/>\n",
        x, from, x, to, colour, width);
  }

  /**
   * Writes the picture as SVG, whole or not at all.
   *
   * @throws IOException if the file cannot be written
   */
  public void save(Path file) throws IOException {
    svg.save(file);
  }

  /** The SVG. */
  @Override
  public String toString() {
    return svg.toString();
  }
}
