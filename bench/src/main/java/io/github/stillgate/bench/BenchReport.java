package io.github.stillgate.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.bench.strategy.BlasLibraries;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.WeightFormat;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;

/**
 * The measured times with their byte bounds.
 *
 * @param machine CPU, cores, JDK
 * @param date day of the run
 * @param blas every BLAS that was found, one a line; {@code Blas.sgemv} is the first
 * @param bandwidth read bandwidth in GB/s by KiB of memory
 * @param rows one a benchmark and parameter set
 */
record BenchReport(
    String machine,
    String date,
    List<String> blas,
    TreeMap<Integer, Double> bandwidth,
    List<Row> rows) {
  private static final double KIB = 1024;

  /**
   * One measurement.
   *
   * @param benchmark class and method
   * @param parameters as given to JMH
   * @param nanos median over forks and iterations
   * @param low fastest iteration
   * @param high slowest iteration
   * @param bytes weight bytes one call must read, or null if not known
   * @param gigabytesPerSecond those bytes over the median
   * @param share of the read bandwidth over the same footprint, 1 = at the bound
   * @param allocated bytes a call allocated
   */
  record Row(
      String benchmark,
      String parameters,
      @JsonProperty("median_ns") double nanos,
      @JsonProperty("min_ns") double low,
      @JsonProperty("max_ns") double high,
      @Nullable Double bytes,
      @JsonProperty("gb_per_s") @Nullable Double gigabytesPerSecond,
      @JsonProperty("share_of_bandwidth") @Nullable Double share,
      @JsonProperty("allocated_bytes") double allocated) {}

  static BenchReport of(List<RunResult> results) {
    TreeMap<Integer, Double> bandwidth = new TreeMap<>();
    for (RunResult result : results) {
      if (name(result).startsWith("Read")) {
        int kib = Integer.parseInt(result.getParams().getParam("kib"));
        bandwidth.put(kib, kib * KIB / median(result));
      }
    }
    List<Row> rows = new ArrayList<>();
    for (RunResult result : results) {
      rows.add(row(result, bandwidth));
    }
    rows.sort(Comparator.comparing(Row::benchmark).thenComparing(Row::parameters));
    return new BenchReport(
        Machine.description(),
        LocalDate.now().toString(),
        BlasLibraries.described(),
        bandwidth,
        rows);
  }

  private static Row row(RunResult result, TreeMap<Integer, Double> bandwidth) {
    BenchmarkParams params = result.getParams();
    double nanos = median(result);
    Double bytes = bytes(result);
    Double footprint = footprint(result);
    Double rate = bytes == null ? null : bytes / nanos;
    Double share = null;
    if (rate != null && footprint != null && !bandwidth.isEmpty()) {
      share = rate / bandwidthOver(footprint / KIB, bandwidth);
    }
    StringBuilder parameters = new StringBuilder();
    for (String key : params.getParamsKeys()) {
      parameters.append(parameters.isEmpty() ? "" : " ").append(key).append('=');
      parameters.append(params.getParam(key));
    }
    Result<?> allocated = result.getSecondaryResults().get("gc.alloc.rate.norm");
    return new Row(
        name(result),
        parameters.toString(),
        nanos,
        result.getPrimaryResult().getStatistics().getMin(),
        result.getPrimaryResult().getStatistics().getMax(),
        bytes,
        rate,
        share,
        allocated == null ? Double.NaN : allocated.getScore());
  }

  /** The bandwidth of the measured footprint that is nearest in size from above, or the largest. */
  private static double bandwidthOver(double kib, TreeMap<Integer, Double> bandwidth) {
    var entry = bandwidth.ceilingEntry((int) Math.floor(kib * 0.99));
    return (entry == null ? bandwidth.lastEntry() : entry).getValue();
  }

  private static @Nullable Double bytes(RunResult result) {
    BenchmarkParams params = result.getParams();
    return switch (name(result)) {
      case "Read.read" -> Integer.parseInt(params.getParam("kib")) * KIB;
      case "Gemv.multiply" ->
          GemvBenchmark.bytes(
              Integer.parseInt(params.getParam("n")),
              Double.parseDouble(params.getParam("live")),
              SumOrder.valueOf(params.getParam("order")),
              WeightFormat.valueOf(params.getParam("weights")));
      case "Order.multiply" -> orderBytes(params);
      case "Blas.sgemv" -> 8.0 * square(params);
      case "Step.step" ->
          StepBenchmark.bytesPerStep(
              Integer.parseInt(params.getParam("n")), params.getParam("kind"));
      case "Threads.backToBack", "Threads.paced" ->
          ThreadsBenchmark.bytesPerStep(Integer.parseInt(params.getParam("n")), planFormat(params));
      default -> null;
    };
  }

  /** What a call may touch in all, which decides the cache level it reads from. */
  private static @Nullable Double footprint(RunResult result) {
    BenchmarkParams params = result.getParams();
    return switch (name(result)) {
      case "Read.read" -> Integer.parseInt(params.getParam("kib")) * KIB;
      case "Gemv.multiply" ->
          2.0 * WeightFormat.valueOf(params.getParam("weights")).bytes() * square(params);
      case "Order.multiply" -> orderBytes(params);
      case "Blas.sgemv" -> 8.0 * square(params);
      case "Step.step" ->
          StepBenchmark.footprint(Integer.parseInt(params.getParam("n")), params.getParam("kind"));
      case "Threads.backToBack", "Threads.paced" ->
          ThreadsBenchmark.footprint(Integer.parseInt(params.getParam("n")), planFormat(params));
      default -> null;
    };
  }

  private static io.github.stillgate.core.plan.WeightFormat planFormat(BenchmarkParams params) {
    return io.github.stillgate.core.plan.WeightFormat.valueOf(params.getParam("weights"));
  }

  private static double orderBytes(BenchmarkParams params) {
    return OrderBenchmark.bytes(
        Integer.parseInt(params.getParam("n")),
        Integer.parseInt(params.getParam("kinds")),
        WeightFormat.valueOf(params.getParam("weights")));
  }

  private static double square(BenchmarkParams params) {
    double n = Double.parseDouble(params.getParam("n"));
    return n * n;
  }

  private static double median(RunResult result) {
    return result.getPrimaryResult().getStatistics().getPercentile(50);
  }

  private static String name(RunResult result) {
    String full = result.getParams().getBenchmark();
    String[] parts = full.split("\\.");
    return parts[parts.length - 2].replace("Benchmark", "") + "." + parts[parts.length - 1];
  }

  String toMarkdown() {
    StringBuilder text = new StringBuilder();
    text.append("%s, %s%n%n".formatted(machine, date));
    blas.forEach(line -> text.append("* ").append(line).append('\n'));
    text.append('\n');
    text.append(
        "| benchmark | parameters | median | min .. max | bytes | GB/s | of bandwidth | B allocated"
            + " |\n|---|---|--:|--:|--:|--:|--:|--:|\n");
    for (Row row : rows) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %s | %s .. %s | %s | %s | %s | %.1f |%n",
              row.benchmark,
              row.parameters,
              time(row.nanos),
              time(row.low),
              time(row.high),
              row.bytes == null ? "" : String.format(Locale.ROOT, "%,.0f", row.bytes),
              row.gigabytesPerSecond == null
                  ? ""
                  : String.format(Locale.ROOT, "%.1f", row.gigabytesPerSecond),
              row.share == null ? "" : String.format(Locale.ROOT, "%.0f %%", 100 * row.share),
              row.allocated));
    }
    return text.toString();
  }

  private static String time(double nanos) {
    return nanos < 1e4
        ? String.format(Locale.ROOT, "%.0f ns", nanos)
        : String.format(Locale.ROOT, "%.1f us", nanos / 1e3);
  }
}
