package io.github.stillgate.cli.plot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlotTest {
  /** An outline and where it is moved to. */
  private static final Pattern TEXT =
      Pattern.compile(
          "<g transform=\"translate\\(([-\\d.]+) ([-\\d.]+)\\)\">\\s*<path d=\"([^\"]*)\"");

  private static final Pattern POINT = Pattern.compile("(-?[\\d.]+),(-?[\\d.]+)");

  @TempDir private Path folder;

  /** From where to where a text goes, and the line it stands on. */
  private record Label(double left, double right, double line) {}

  private static Label label(MatchResult text) {
    double[] x =
        POINT
            .matcher(text.group(3))
            .results()
            .mapToDouble(point -> Double.parseDouble(point.group(1)))
            .toArray();
    double at = Double.parseDouble(text.group(1));
    return new Label(
        at + DoubleStream.of(x).min().orElseThrow(),
        at + DoubleStream.of(x).max().orElseThrow(),
        Double.parseDouble(text.group(2)));
  }

  /** Of a line over so many epochs. */
  private String drawn(int epochs, double step, boolean logarithmic) throws IOException {
    Plot plot = new Plot("title", "epoch", "quality");
    if (logarithmic) {
      plot.logarithmicY();
    }
    List<Double> x = IntStream.rangeClosed(1, epochs).mapToObj(e -> e * step).toList();
    plot.line("one", x, x.stream().map(e -> Math.pow(10, -25 * e / (epochs * step))).toList());
    Path svg = folder.resolve("plot.svg");
    plot.save(svg);
    return Files.readString(svg);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1",
    "2, 1",
    "7, 1",
    "40, 1",
    "80, 1",
    "100, 1",
    "150, 1",
    "800, 1",
    "90, 1000",
    "80, 12500"
  })
  void numbersBelowTheAxisStayApart(int epochs, double step) throws IOException {
    List<Label> all =
        TEXT.matcher(drawn(epochs, step, false)).results().map(PlotTest::label).toList();
    double lowest = all.stream().mapToDouble(Label::line).max().orElseThrow();
    // The lowest line is the axis's title; the numbers are on the one above it.
    double numbers =
        all.stream().mapToDouble(Label::line).filter(line -> line < lowest - 5).max().orElseThrow();
    List<Label> row = new ArrayList<>(all.stream().filter(l -> l.line == numbers).toList());
    row.sort(Comparator.comparingDouble(Label::left));
    assertThat(row).hasSizeGreaterThanOrEqualTo(Math.min(epochs, 4));
    for (int i = 1; i < row.size(); i++) {
      assertThat(row.get(i).left - row.get(i - 1).right)
          .as("between %s and %s", row.get(i - 1), row.get(i))
          .isGreaterThan(6);
    }
  }

  /** Such an axis cannot begin at 0 or below. */
  @Test
  void aLogarithmicAxisTakesManyPoints() throws IOException {
    List<Double> x = new ArrayList<>();
    List<Double> y = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      x.add(1.7 + 5.5 * i);
      y.add(60.0 + i % 9);
    }
    Path svg = folder.resolve("logarithmic.svg");
    new Plot("title", "us", "percent").logarithmicX().line("a", x, y).save(svg);
    assertThat(Files.readString(svg).strip()).endsWith("</svg>");
  }

  /** The grid of a logarithmic axis has hundreds of lines. */
  @Test
  void aGridIsDrawnInFewBytes() throws IOException {
    assertThat(drawn(100, 1, true)).hasSizeLessThan(200_000);
  }
}
