package io.github.stillgate.bench.strategy;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.bench.Machine;
import io.github.stillgate.bench.Plot;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.util.Statistics;

/**
 * The strategies side by side.
 *
 * @param machine CPU, cores, JDK
 * @param date day of the run
 * @param rows one a strategy and live fraction
 */
record KernelReport(String machine, String date, List<Row> rows) {
  /**
   * One measurement.
   *
   * @param task {@code rows} (one stream, single units) or {@code blocks} (many streams)
   * @param strategy as in {@link RowStrategy#names} or {@link BlockStrategy#names}
   * @param live live fraction
   * @param nanos median over forks and iterations
   * @param low fastest iteration
   * @param high slowest iteration
   * @param speedUp over the fastest dense product of the same task and run
   */
  record Row(
      String task,
      String strategy,
      double live,
      @JsonProperty("median_ns") double nanos,
      @JsonProperty("min_ns") double low,
      @JsonProperty("max_ns") double high,
      @JsonProperty("speed_up_over_dense") double speedUp) {
    String key() {
      return String.format(Locale.ROOT, "%s/%s/%s", task, strategy, live);
    }
  }

  static KernelReport of(Collection<RunResult> results) {
    List<Row> rows = new ArrayList<>();
    for (RunResult result : results) {
      double dense = fastestDense(task(result), results);
      Statistics statistics = result.getPrimaryResult().getStatistics();
      double median = statistics.getPercentile(50);
      rows.add(
          new Row(
              task(result),
              result.getParams().getParam("strategy"),
              Double.parseDouble(result.getParams().getParam("live")),
              median,
              statistics.getMin(),
              statistics.getMax(),
              dense / median));
    }
    rows.sort(
        Comparator.comparing(Row::task)
            .reversed()
            .thenComparing(Row::strategy)
            .thenComparing(Comparator.comparing(Row::live).reversed()));
    return new KernelReport(Machine.description(), LocalDate.now().toString(), rows);
  }

  private static String task(RunResult result) {
    BenchmarkParams params = result.getParams();
    return params.getBenchmark().contains("BlockStrategy") ? "blocks" : "rows";
  }

  private static double fastestDense(String task, Collection<RunResult> results) {
    return results.stream()
        .filter(r -> task(r).equals(task))
        .filter(r -> r.getParams().getParam("strategy").startsWith("dense"))
        .mapToDouble(r -> r.getPrimaryResult().getStatistics().getPercentile(50))
        .min()
        .orElse(Double.NaN);
  }

  /** A row's fastest iteration over the fastest dense one of its task: what interference spares. */
  double ratioOfMinima(Row row) {
    double dense =
        rows.stream()
            .filter(other -> other.task.equals(row.task) && other.strategy.startsWith("dense"))
            .mapToDouble(Row::low)
            .min()
            .orElse(Double.NaN);
    return row.low / dense;
  }

  String toMarkdown() {
    StringBuilder text = new StringBuilder();
    text.append(
        "%s, %s. Made by `./stillgate bench kernels` (with MKL: `STILLGATE_MAVEN_ARGS=-Ppeers` before it).%n"
            .formatted(machine, date));
    for (String task : List.of("rows", "blocks")) {
      List<Row> some = rows.stream().filter(row -> row.task.equals(task)).toList();
      if (some.isEmpty()) {
        continue;
      }
      List<Double> fractions =
          some.stream().map(Row::live).distinct().sorted(Comparator.reverseOrder()).toList();
      text.append("%n%s%n%n| strategy |".formatted(title(task)));
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
                  .map(row -> String.format(Locale.ROOT, " %s, %.2fx |", time(row), row.speedUp))
                  .orElse(" |"));
        }
        text.append('\n');
      }
    }
    return text.toString();
  }

  private static String title(String task) {
    return task.equals("rows")
        ? "One stream, single units: 2 x 1024 rows of 1024, median time and speed-up over the fastest"
            + " dense `sgemv` of the run. `loop-openmp` uses both cores, all others one."
        : "64 streams, blocks of 64 units: 2 x 1024 rows of 1024, median time and speed-up over the"
            + " fastest dense `sgemm` of the run.";
  }

  private static String time(Row row) {
    return row.nanos < 1e6
        ? String.format(Locale.ROOT, "%.1f us", row.nanos / 1e3)
        : String.format(Locale.ROOT, "%.2f ms", row.nanos / 1e6);
  }

  /** Speed-up over live fraction, one picture a task. */
  void plot(Path rowsSvg, Path blocksSvg) throws IOException {
    plot("rows", "Conditional GEMV, one stream", rowsSvg);
    plot("blocks", "Block-conditional GEMM, 64 streams", blocksSvg);
  }

  private void plot(String task, String title, Path svg) throws IOException {
    Plot plot =
        new Plot(title, "live fraction", "speed-up over the fastest dense BLAS").logarithmicY();
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
          some.stream().map(Row::speedUp).toList());
    }
    if (!strategies.isEmpty()) {
      List<Double> live = List.of(0.06, 0.125, 0.25, 0.5, 1.0);
      plot.dashed("1 / live fraction", live, live.stream().map(l -> 1 / l).toList());
      plot.save(svg);
    }
  }
}
