package io.github.stillgate.bench.step;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.cli.plot.Plot;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What {@link Peers} measured.
 *
 * @param machine CPU, cores, JDK
 * @param date day of the run
 * @param command what makes it again
 * @param forks JVMs of each cell, width and host
 * @param seconds timed of each row in each JVM
 * @param hosts what each host was
 * @param blas every BLAS that was found, one a line
 * @param lines the rows
 * @param absent reasons by row, of those that could not run
 */
record StepReport(
    String machine,
    String date,
    String command,
    int forks,
    double seconds,
    Map<Host, String> hosts,
    List<String> blas,
    List<StepLine> lines,
    @JsonProperty("not_here") Map<String, String> absent) {
  private static final List<String> COLUMNS =
      List.of(
          "row",
          "p50 us",
          "of each JVM",
          "p99 us",
          "p99.9 us",
          "/ ORT",
          "/ ORT int8",
          "bytes read",
          "GB/s",
          "moved",
          "live",
          "B allocated");

  private static final List<String> WEAK_COLUMNS = List.of("weak p50 us", "weak / ORT");

  void json(Path file) throws IOException {
    JsonMapper.builder().build().writerWithDefaultPrettyPrinter().writeValue(file.toFile(), this);
  }

  String markdown() {
    StringBuilder text = new StringBuilder();
    text.append("# One step of one stream\n\n");
    text.append("%s, %s. Made by `%s`.\n\n".formatted(machine, date, command));
    text.append(
        String.format(
            Locale.ROOT,
            "%d JVMs for each width and host; in each all rows of the width in turns, %s s a row. Percentiles are over all steps of all JVMs, ratios medians over JVMs of ratios within one. [Performance](../../docs/performance.md) explains the numbers by their bytes.%n%n",
            forks,
            seconds));
    hosts.forEach((host, what) ->
        text.append("* %s: %s\n".formatted(host.name().toLowerCase(Locale.ROOT), what)));
    blas.forEach(line -> text.append("* ").append(line).append('\n'));
    for (Cell cell : lines.stream().map(StepLine::cell).distinct().toList()) {
      List<StepLine> some = lines.stream().filter(line -> line.cell() == cell).toList();
      text.append("\n## ").append(cell.title()).append('\n');
      for (int units : some.stream().map(StepLine::units).distinct().toList()) {
        table(text, units, some.stream().filter(line -> line.units() == units).toList());
      }
    }
    List<StepLine> allocating = lines.stream().filter(StepReport::breaksTheLaw).toList();
    if (!allocating.isEmpty()) {
      text.append("\n## Steps of ours that allocate, which none may\n\n");
      allocating.forEach(line ->
          text.append(
              String.format(
                  Locale.ROOT,
                  "* %s n = %d, %s: %,.0f bytes a step%n",
                  line.cell().word(),
                  line.units(),
                  line.row(),
                  line.allocated())));
    }
    if (!absent.isEmpty()) {
      text.append("\n## Not here\n\n");
      absent.forEach((row, reason) -> text.append("* %s: %s\n".formatted(row, reason)));
    }
    return text.toString();
  }

  /** Less is what the JVM's own compilation leaves in a few of the first steps. */
  private static boolean breaksTheLaw(StepLine line) {
    boolean ours = Rows.BACKENDS.stream().anyMatch(name -> line.row().startsWith(name + "/"));
    return ours && line.allocated() >= 1000;
  }

  private static void table(StringBuilder text, int units, List<StepLine> lines) {
    boolean weak = lines.stream().anyMatch(line -> line.host() == Host.WEAK);
    List<String> columns = new ArrayList<>(COLUMNS);
    if (weak) {
      columns.addAll(WEAK_COLUMNS);
    }
    text.append("\nn = %d\n\n| %s |\n".formatted(units, String.join(" | ", columns)));
    text.append("|---|").append("--:|".repeat(columns.size() - 1)).append('\n');
    for (StepLine line : lines) {
      if (line.host() != Host.WHOLE && lines.stream().anyMatch(line::isTwinOf)) {
        continue;
      }
      List<String> cells = new ArrayList<>(cells(line));
      if (weak) {
        Optional<StepLine> twin =
            line.host() == Host.WEAK
                ? Optional.of(line)
                : lines.stream().filter(line::isTwinOf).findFirst();
        cells.add(twin.map(other -> micros(other.p50())).orElse(""));
        cells.add(twin.map(other -> number(other.overPeer())).orElse(""));
      }
      text.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }
  }

  private static List<String> cells(StepLine line) {
    if (line.host() == Host.WEAK) {
      List<String> nothing = new ArrayList<>(List.of(line.row()));
      while (nothing.size() < COLUMNS.size()) {
        nothing.add("");
      }
      return nothing;
    }
    return List.of(
        line.row(),
        micros(line.p50()),
        micros(line.lowest()) + " .. " + micros(line.highest()),
        micros(line.p99()),
        micros(line.p999()),
        number(line.overPeer()),
        number(line.overInt8Peer()),
        String.format(Locale.ROOT, "%,.0f", line.bytes()),
        String.format(Locale.ROOT, "%.1f", line.bytes() / line.p50()),
        percent(line.moved()),
        percent(line.live()),
        String.format(Locale.ROOT, "%,.0f", line.allocated()));
  }

  private static String micros(double nanos) {
    return String.format(Locale.ROOT, "%.2f", nanos / 1e3);
  }

  private static String number(@Nullable Double value) {
    return value == null ? "" : String.format(Locale.ROOT, "%.2f", value);
  }

  private static String percent(@Nullable Double value) {
    return value == null ? "" : String.format(Locale.ROOT, "%.0f %%", 100 * value);
  }

  /**
   * A picture for each cell and each of our backends: medians over width on the whole host, of this
   * backend and of all who are not ours. All rows in one picture could not be told apart.
   *
   * @param file the name of each, given what it shows
   */
  void plot(UnaryOperator<String> file, Path folder) throws IOException {
    for (Cell cell : lines.stream().map(StepLine::cell).distinct().toList()) {
      List<StepLine> some =
          lines.stream().filter(line -> line.cell() == cell && line.host() == Host.WHOLE).toList();
      for (String backend : Rows.BACKENDS) {
        if (some.stream().anyMatch(line -> isOf(backend, line))) {
          Plot plot =
              new Plot(cell.title(), "units n", "us a step, median").logarithmicX().logarithmicY();
          add(plot, some.stream().filter(line -> isOf(backend, line)).toList(), true);
          add(plot, some.stream().filter(line -> isOfOthers(line)).toList(), false);
          plot.save(folder.resolve(file.apply(cell.word() + "-" + backend)));
        }
      }
    }
  }

  private static boolean isOf(String runtime, StepLine line) {
    return line.row().startsWith(runtime + "/");
  }

  private static boolean isOfOthers(StepLine line) {
    return Rows.BACKENDS.stream().noneMatch(backend -> isOf(backend, line));
  }

  private static void add(Plot plot, List<StepLine> some, boolean ours) {
    for (String row : some.stream().map(StepLine::row).distinct().toList()) {
      List<StepLine> points = some.stream().filter(line -> line.row().equals(row)).toList();
      List<Double> widths = points.stream().map(line -> (double) line.units()).toList();
      List<Double> times = points.stream().map(line -> line.p50() / 1e3).toList();
      // Dashes have no markers, so they need two points to be seen.
      if (ours || points.size() == 1) {
        plot.line(row, widths, times);
      } else {
        plot.dashed(row, widths, times);
      }
    }
  }
}
