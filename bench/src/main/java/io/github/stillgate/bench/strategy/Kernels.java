package io.github.stillgate.bench.strategy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.Count;
import io.github.stillgate.bench.FmaBenchmark;
import io.github.stillgate.bench.ForkedJvm;
import io.github.stillgate.bench.ReadBenchmark;
import io.github.stillgate.kernel.ffm.BlasIdentity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.util.Statistics;
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
          + " dense products; then steps of layers in bf16 and int8, of int8 with a quarter of the"
          + " values moved, and of an SRU. A strategy with wrong answers is an error.",
      "",
      "A BLAS is named by what it says of itself, and factors are taken over it only if its sgemv"
          + " reaches half of the read bandwidth of the same run. -Dstillgate.blas=FILE in"
          + " STILLGATE_JAVA_ARGS names one.",
      "",
      "MKL is compared if it is there: STILLGATE_MAVEN_ARGS=-Ppeers ./stillgate bench kernels",
      "",
      "Exit code 1 if a check or a required baseline fails.",
      ""
    })
public final class Kernels implements Callable<Integer> {
  private static final List<String> OURS = List.of("reference", "vector", "native");
  private static final List<String> TASKS =
      Stream.concat(Stream.of("rows", "blocks"), LayerTask.words().stream()).toList();
  private static final int QUICK_FORKS = 3;
  private static final int SECOND_FORKS = 5;
  private static final int RECORD_FORKS = 5;
  private static final JsonMapper JSON = JsonMapper.builder().build();

  @Option(
      names = "--forks",
      converter = Count.class,
      defaultValue = "3",
      description = "JVMs a measurement")
  private int forks;

