package io.github.stillgate.bench.strategy;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ./stillgate bench kernels}: every way to multiply what is live, side by side. */
@Command(
    name = "kernels",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Compares our kernels with the conditional GRU paper's own strategies (copy the live rows and"
          + " call a BLAS, a plain C loop, a GEMM for each block) over every BLAS that is found, and with"
          + " dense products. A strategy with wrong answers is an error.",
      "",
      "MKL is compared if it is there: STILLGATE_MAVEN_ARGS=-Ppeers ./stillgate bench kernels",
      ""
    })
public final class Kernels implements Callable<Integer> {
  /**
   * Shared machines move by a tenth or two between runs, more when something else wants the cores;
   * a kernel that lost its SIMD moves by ten times.
   */
  private static final double MARGIN = 3;

  private static final JsonMapper JSON = JsonMapper.builder().build();

  /**
   * What {@code --check} holds a run against.
   *
   * @param margin a backend may take so many times its recorded ratio
   * @param ratios fastest iteration over the fastest of a dense product in the same run, by
   *     task/strategy/live
   */
  record Recorded(double margin, @JsonProperty("time_over_dense") TreeMap<String, Double> ratios) {}

  @Option(names = "--forks", defaultValue = "3", description = "JVMs a measurement")
  private int forks;

  @Option(
      names = "--quick",
      description = "our backends and the system's BLAS at 25 %% live, one fork: what CI runs")
  private boolean quick;

  @Option(
      names = "--out",
      paramLabel = "FOLDER",
      description = "writes kernels.json, kernels.md, kernels-rows.svg and kernels-blocks.svg")
  private @Nullable Path out;

  @Option(
      names = "--check",
      paramLabel = "FILE",
      description =
          "fails if a backend falls behind its recorded ratio to dense by more than a margin")
  private @Nullable Path check;

  @Option(
      names = "--record",
      paramLabel = "FILE",
      description = "writes the ratios of this run for --check")
  private @Nullable Path record;

  Kernels() {}

  @Override
  public Integer call() throws Exception {
    List<RunResult> results = new ArrayList<>();
    results.addAll(run("RowStrategyBenchmark", strategies(RowStrategy.names())));
    results.addAll(run("BlockStrategyBenchmark", strategies(BlockStrategy.names())));
    KernelReport report = KernelReport.of(results);
    System.out.println();
    System.out.print(report.toMarkdown());
    if (out != null) {
      write(report, out);
    }
    if (record != null) {
      record(report, record);
    }
    return check == null || holds(report, check) ? 0 : 1;
  }

  private List<String> strategies(List<String> found) {
    if (!quick) {
      return found;
    }
    List<String> some = new ArrayList<>(List.of("reference"));
    for (String name : List.of("vector", "native", "dense-openblas", "dense-netlib")) {
      if (found.contains(name)
          && !(name.equals("dense-netlib") && some.contains("dense-openblas"))) {
        some.add(name);
      }
    }
    return some;
  }

  private Collection<RunResult> run(String benchmark, List<String> strategies) throws Exception {
    var options =
        new OptionsBuilder()
            .include(benchmark)
            .param("strategy", strategies.toArray(new String[0]))
            .forks(quick ? 1 : forks)
            .warmupIterations(quick ? 2 : 3)
            .warmupTime(TimeValue.milliseconds(500))
            .measurementIterations(quick ? 3 : 5)
            .measurementTime(TimeValue.milliseconds(300))
            .shouldFailOnError(true)
            .jvmArgs(
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Dstillgate.home=" + System.getProperty("stillgate.home", "."));
    if (quick) {
      options.param("live", "0.25");
    }
    return new Runner(options.build()).run();
  }

  private static void write(KernelReport report, Path folder) throws IOException {
    Files.createDirectories(folder);
    JSON.writerWithDefaultPrettyPrinter()
        .writeValue(folder.resolve("kernels.json").toFile(), report);
    Files.writeString(folder.resolve("kernels.md"), report.toMarkdown());
    report.plot(folder.resolve("kernels-rows.svg"), folder.resolve("kernels-blocks.svg"));
  }

  private static boolean isOurs(String strategy) {
    return List.of("reference", "vector", "native").contains(strategy);
  }

  private static void record(KernelReport report, Path file) throws IOException {
    TreeMap<String, Double> ratios = new TreeMap<>();
    for (KernelReport.Row row : report.rows()) {
      if (isOurs(row.strategy())) {
        ratios.put(row.key(), Math.round(1000 * report.ratioOfMinima(row)) / 1000.0);
      }
    }
    JSON.writerWithDefaultPrettyPrinter().writeValue(file.toFile(), new Recorded(MARGIN, ratios));
  }

  private static boolean holds(KernelReport report, Path file) throws IOException {
    Recorded recorded = JSON.readValue(file.toFile(), Recorded.class);
    boolean holds = true;
    for (KernelReport.Row row : report.rows()) {
      Double ratio = recorded.ratios.get(row.key());
      if (ratio == null) {
        continue;
      }
      double now = report.ratioOfMinima(row);
      boolean ok = now <= ratio * recorded.margin;
      holds &= ok;
      System.out.printf(
          Locale.ROOT,
          "%s %s: %.3f of the dense time, recorded %.3f, allowed %.3f%n",
          ok ? "ok  " : "SLOW",
          row.key(),
          now,
          ratio,
          ratio * recorded.margin);
    }
    return holds;
  }
}
