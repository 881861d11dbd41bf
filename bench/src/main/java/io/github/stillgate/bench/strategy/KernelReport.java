package io.github.stillgate.bench.strategy;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.bench.Machine;
import io.github.stillgate.cli.plot.Plot;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * The strategies side by side.
 *
 * @param machine CPU, cores, JDK
 * @param date day of the run
 * @param blas every BLAS of the run, one a line
 * @param bounds what one core could do in this run
 * @param baseline what factors are taken over
 * @param rows one a strategy and live fraction
 */
record KernelReport(
    String machine,
    String date,
    List<String> blas,
    Bounds bounds,
    Baseline baseline,
    List<Row> rows) {
  /**
   * One measurement.
   *
   * @param task {@code rows} (one stream, single units), {@code blocks} (many streams), or a word
   *     of {@link LayerTask}
   * @param strategy as in {@link RowStrategy#names} or {@link BlockStrategy#names}
   * @param live live fraction
   * @param nanos median
   * @param low fastest
   * @param high slowest
   * @param speedUp over the baseline of the same task and run, or null where there is none
   */
  record Row(
      String task,
      String strategy,
      double live,
      @JsonProperty("median_ns") double nanos,
      @JsonProperty("min_ns") double low,
      @JsonProperty("max_ns") double high,
      @JsonProperty("speed_up_over_dense") @Nullable Double speedUp) {}

  /** A report of these times, in the tables' order. */
  static KernelReport of(List<Timed> times, Bounds bounds, Baseline baseline) {
    List<Row> rows = new ArrayList<>();
    for (Timed time : times) {
      OptionalDouble dense = baseline.nanos(time.task(), times);
      rows.add(
          new Row(
              time.task(),
              time.strategy(),
              time.live(),
              time.nanos(),
              time.low(),
              time.high(),
              dense.isPresent() ? dense.getAsDouble() / time.nanos() : null));
    }
    rows.sort(
        Comparator.comparing(Row::task)
            .reversed()
            .thenComparing(Row::strategy)
            .thenComparing(Comparator.comparing(Row::live).reversed()));
    return new KernelReport(
        Machine.description(),
        LocalDate.now().toString(),
        BlasLibraries.described(),
        bounds,
        baseline,
        rows);
  }

  String toMarkdown() {
    StringBuilder text = new StringBuilder();
    text.append(
        "%s, %s. Made by `./stillgate bench kernels` (with MKL: `STILLGATE_MAVEN_ARGS=-Ppeers` before it).%n"
            .formatted(machine, date));
    text.append('\n');
    blas.forEach(line -> text.append("* ").append(line).append('\n'));
    text.append("* ").append(bounds).append('\n');
    baseline.verdicts().forEach(line -> text.append("* ").append(line).append('\n'));
    for (String task : List.of("rows", "blocks")) {
      List<Row> some = rows.stream().filter(row -> row.task.equals(task)).toList();
      if (some.isEmpty()) {
        continue;
      }
      List<Double> fractions =
          some.stream().map(Row::live).distinct().sorted(Comparator.reverseOrder()).toList();
      text.append("%n%s%n%n| strategy |".formatted(title(task, baseline)));
      for (double live : fractions) {
        text.append(String.format(Locale.ROOT, " %.0f %% live |", 100 * live));
      }
      text.append("\n|---|").append("--:|".repeat(fractions.size())).append('\n');
      for (String strategy : some.stream().map(Row::strategy).distinct().toList()) {
        text.append("| ").append(strategy).append(" |");
        for (double live : fractions) {
          text.append(
              some.stream()
                  .filter(row -> row.strategy.equals(strategy) && row.live == live)
                  .findFirst()
                  .map(KernelReport::cell)
                  .orElse(" |"));
        }
        text.append('\n');
      }
    }
    layers(text);
    return text.toString();
  }

  private void layers(StringBuilder text) {
    List<Row> some = rows.stream().filter(row -> LayerTask.find(row.task).isPresent()).toList();
    if (some.isEmpty()) {
      return;
    }
    text.append(
        "%nSteps of layers of 512 units, input as wide; %s.%n%n| layer | strategy | |%n|---|---|--:|%n"
            .formatted(
                baseline.library() == null
                    ? "there is no valid baseline, so no factors"
                    : "median time and speed-up over a float32 `sgemv` of its shape by "
                        + baseline.library()));
    for (Row row : some) {
      text.append("| %s | %s |%s%n".formatted(row.task, row.strategy, cell(row)));
    }
  }

  private static String cell(Row row) {
    return row.speedUp == null
        ? " " + time(row) + " |"
        : String.format(Locale.ROOT, " %s, %.2fx |", time(row), row.speedUp);
  }

  private static String title(String task, Baseline baseline) {
    String over =
        baseline.library() == null
            ? "median time; there is no valid baseline, so no factors"
            : "median time and speed-up over %s of %s"
                .formatted(
                    task.equals("rows") ? "the dense `sgemv`" : "the dense `sgemm`",
                    baseline.library());
    return task.equals("rows")
        ? "One stream, single units: 2 x 1024 rows of 1024, "
            + over
            + ". `loop-openmp` uses both cores, all others one."
        : "64 streams, blocks of 64 units: 2 x 1024 rows of 1024, " + over + ".";
  }

  private static String time(Row row) {
    return row.nanos < 1e6
        ? String.format(Locale.ROOT, "%.1f us", row.nanos / 1e3)
        : String.format(Locale.ROOT, "%.2f ms", row.nanos / 1e6);
  }

  /** Speed-up over live fraction, one picture a task; none without a baseline. */
  void plot(Path rowsSvg, Path blocksSvg) throws IOException {
    if (baseline.library() == null) {
      return;
    }
    plot("rows", "Conditional GEMV, one stream", rowsSvg);
    plot("blocks", "Block-conditional GEMM, 64 streams", blocksSvg);
  }

  private void plot(String task, String title, Path svg) throws IOException {
    Plot plot =
        new Plot(title, "live fraction", "speed-up over dense, " + baseline.library())
            .logarithmicY();
    List<String> strategies =
        rows.stream()
            .filter(row -> row.task.equals(task) && !row.strategy.startsWith("dense"))
            .map(Row::strategy)
            .distinct()
            .toList();
    for (String strategy : strategies) {
      List<Row> some =
          rows.stream()
              .filter(row -> row.task.equals(task) && row.strategy.equals(strategy))
              .sorted(Comparator.comparing(Row::live))
              .toList();
      plot.line(
          strategy,
          some.stream().map(Row::live).toList(),
          some.stream().map(row -> Objects.requireNonNull(row.speedUp)).toList());
    }
    if (!strategies.isEmpty()) {
      List<Double> live = List.of(0.06, 0.125, 0.25, 0.5, 1.0);
      plot.dashed("1 / live fraction", live, live.stream().map(l -> 1 / l).toList());
      plot.save(svg);
    }
  }
}
