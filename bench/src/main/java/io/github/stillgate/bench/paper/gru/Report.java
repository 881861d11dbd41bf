package io.github.stillgate.bench.paper.gru;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.Machine;
import io.github.stillgate.bench.paper.Curve;
import io.github.stillgate.bench.strategy.BlasLibraries;
import io.github.stillgate.cli.plot.Plot;
import io.github.stillgate.training.Recipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Writes what was measured: JSON for machines, Markdown and SVG for people. */
final class Report {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final Path folder;
  private final String command;

  /** What a table's JSON holds. */
  record Table(
      String machine, String date, String command, List<String> blas, List<TableRow> rows) {}

  /**
   * A dense network that a user in need of speed could train instead.
   *
   * @param units its size
   * @param bits bits per character, one stream from zero state
   * @param nanos of a step
   * @param factor over the fastest full GRU of the tables' size in the same trials
   */
  record Smaller(
      int units,
      @JsonProperty("bits_per_char") double bits,
      @JsonProperty("step_ns") double nanos,
      double factor) {}

  /**
   * @param folder where the files go
   * @param command what makes them again
   */
  Report(Path folder, String command) throws IOException {
    this.folder = folder;
    this.command = command;
    Files.createDirectories(folder);
  }

  /** Table II or IV: {@code name.json} and {@code name.md}. */
  void table(String name, String title, List<TableRow> rows, String note) throws IOException {
    write(
        name + ".json",
        new Table(
            Machine.description(),
            LocalDate.now().toString(),
            command,
            BlasLibraries.described(),
            rows));
    StringBuilder text = head(title, note);
    boolean batch = rows.stream().anyMatch(row -> row.batch() != null);
    if (batch) {
      text.append("64 streams (bounds in multiplications):\n\n");
      speeds(text, rows, TableRow::batch);
      text.append("\nOne stream (bounds in bytes):\n\n");
    }
    speeds(text, rows, TableRow::single);
    qualities(text, rows);
    List<String> misses = misses(rows);
    text.append("\n## Goals\n\n");
    if (misses.isEmpty()) {
      text.append(
          "Every cell is above the paper's factor and above 1%s.\n"
              .formatted(batch ? " (with 64 streams, as in the paper)" : ""));
    }
    misses.forEach(miss -> text.append("* missed: ").append(miss).append('\n'));
    text.append(median(rows, TableRow::single, "one stream"));
    if (batch) {
      text.append(median(rows, TableRow::batch, "64 streams"));
    }
    Files.writeString(folder.resolve(name + ".md"), text);
  }

  /**
   * The rows of full gating: {@code table4-full.json} and {@code table4-full.md}.
   *
   * @param above what {@link FullGatingBound#above} found in them
   */
  void fullGating(List<TableRow> rows, List<String> above, String note) throws IOException {
    write(
        "table4-full.json",
        new Table(
            Machine.description(),
            LocalDate.now().toString(),
            command,
            BlasLibraries.described(),
            rows));
    StringBuilder text = head("The rows Table IV lacks: full gating", note);
    text.append(
        """
        Section IV of the paper as it stands: each unit has a gate that reads the whole input and the whole state. The gates
        are a third of a full GRU's weights and are read in every step. With a fraction alpha of the units live the bound of a
        layer is 3 / (1 + 2 alpha) in weight bytes, **never above 3x**; the output layer, which both networks read whole, takes
        a little more. (The paper says that the best-case "reduction would be only 1/3", a slip: the work is reduced to a third,
        not by one.) The paper measured no such network.

        """);
    speeds(text, rows, TableRow::single);
    qualities(text, rows);
    text.append("\n## Goals\n\n");
    if (above.isEmpty()) {
      text.append(
          String.format(
              Locale.ROOT,
              "No factor is above 3x and the noise of its trials, which counts as %.0f %% at least.%n",
              100 * FullGatingBound.LEAST_NOISE));
    }
    above.forEach(line -> text.append("* above 3x: ").append(line).append('\n'));
    text.append(median(rows, TableRow::single, "one stream"));
    Files.writeString(folder.resolve("table4-full.md"), text);
  }

