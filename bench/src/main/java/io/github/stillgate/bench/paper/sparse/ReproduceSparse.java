package io.github.stillgate.bench.paper.sparse;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.Count;
import io.github.stillgate.bench.Launched;
import io.github.stillgate.bench.Machine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code reproduce sparse}: structured sparsification, measured again. */
@Command(
    name = "sparse",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Makes the tables and figures of the paper on structured sparsification again.",
      "",
      "structures: times the structures of its Table 1, two LSTMs with units removed and gates"
          + " constant, against the whole ones. networks: counts, scores and draws what"
          + " training/pytorch/train_sparse.py trained. Both if none is named.",
      "",
      "Leave the machine alone while it times. With ONNX Runtime:"
          + " STILLGATE_MAVEN_ARGS=-Ppeers ./stillgate reproduce sparse structures",
      ""
    })
public final class ReproduceSparse implements Callable<Integer> {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  enum Part {
    structures,
    networks
  }

  @Parameters(arity = "0..*", paramLabel = "PART", description = "${COMPLETION-CANDIDATES}")
  private List<Part> parts = List.of();

  @Option(
      names = "--runs",
      defaultValue = "checkpoints/sparse",
      paramLabel = "DIR",
      description = "folders that train_sparse.py left")
  private Path runs;

  @Option(
      names = "--results",
      defaultValue = "bench/results",
      paramLabel = "DIR",
      description = "where tables and figures are written")
  private Path results;

  @Option(
      names = "--forks",
      converter = Count.class,
      defaultValue = "5",
      description = "JVMs that time a structure")
  private int forks;

  @Option(
      names = "--turns",
      converter = Count.class,
      defaultValue = "60",
      description = "turns of each network in a JVM")
  private int turns;

  /** For picocli. */
  public ReproduceSparse() {}

  @Override
  public Integer call() throws Exception {
    Files.createDirectories(results);
    List<String> failures = new ArrayList<>();
    if (parts.isEmpty() || parts.contains(Part.structures)) {
      structures();
    }
    if (parts.isEmpty() || parts.contains(Part.networks)) {
      failures.addAll(networks());
    }
    failures.forEach(System.err::println);
    return failures.isEmpty() ? 0 : 1;
  }

  private void structures() throws IOException, InterruptedException {
    List<Structures.Row> rows = Structures.measure(forks, turns);
    String command =
        Launched.command()
            + " reproduce sparse structures --forks %d --turns %d".formatted(forks, turns);
    String table = Structures.markdown(rows);
    Files.writeString(
        results.resolve("sparse-structures.md"),
        "# Structures of Table 1: what a step takes%n%n%s One stream, one thread, random weights; "
                .formatted(head(command))
            + "lower quartile of the turns, median of %d JVMs.%n%n%s".formatted(forks, table));
    json("sparse-structures.json", command, Map.of("rows", rows));
    System.out.println(table);
  }

  private static String head(String command) {
    return "%s, %s. Made by `%s`.".formatted(Machine.description(), LocalDate.now(), command);
  }

  private void json(String file, String command, Map<String, Object> what) throws IOException {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("machine", Machine.description());
    all.put("date", LocalDate.now().toString());
    all.put("command", command);
    all.putAll(what);
    JSON.writerWithDefaultPrettyPrinter().writeValue(results.resolve(file).toFile(), all);
  }

  /**
   * Returns what is wrong: scores that differ from the trainer's, and an end without a crossing.
   */
  private List<String> networks() throws IOException {
    List<SparseRun> found = SparseRun.in(runs);
    List<SparseNetworks.Row> rows = new ArrayList<>();
    List<String> failures = new ArrayList<>();
    for (SparseRun run : found) {
      if (run.isFinished()) {
        SparseNetworks.Row row = SparseNetworks.measure(run);
        rows.add(row);
        if (row.isEmpty()) {
          failures.add(
              "%s: training removed every weight; train it with a weaker price on weights"
                  .formatted(run.folder()));
        }
        if (!row.agrees()) {
          failures.add(
              "%s: the library scores %s, the trainer %s on the same tests"
                  .formatted(run.folder(), row.scored(), row.trainer()));
        }
      }
    }
    if (rows.isEmpty()) {
      failures.add(
          "%s: no training has finished; train_sparse.py --finish ends one".formatted(runs));
    }
    List<SparseNetworks.Crossing> crossings = SparseNetworks.crossings(found);
    crossings.stream()
        .filter(crossing -> crossing.task().equals("imdb") && crossing.fewer() == 0)
        .forEach(crossing -> failures.add(SparseReport.words(crossing)));
    List<String> figures = new SparseFigures(results).draw(found, rows);
    String command = "./stillgate reproduce sparse networks --runs DIR";
    String report = SparseReport.markdown(found, rows, crossings, figures);
    Files.writeString(
        results.resolve("sparse.md"),
        "# Structured sparsification%n%n%s Trained by `training/pytorch/train_sparse.py`, which its README describes; times of steps are in [sparse-structures.md](sparse-structures.md).%n%n"
                .formatted(head(command))
            + report);
    json(
        "sparse.json",
        command,
        Map.of(
            "rows", rows.stream().map(SparseNetworks.Row::json).toList(), "crossings", crossings));
    System.out.println(report);
    return failures;
  }
}
