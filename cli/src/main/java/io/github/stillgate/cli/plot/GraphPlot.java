package io.github.stillgate.cli.plot;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * A network as boxes, each below those it reads, with a line from each of these. A box has the
 * value's name, what makes it and its width; long texts are cut, and stand whole in what a browser
 * shows beside the pointer. Text is written as text. Use by one thread.
 */
public final class GraphPlot {
  /** What a box is, which gives it its colour. */
  public enum Role {
    /** What a step is given. */
    INPUT("input", "#cfe5f7"),
    /** What a step leaves for the next. */
    STATE("state", "#fbe0b5"),
    /** A layer that keeps a state. */
    KEEPS("recurrent layer", "#c9e7c5"),
    /** A layer with a matrix. */
    MULTIPLIES("matrix", "#e3d9f2"),
    /** An operation. */
    COMPUTES("operation", "#ffffff"),
    /** A map of values. */
    MOVES("moves values", "#ececec"),
    /** What a step gives. */
    OUTPUT("output", "#f8cfcf");

    private final String text;
    private final String colour;

    Role(String text, String colour) {
      this.text = text;
      this.colour = colour;
    }
  }

  /**
   * A box.
   *
   * @param name of the value, written first
   * @param detail what makes it, written below
   * @param more what is only shown beside the pointer; empty for nothing
   * @param role what it is
   * @param reads positions of the boxes it reads, each before it, none twice
   */
  public record Box(String name, String detail, String more, Role role, List<Integer> reads) {
    /** Copies the positions. */
    public Box {
      reads = List.copyOf(reads);
    }
  }

  private static final int MARGIN = 20;
  private static final int TOP = 72;
  private static final int HEIGHT = 34;
  private static final int RANK = 64;

  /** Characters of a name, and of a detail, before it is cut. */
  private static final int LONGEST = 28;

  /** Widths of characters, on the wide side: fonts differ. */
  private static final double NAME = 7.0;

  private static final double DETAIL = 5.8;

  private static final int LEGEND = 120;

  private final Svg svg;
  private final LayeredLayout layout;

  /**
   * Draws boxes.
   *
   * @param title written above, as it is
   * @throws IllegalArgumentException if the lines have too many bends to be looked at
   */
  public GraphPlot(String title, List<Box> boxes) {
    layout =
        new LayeredLayout(
            boxes.stream().mapToDouble(GraphPlot::width).toArray(),
            boxes.stream().map(Box::reads).toList());
    List<Role> roles = boxes.stream().map(Box::role).distinct().sorted().toList();
    int legend = LEGEND * roles.size();
    int width = 2 * MARGIN + (int) Math.ceil(Math.max(legend, layout.width()));
    svg = new Svg(width, TOP + RANK * layout.depth(), title);
    for (int i = 0; i < roles.size(); i++) {
      int x = MARGIN + LEGEND * i;
      svg.add(
          "<rect x=\"%d\" y=\"38\" width=\"14\" height=\"12\" fill=\"%s\" stroke=\"#555555\"/>\n",
          x, roles.get(i).colour);
      svg.add("<text x=\"%d\" y=\"48\">%s</text>\n", x + 19, roles.get(i).text);
    }
    svg.add(
        "<defs><marker id=\"end\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\""
            + " markerHeight=\"7\" orient=\"auto\"><path d=\"M0 1L8 4L0 7z\" fill=\"#666666\"/>"
            + "</marker></defs>\n<g fill=\"none\" stroke=\"#888888\">\n");
    double left = MARGIN + (Math.max(legend, layout.width()) - layout.width()) / 2;
    layout.vertices().forEach(vertex -> lines(vertex, left));
    svg.add("</g>\n");
    for (int i = 0; i < boxes.size(); i++) {
      box(boxes.get(i), layout.vertices().get(i), left);
    }
  }

  private static double width(Box box) {
    return 14 + Math.max(NAME * shown(box.name).length(), DETAIL * cut(box.detail).length());
  }

  /** The end of a name, which tells those that begin alike apart. */
  private static String shown(String name) {
    return name.length() <= LONGEST ? name : "\u2026" + end(name, LONGEST - 1);
  }

  private static String end(String name, int count) {
    int from = name.length() - count;
    return name.substring(Character.isLowSurrogate(name.charAt(from)) ? from + 1 : from);
  }

  /** The beginning of a detail and its last word, the width. */
  private static String cut(String detail) {
    int most = LONGEST + 6;
    String width = detail.substring(detail.lastIndexOf(',') + 1);
    return detail.length() <= most || width.length() > most / 2
        ? detail
        : detail.substring(0, most - width.length() - 2) + "\u2026," + width;
  }

  private static double top(LayeredLayout.Vertex vertex) {
    return TOP + (double) RANK * vertex.rank;
  }

  /** The lines from a box to what reads it; those that go on from a bend are drawn from there. */
  private void lines(LayeredLayout.Vertex from, double left) {
    for (LayeredLayout.Vertex to : from.down) {
      double x0 = left + from.x();
      double y0 = top(from) + HEIGHT;
      double x1 = left + to.x() + shift(from, to);
      double y1 = top(to);
      StringBuilder path = new StringBuilder();
      path.append(from.isBend() ? at("M", x0, y0 - HEIGHT) + at("L", x0, y0) : at("M", x0, y0));
      if (Math.abs(x1 - x0) < 0.5) {
        path.append(at("L", x1, y1));
      } else {
        double middle = (y0 + y1) / 2;
        path.append(at("C", x0, middle)).append(at(" ", x1, middle)).append(at(" ", x1, y1));
      }
      svg.add("<path d=\"%s\"%s/>\n", path, to.isBend() ? "" : " marker-end=\"url(#end)\"");
    }
  }

  private static String at(String command, double x, double y) {
    return String.format(Locale.ROOT, "%s%.1f %.1f", command, x, y);
  }

  /** Several lines end side by side, in the order in which they come. */
  private static double shift(LayeredLayout.Vertex from, LayeredLayout.Vertex to) {
    int count = to.up.size();
    if (count == 1) {
      return 0;
    }
    int place =
        to.up.stream()
            .sorted(Comparator.comparingDouble(LayeredLayout.Vertex::x))
            .toList()
            .indexOf(from);
    return to.width * 0.7 * ((place + 0.5) / count - 0.5);
  }

  private void box(Box box, LayeredLayout.Vertex vertex, double left) {
    double x = left + vertex.x();
    svg.add(
        "<g><title>%s: %s%s</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"%d\""
            + " fill=\"%s\" stroke=\"#555555\"/>",
        Svg.text(box.name),
        Svg.text(box.detail),
        box.more.isEmpty() ? "" : "; " + Svg.text(box.more),
        x - vertex.width / 2,
        top(vertex),
        vertex.width,
        HEIGHT,
        box.reads.isEmpty() ? HEIGHT / 2 : 4,
        box.role.colour);
    text(shown(box.name), x, top(vertex) + 14, "");
    text(cut(box.detail), x, top(vertex) + 27, " font-size=\"10\" fill=\"#333333\"");
    svg.add("</g>\n");
  }

  private void text(String text, double x, double y, String style) {
    svg.add(
        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\"%s>%s</text>",
        x, y, style, Svg.text(text));
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
