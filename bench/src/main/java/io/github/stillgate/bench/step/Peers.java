package io.github.stillgate.bench.step;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.ForkedJvm;
import io.github.stillgate.bench.Machine;
import io.github.stillgate.bench.strategy.BlasLibraries;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ./stillgate bench peers}: one step of one stream, ours and everybody's. */
@Command(
    name = "peers",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Times one step of one stream: our backends in every format of weights, int8 with given shares of"
          + " values that move, conditional networks; ONNX Runtime as it is fastest and as most write"
          + " it, and its int8 LSTM; PyTorch by DJL; OpenBLAS and MKL loops. In each JVM all rows of a"
          + " width take turns of some milliseconds, on one thread; every step is timed, and answers"
          + " are compared first.",
      "",
      "What is not here is left out with the reason. The profile peers, which brings ONNX Runtime and"
          + " MKL, switches itself on.",
      ""
    })
public final class Peers implements Callable<Integer> {
  @Option(
      names = "--cells",
      split = ",",
      defaultValue = "gru,lstm,conditional",
      paramLabel = "CELL",
      description = "kinds of networks: gru, lstm, conditional")
  private List<String> cells = List.of();

  @Option(
      names = "--sizes",
      split = ",",
      defaultValue = "64,128,256,512,1024",
      paramLabel = "N",
      description = "widths")
  private List<Integer> sizes = List.of();

  @Option(
      names = "--rows",
      split = ",",
      showDefaultValue = CommandLine.Help.Visibility.NEVER,
      paramLabel = "ROW",
      description =
          "rows by name, or all whose name begins so: native, onnxruntime/f32, vector/i8/moved-0.25;"
              + " all without it")
  private List<String> rows = List.of();

  @Option(
      names = "--moved",
      split = ",",
      defaultValue = "1,0.5,0.25,0.1",
      paramLabel = "SHARE",
      description = "shares of inputs and states that move from step to step, for int8 rows")
  private List<Double> moved = List.of();

  @Option(
      names = "--live",
      split = ",",
      defaultValue = "0.43",
      paramLabel = "SHARE",
      description = "live fractions of the conditional networks")
  private List<Double> live = List.of();

  @Option(names = "--forks", defaultValue = "3", description = "JVMs a width and host")
  private int forks;

  @Option(names = "--seconds", defaultValue = "0.5", description = "timed of each row in each JVM")
  private double seconds;

  @Option(
      names = "--no-weak",
      description = "leaves out the weak machine: one core, 128-bit vectors")
  private boolean noWeak;

  @Option(names = "--json", paramLabel = "FILE", description = "writes the results as JSON")
  private @Nullable Path json;

  @Option(
      names = "--svg",
      paramLabel = "FILE",
      description =
          "draws the medians over n: FILE-CELL-BACKEND.svg for each kind of network and each of our"
              + " backends, beside all others")
  private @Nullable Path svg;

  @Option(
      names = "--results",
      paramLabel = "FOLDER",
      description = "writes peers.json, peers.md and peers-CELL-BACKEND.svg")
  private @Nullable Path results;

  @Spec private CommandSpec spec;

  /** For picocli. */
  public Peers() {}

  @Override
  public Integer call() throws Exception {
    List<Rows> tables = tables();
    PrintStream out = System.out;
    List<StepLine> lines = new ArrayList<>();
    Map<String, String> absent = new LinkedHashMap<>();
    List<Host> hosts = noWeak ? List.of(Host.WHOLE) : List.of(Host.values());
    for (Rows table : tables) {
      for (Host host : hosts) {
        List<StepLine> some = measure(table, host, absent);
        lines.addAll(some);
        some.forEach(line ->
            out.printf(
                Locale.ROOT,
                "%-11s %4d %-5s %-28s %10.2f us, p99 %.2f%n",
                line.cell().word(),
                line.units(),
                host.name().toLowerCase(Locale.ROOT),
                line.row(),
                line.p50() / 1e3,
                line.p99() / 1e3));
        // So much stays if a later JVM fails.
        write(report(hosts, lines, absent));
      }
    }
    out.println();
    out.print(report(hosts, lines, absent).markdown());
    return 0;
  }