  @Option(
      names = "--quick",
      description =
          "our backends and one BLAS at 25 %% live, in turns within three JVMs: what CI runs")
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
          "fails without a valid baseline, or if a backend takes more of the dense time than FILE"
              + " allows on this kind of machine; on a kind that FILE does not know, less of what one"
              + " core can do")
  private @Nullable Path check;

  @Option(
      names = "--record",
      paramLabel = "FILE",
      description =
          "adds this kind of machine to FILE: ratios of five JVMs, and the noise of each kernel"
              + " against itself")
  private @Nullable Path record;

  @Option(
      names = "--require-baseline",
      paramLabel = "NAME",
      description =
          "the BLAS that must answer and be valid: openblas, mkl, blis; without it, the fastest")
  private @Nullable String required;

  Kernels() {}

  @Override
  public Integer call() throws Exception {
    BlasLibraries.described().forEach(System.out::println);
    Forks interleaved =
        quick || record != null || check != null
            ? Forks.run(
                TASKS,
                record == null ? QUICK_FORKS : RECORD_FORKS,
                quickStrategies(),
                record != null)
            : null;
    KernelReport report =
        quick && interleaved != null
            ? report(interleaved.times(), interleaved.bounds())
            : everyStrategy();
    System.out.println();
    System.out.print(report.toMarkdown());
    if (out != null) {
      write(report, out);
    }
    Baseline baseline =
        interleaved == null
            ? report.baseline()
            : baseline(interleaved.times(), interleaved.bounds());
    if ((required != null || check != null) && baseline.library() == null) {
      System.out.println("FAILED: " + baseline.why());
      return 1;
    }
    if (record != null && interleaved != null) {
      record(interleaved, baseline, record);
    }
    return check == null || interleaved == null || holds(interleaved, baseline, check) ? 0 : 1;
  }

  static boolean isOurs(String strategy) {
    return OURS.contains(strategy);
  }

  private KernelReport report(List<Timed> times, Bounds bounds) {
    return KernelReport.of(times, bounds, baseline(times, bounds));
  }

  private Baseline baseline(List<Timed> times, Bounds bounds) {
    return Baseline.choose(times, bounds, Kernels::identity, required);
  }

  private static BlasIdentity identity(String library) {
    return BlasLibraries.open(library).identity();
  }

  /** Ours, and every BLAS but netlib, which stands in where there is no other. */
  private static List<String> quickStrategies() {
    List<String> some = new ArrayList<>(RowStrategy.names());
    some.removeIf(name -> !isOurs(name) && !name.startsWith("dense-"));
    if (some.stream().filter(name -> name.startsWith("dense-")).count() > 1) {
      some.remove("dense-netlib");
    }
    return some;
  }

  private KernelReport everyStrategy() throws Exception {
    List<RunResult> results = new ArrayList<>();
    results.addAll(
        new Runner(
                options()
                    .include(ReadBenchmark.class.getName())
                    .include(FmaBenchmark.class.getName())
                    .param("kib", Integer.toString(Bounds.KIB))
                    .build())
            .run());
    double byteNanos = 0;
    double multiplyAddNanos = 0;
    for (RunResult result : results) {
      double median = result.getPrimaryResult().getStatistics().getPercentile(50);
      if (result.getParams().getBenchmark().contains("Read")) {
        byteNanos = median / (1024.0 * Bounds.KIB);
      } else {
        multiplyAddNanos = median / FmaBenchmark.multiplyAdds();
      }
    }
    List<Timed> times = new ArrayList<>();
    times.addAll(run("rows", "RowStrategyBenchmark", RowStrategy.names()));
    times.addAll(run("blocks", "BlockStrategyBenchmark", BlockStrategy.names()));
    times.addAll(Forks.run(LayerTask.words(), forks, quickStrategies(), false).times());
    return report(times, new Bounds(1 / byteNanos, 1 / multiplyAddNanos));
  }

  private List<Timed> run(String task, String benchmark, List<String> strategies)
      throws RunnerException {
    List<Timed> times = new ArrayList<>();
    ChainedOptionsBuilder options =
        options().include(benchmark).param("strategy", strategies.toArray(String[]::new));
    for (RunResult result : new Runner(options.build()).run()) {
      Statistics statistics = result.getPrimaryResult().getStatistics();
      times.add(
          new Timed(
              task,
              result.getParams().getParam("strategy"),
              Double.parseDouble(result.getParams().getParam("live")),
              statistics.getPercentile(50),
              statistics.getMin(),
              statistics.getMax()));
    }
    return times;
  }

  private ChainedOptionsBuilder options() {
    return new OptionsBuilder()
        .forks(forks)
        .warmupIterations(3)
        .warmupTime(TimeValue.milliseconds(500))
        .measurementIterations(5)
        .measurementTime(TimeValue.milliseconds(300))
        .shouldFailOnError(true)
        .jvmArgs(ForkedJvm.flags().toArray(String[]::new));
  }

  private static void write(KernelReport report, Path folder) throws IOException {
    Files.createDirectories(folder);
    JSON.writerWithDefaultPrettyPrinter()
        .writeValue(folder.resolve("kernels.json").toFile(), report);
    Files.writeString(folder.resolve("kernels.md"), report.toMarkdown());
    report.plot(folder.resolve("kernels-rows.svg"), folder.resolve("kernels-blocks.svg"));
  }

  private static void record(Forks forks, Baseline baseline, Path file) throws IOException {
    String library = baseline.library();
    if (library == null) {
      System.out.println("nothing is recorded: " + baseline.why());
      return;
    }
    String kind = Ratios.kind(identity(library));
    Ratios.OnMachine recorded = Ratios.OnMachine.of(forks, library);
    Ratios.read(file).with(kind, recorded).write(file);
    System.out.printf("recorded %s in %s%n", kind, file);
    for (Timed time : forks.times()) {
      String key = Ratios.key(time.task(), time.strategy());
      if (isOurs(time.strategy()) && !recorded.ratios().containsKey(key)) {
        System.out.println(key + " is left out: too noisy now, leave the machine alone");
      }
    }
  }

  /** Judges, and once more with other JVMs what failed: slow is what is slow twice. */
  private static boolean holds(Forks forks, Baseline baseline, Path file)
      throws IOException, InterruptedException {
    String library = Objects.requireNonNull(baseline.library());
    RatioCheck judge = new RatioCheck(Ratios.read(file), Ratios.kind(identity(library)), library);
    System.out.println();
    System.out.println(judge.measure());
    List<RatioCheck.Verdict> verdicts = judge.judge(forks);
    verdicts.forEach(System.out::println);
    List<RatioCheck.Verdict> slow = verdicts.stream().filter(v -> !v.holds()).toList();
    if (slow.isEmpty()) {
      return true;
    }
    System.out.printf("%d slow; once more with %d JVMs%n", slow.size(), SECOND_FORKS);
    List<String> tasks = slow.stream().map(RatioCheck.Verdict::task).distinct().toList();
    List<String> strategies =
        new ArrayList<>(slow.stream().map(RatioCheck.Verdict::strategy).distinct().toList());
    strategies.add("dense-" + library);
    List<RatioCheck.Verdict> again =
        judge.judge(Forks.run(tasks, SECOND_FORKS, strategies, false)).stream()
            .filter(v -> slow.stream().anyMatch(first -> first.key().equals(v.key())))
            .toList();
    again.forEach(System.out::println);
    return again.stream().allMatch(RatioCheck.Verdict::holds);
  }
}
