package io.github.stillgate.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.layer.Layers;
import io.github.stillgate.bench.network.NetworkBench;
import io.github.stillgate.bench.step.Peers;
import io.github.stillgate.bench.step.Shares;
import io.github.stillgate.bench.strategy.Kernels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.NoBenchmarksException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ./stillgate bench}: runs the benchmarks with JMH and puts each time beside its bound. */
@Command(
    name = "stillgate bench",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    subcommands = {
      Kernels.class,
      Layers.class,
      NetworkBench.class,
      Peers.class,
      Shares.class,
      Deadlines.class
    },
    description = {
      "Runs the JMH benchmarks and prints, beside each time, the bytes it had to read and the share of"
          + " the read bandwidth it reached, measured in the same run.",
      "",
      "Competitors are timed too if they are on the class path:",
      "  STILLGATE_MAVEN_ARGS=-Ppeers ./stillgate bench",
      ""
    })
public final class Bench implements Callable<Integer> {
  @Parameters(
      paramLabel = "REGEX",
      arity = "0..*",
      description = "benchmarks to run, by a part of their name; all without one")
  private List<String> include = List.of();

  @Option(names = "--forks", defaultValue = "3", description = "JVMs a benchmark")
  private int forks;

  @Option(names = "--quick", description = "one fork, short iterations: magnitudes only")
  private boolean quick;

  @Option(
      names = {"-p", "--param"},
      paramLabel = "NAME=VALUES",
      description = "restricts a parameter, e.g. -p n=1024 -p backend=vector,native")
  private List<String> parameters = List.of();

  @Option(names = "--json", paramLabel = "FILE", description = "writes the results as JSON")
  private @Nullable Path json;

  @Option(names = "--markdown", paramLabel = "FILE", description = "writes the tables as Markdown")
  private @Nullable Path markdown;

  @Spec private CommandSpec spec;

  private Bench() {}

  /** Runs and exits. */
  public static void main(String[] args) {
    OpenBlasKernels.ensure();
    System.exit(
        new CommandLine(new Bench()).setExecutionExceptionHandler(new FailureLine()).execute(args));
  }

  @Override
  public Integer call() throws Exception {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .forks(quick ? 1 : forks)
            .warmupIterations(quick ? 2 : 3)
            .warmupTime(TimeValue.milliseconds(500))
            .measurementIterations(quick ? 3 : 5)
            .measurementTime(TimeValue.milliseconds(300))
            .addProfiler(GCProfiler.class)
            .shouldFailOnError(true)
            .jvmArgs(ForkedJvm.flags().toArray(String[]::new));
    // The strategies have a command of their own.
    for (String pattern : include.isEmpty() ? List.of("bench\\.[A-Z]\\w+Benchmark") : include) {
      options.include(pattern);
    }
    for (String parameter : parameters) {
      String[] parts = parameter.split("=", 2);
      if (parts.length < 2) {
        throw new ParameterException(
            spec.commandLine(),
            "-p %s: expected NAME=VALUES, such as -p n=128,1024".formatted(parameter));
      }
      options.param(parts[0], parts[1].split(","));
    }
    Collection<RunResult> results = run(options);
    BenchReport report = BenchReport.of(new ArrayList<>(results));
    String tables = report.toMarkdown();
    System.out.println();
    System.out.print(tables);
    if (markdown != null) {
      Files.writeString(markdown, tables);
    }
    if (json != null) {
      JsonMapper.builder()
          .build()
          .writerWithDefaultPrettyPrinter()
          .writeValue(json.toFile(), report);
    }
    return 0;
  }

  private Collection<RunResult> run(ChainedOptionsBuilder options) throws RunnerException {
    try {
      return new Runner(options.build()).run();
    } catch (NoBenchmarksException e) {
      String known =
          BenchmarkList.defaultList()
              .getAll(
                  OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT),
                  List.of())
              .stream()
              .map(entry -> entry.getUsername().replaceFirst(".*\\.(\\w+\\.\\w+)$", "$1"))
              .distinct()
              .collect(Collectors.joining(", "));
      throw new ParameterException(
          spec.commandLine(),
          "no benchmark's name matches %s; there are %s"
              .formatted(String.join(", ", include), known),
          e);
    }
  }
}
