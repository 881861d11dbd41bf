package io.github.stillgate.bench.paper.sparse;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.Machine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code reproduce sparse}: structured sparsification, measured again. */
@Command(
    name = "sparse",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Times the structures of Table 1 of the paper on structured sparsification: two LSTMs with"
          + " units removed and gates constant, against the whole ones.",
      "",
      "Leave the machine alone while it measures. With ONNX Runtime:"
          + " STILLGATE_MAVEN_ARGS=-Ppeers ./stillgate reproduce sparse",
      ""
    })
public final class ReproduceSparse implements Callable<Integer> {
  @Option(
      names = "--results",
      defaultValue = "bench/results",
      paramLabel = "DIR",
      description = "where tables are written")
  private Path results;

  @Option(names = "--forks", defaultValue = "5", description = "JVMs that measure a structure")
  private int forks;

  @Option(names = "--turns", defaultValue = "60", description = "turns of each network in a JVM")
  private int turns;

  /** For picocli. */
  public ReproduceSparse() {}

  @Override
  public Integer call() throws Exception {
    Files.createDirectories(results);
    List<Structures.Row> rows = Structures.measure(forks, turns);
    String command = "./stillgate reproduce sparse --forks %d --turns %d".formatted(forks, turns);
    String head =
        "%s, %s. Made by `%s`; one thread, one stream, random weights; lower quartile of turns, median of %d JVMs."
            .formatted(Machine.description(), LocalDate.now(), command, forks);
    String table = Structures.markdown(rows);
    Files.writeString(
        results.resolve("sparse-structures.md"),
        "# Structures of Table 1: what a step takes\n\n%s\n\n%s".formatted(head, table));
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("machine", Machine.description());
    json.put("date", LocalDate.now().toString());
    json.put("command", command);
    json.put("rows", rows);
    JsonMapper.builder()
        .build()
        .writerWithDefaultPrettyPrinter()
        .writeValue(results.resolve("sparse-structures.json").toFile(), json);
    System.out.println(table);
    return 0;
  }
}