  private StringBuilder head(String title, String note) {
    StringBuilder text = new StringBuilder();
    text.append(
        "# %s%n%n%s, %s. Made by `%s`.%n%n%s%n%n"
            .formatted(title, Machine.description(), LocalDate.now(), command, note));
    BlasLibraries.described().forEach(line -> text.append("* ").append(line).append('\n'));
    return text.append('\n');
  }

  private static void qualities(StringBuilder text, List<TableRow> rows) {
    text.append("\n| g | s | live, layer 1 / 2 | bits per character | full GRU, equal updates |\n");
    text.append("|--:|--:|---|--:|--:|\n");
    for (TableRow row : rows) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %.2f | %s | %.3f | %.3f |%n",
              gates(row),
              row.shift(),
              live(row.live()),
              row.bits(),
              row.twinBits()));
    }
  }

  private static String gates(TableRow row) {
    return row.gating().equals("full") ? "full" : Integer.toString(row.gates());
  }

  private static String paper(TableRow row) {
    return row.paper() == null ? "-" : String.format(Locale.ROOT, "%.2fx", row.paper());
  }

  private static String median(
      List<TableRow> rows, Function<TableRow, TableRow.@Nullable Speed> which, String what) {
    double[] shares =
        rows.stream()
            .map(which)
            .flatMap(speed -> Optional.ofNullable(speed).stream())
            .mapToDouble(TableRow.Speed::share)
            .sorted()
            .toArray();
    double median = (shares[shares.length / 2] + shares[(shares.length - 1) / 2]) / 2;
    return String.format(
        Locale.ROOT, "%nThe median cell reaches %.0f %% of its bound (%s).%n", 100 * median, what);
  }

  private static List<String> misses(List<TableRow> rows) {
    List<String> misses = new ArrayList<>();
    for (TableRow row : rows) {
      TableRow.Speed speed = row.batch() == null ? row.single() : row.batch();
      if (row.paper() != null && speed.factor() <= Math.max(1, row.paper())) {
        misses.add(
            String.format(
                Locale.ROOT,
                "g = %d, s = %.2f: %.2fx, the paper has %.2fx",
                row.gates(),
                row.shift(),
                speed.factor(),
                row.paper()));
      }
    }
    return misses;
  }

  private static void speeds(
      StringBuilder text, List<TableRow> rows, Function<TableRow, TableRow.@Nullable Speed> which) {
    text.append(
        "| g | s | paper | over the fastest full GRU | bound | of bound | over the same network,"
            + " unskipped | bound | step | fastest full GRU |\n"
            + "|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n");
    for (TableRow row : rows) {
      TableRow.Speed speed = which.apply(row);
      if (speed != null) {
        text.append(
            String.format(
                Locale.ROOT,
                "| %s | %.2f | %s | **%.2fx** | %.2fx | %.0f %% | %.2fx | %.2fx | %.1f us | %s,"
                    + " %.1f us |%n",
                gates(row),
                row.shift(),
                paper(row),
                speed.factor(),
                speed.bound(),
                100 * speed.share(),
                speed.sameFactor(),
                speed.sameBound(),
                speed.nanos() / 1e3,
                speed.fullGru(),
                speed.fullGruNanos() / 1e3));
      }
    }
  }

  private static String live(double[] fractions) {
    List<String> parts = new ArrayList<>();
    for (double fraction : fractions) {
      parts.add(String.format(Locale.ROOT, "%.0f %%", 100 * fraction));
    }
    return String.join(" / ", parts);
  }

  /** Speed against quality, with the dense networks one could train instead. */
  void tradeOff(List<TableRow> unit, List<TableRow> block, List<Smaller> dense) throws IOException {
    write("trade-off.json", Map.of("unit", unit, "block", block, "dense", dense));
    Plot plot =
        new Plot(
            "Speed against quality, one stream, 27-1024-1024-27, equal updates",
            "bits per character",
            "speed-up over the fastest full GRU, n = 1024");
    byGates(plot, "unit, rank ", unit);
    byGates(plot, "block, g = ", block);
    plot.line(
        "full GRU, n = 1024 .. 256",
        dense.stream().map(Smaller::bits).toList(),
        dense.stream().map(Smaller::factor).toList());
    plot.save(folder.resolve("trade-off.svg"));
  }

  private static void byGates(Plot plot, String name, List<TableRow> rows) {
    for (int gates : Experiment.GATES) {
      List<TableRow> some =
          rows.stream()
              .filter(row -> row.gates() == gates)
              .sorted(Comparator.comparing(TableRow::shift))
              .toList();
      if (!some.isEmpty()) {
        plot.line(
            name + gates,
            some.stream().map(TableRow::bits).toList(),
            some.stream().map(row -> row.single().factor()).toList());
      }
    }
  }

  /** Training and validation apart, and the live fraction, over updates. */
  void curves(String name, String title, List<Curve> curves) throws IOException {
    write(name + ".json", curves);
    Plot bits = new Plot(title, "updates", "bits per character");
    for (Curve curve : curves) {
      bits.line(
          curve.label() + ", validation",
          updates(curve),
          curve.points().stream().map(Curve.Point::validation).toList());
    }
    for (Curve curve : curves) {
      bits.dashed(
          curve.label() + ", training",
          updates(curve),
          curve.points().stream().map(Curve.Point::training).toList());
    }
    bits.save(folder.resolve(name + ".svg"));
    List<Curve> skipping =
        curves.stream().filter(curve -> curve.last().live()[0] < 0.999f).toList();
    if (!skipping.isEmpty()) {
      liveFractions(name, title + ": live units", skipping);
    }
  }

  private static double meanLive(Curve.Point point) {
    double sum = 0;
    for (float fraction : point.live()) {
      sum += fraction;
    }
    return sum / point.live().length;
  }

  /** The live fractions of a table's networks over updates, to show that they have settled. */
  void liveFractions(String name, String title, List<Curve> curves) throws IOException {
    Plot live = new Plot(title, "updates", "live fraction, mean of layers");
    curves.forEach(curve -> live.line(curve.label(), updates(curve), meanLive(curve)));
    live.save(folder.resolve(name + "-live.svg"));
  }

  private static List<Double> updates(Curve curve) {
    return curve.points().stream().map(point -> (double) point.update()).toList();
  }

  private static List<Double> meanLive(Curve curve) {
    return curve.points().stream().map(Report::meanLive).toList();
  }

  /** What each way to a live fraction costs in quality. */
  void recipes(List<Experiment> experiments, List<Curve> curves) throws IOException {
    Plot plot =
        new Plot(
            "Ways to a live fraction, 27-256-256-27, g = 16, equal updates",
            "live fraction, mean of layers",
            "bits per character, validation");
    StringBuilder text = new StringBuilder();
    text.append(
        "# Recipes%n%n%s, %s. Made by `%s`.%n%n"
            .formatted(Machine.description(), LocalDate.now(), command));
    text.append(
        "| network | live | validation bits per character | training |\n|---|--:|--:|--:|\n");
    Map<String, List<Curve.Point>> families = new java.util.LinkedHashMap<>();
    for (int i = 0; i < experiments.size(); i++) {
      Experiment experiment = experiments.get(i);
      Curve.Point last = curves.get(i).last();
      families.computeIfAbsent(family(experiment.recipe()), _ -> new ArrayList<>()).add(last);
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %.0f %% | %.3f | %.3f |%n",
              experiment.label(),
              100 * meanLive(last),
              last.validation(),
              last.training()));
    }
    families.forEach((name, points) -> {
      List<Curve.Point> sorted =
          points.stream().sorted(Comparator.comparing(Report::meanLive)).toList();
      plot.line(
          name,
          sorted.stream().map(Report::meanLive).toList(),
          sorted.stream().map(Curve.Point::validation).toList());
    });
    plot.save(folder.resolve("recipes.svg"));
    Files.writeString(folder.resolve("recipes.md"), text);
  }

  private static String family(Recipe recipe) {
    String cell = recipe.network().cell().name().toLowerCase(Locale.ROOT);
    if (!recipe.network().cell().isConditional()) {
      return "full GRU";
    }
    Recipe.Shift shift = recipe.shift();
    String s = shift.annealing() > 0 ? ", annealed s" : ", constant s";
    return cell
        + (shift.hasTarget() ? ", learned s" : shift.batchNorm() ? ", learned scale and s" : s)
        + (recipe.schedule().population() > 0 ? "" : ", statistics of the batch");
  }

  private void write(String name, Object value) throws IOException {
    JSON.writerWithDefaultPrettyPrinter().writeValue(folder.resolve(name).toFile(), value);
  }
}