  private StepReport report(List<Host> hosts, List<StepLine> lines, Map<String, String> absent) {
    Map<Host, String> described = new EnumMap<>(Host.class);
    hosts.forEach(host -> described.put(host, host.description()));
    return new StepReport(
        Machine.description(),
        LocalDate.now().toString(),
        "./stillgate bench" + options(),
        forks,
        seconds,
        described,
        BlasLibraries.described(),
        lines,
        absent);
  }

  /** As they were given, each behind a space. */
  private String options() {
    return spec.commandLine().getParseResult().originalArgs().stream()
        .map(word -> " " + word)
        .collect(Collectors.joining());
  }

  /** The networks and widths, every argument checked before a JVM starts. */
  private List<Rows> tables() {
    require("--forks", forks, forks >= 1, "at least 1");
    require("--seconds", seconds, seconds > 0, "a time above 0");
    moved.forEach(share -> require("--moved", share, share > 0 && share <= 1, "above 0, up to 1"));
    live.forEach(share -> require("--live", share, share > 0 && share < 1, "between 0 and 1"));
    List<Rows> tables = new ArrayList<>();
    for (String cell : cells) {
      for (int n : sizes) {
        try {
          tables.add(new Rows(Cell.of(cell), n, moved, live));
        } catch (IllegalArgumentException refused) {
          throw new ParameterException(
              spec.commandLine(), "--cells and --sizes: " + refused.getMessage());
        }
      }
    }
    for (String words : rows) {
      if (tables.stream().noneMatch(table -> table.all().stream().anyMatch(r -> r.isIn(words)))) {
        throw new ParameterException(
            spec.commandLine(),
            "--rows: no row is, or begins with, \"%s\" (known: %s)"
                .formatted(
                    words,
                    String.join(
                        ", ",
                        tables.stream()
                            .flatMap(table -> table.all().stream())
                            .map(Row::id)
                            .distinct()
                            .toList())));
      }
    }
    return tables;
  }

  private void require(String option, double value, boolean holds, String expected) {
    if (!holds) {
      throw new ParameterException(
          spec.commandLine(), "%s: %s; expected %s".formatted(option, value, expected));
    }
  }

  private List<StepLine> measure(Rows table, Host host, Map<String, String> absent)
      throws IOException, InterruptedException {
    List<String> ids =
        table.all().stream()
            .filter(row -> rows.isEmpty() || rows.stream().anyMatch(row::isIn))
            .map(Row::id)
            .toList();
    if (ids.isEmpty()) {
      return List.of();
    }
    List<List<Found>> found = new ArrayList<>();
    for (int fork = 0; fork < forks; fork++) {
      StepFork.Said said =
          JsonMapper.builder()
              .build()
              .readValue(
                  ForkedJvm.run(
                      StepFork.class, host.start(), StepFork.arguments(table, seconds, ids)),
                  StepFork.Said.class);
      found.add(said.found());
      said.absent().forEach(one -> absent.put(table.cell().word() + " " + one.id(), one.reason()));
    }
    return StepLine.of(host, table.cell(), table.units(), found);
  }

  private void write(StepReport report) throws IOException {
    if (json != null) {
      report.json(json);
    }
    if (svg != null) {
      report.plot(shown -> "%s-%s.svg".formatted(stem(svg), shown), folder(svg));
    }
    if (results != null) {
      Files.createDirectories(results);
      report.json(results.resolve("peers.json"));
      Files.writeString(results.resolve("peers.md"), report.markdown());
      report.plot("peers-%s.svg"::formatted, results);
    }
  }

  private static Path folder(Path file) {
    return file.toAbsolutePath().getParent();
  }

  private static String stem(Path file) {
    String name = file.getFileName().toString();
    return name.endsWith(".svg") ? name.substring(0, name.length() - 4) : name;
  }
}
