package io.github.stillgate.bench.peer;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.ForkedJvm;
import io.github.stillgate.bench.Machine;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ./stillgate bench peers}: LSTM and GRU steps beside ONNX Runtime's. */
@Command(
    name = "peers",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Times single steps of a GRU and an LSTM layer, as wide as their inputs, in our backends and in"
          + " other runtimes: in one JVM, in turns, every step by itself, one thread. Prints medians"
          + " over several JVMs.",
      "",
      "ONNX Runtime needs a profile: STILLGATE_MAVEN_ARGS=-Ppeers ./stillgate bench peers",
      ""
    })
public final class Peers implements Callable<Integer> {
  static final String PEER = "onnxruntime";

  @Option(names = "--forks", defaultValue = "5", description = "JVMs a layer")
  private int forks;

  @Option(names = "--seconds", defaultValue = "3", description = "time of each JVM")
  private double seconds;

  @Option(
      names = "--units",
      split = ",",
      defaultValue = "128,512",
      paramLabel = "N",
      description = "widths of the layers")
  private List<Integer> units = List.of();

  @Option(names = "--json", paramLabel = "FILE", description = "writes the results as JSON")
  private @Nullable Path json;

  @Option(
      names = "--alone",
      description = "times our backends even where ONNX Runtime is not on the class path")
  private boolean alone;

  @Spec private CommandSpec spec;

  /** For picocli. */
  public Peers() {}

  /**
   * One line of the table: nanoseconds, medians over the forks, and the same over ONNX Runtime's of
   * the same JVM.
   *
   * @param layer kind of layer
   * @param units its width
   * @param contender who
   * @param p50 median step
   * @param p99 99th percentile
   * @param p50Ratio median over ONNX Runtime's, or null without it
   * @param p99Ratio 99th percentile over ONNX Runtime's
   */
  record Line(
      String layer,
      int units,
      String contender,
      double p50,
      double p99,
      @Nullable Double p50Ratio,
      @Nullable Double p99Ratio) {}

  @Override
  public Integer call() throws Exception {
    List<Line> lines = new ArrayList<>();
    PrintStream out = System.out;
    if (!StepContender.hasPeer()) {
      String cure =
          "ONNX Runtime is not on the class path: STILLGATE_MAVEN_ARGS=-Ppeers ./stillgate bench"
              + " peers";
      if (!alone) {
        throw new ParameterException(
            spec.commandLine(), cure + "; or --alone, to time our own backends only");
      }
      out.println(cure + "\n");
    }
    out.printf(
        Locale.ROOT, "%s; %d JVMs of %.1f s a layer%n%n", Machine.description(), forks, seconds);
    out.println("| layer | n | | p50 us | p99 us | p50 / ORT | p99 / ORT |");
    out.println("|---|---|---|---|---|---|---|");
    for (String layer : List.of("gru", "lstm")) {
      for (int n : units) {
        for (Line line : measure(layer, n)) {
          lines.add(line);
          out.printf(
              Locale.ROOT,
              "| %s | %d | %s | %.2f | %.2f | %s | %s |%n",
              line.layer,
              line.units,
              line.contender,
              line.p50 / 1e3,
              line.p99 / 1e3,
              ratio(line.p50Ratio),
              ratio(line.p99Ratio));
        }
      }
    }
    if (json != null) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("machine", Machine.description());
      result.put("forks", forks);
      result.put("seconds", seconds);
      result.put("lines", lines);
      JsonMapper.builder()
          .build()
          .writerWithDefaultPrettyPrinter()
          .writeValue(json.toFile(), result);
    }
    return 0;
  }

  private static String ratio(@Nullable Double ratio) {
    return ratio == null ? "" : String.format(Locale.ROOT, "%.2f", ratio);
  }

  private List<Line> measure(String layer, int n) throws IOException, InterruptedException {
    List<List<PeerFork.Found>> runs = new ArrayList<>();
    for (int fork = 0; fork < forks; fork++) {
      runs.add(fork(layer, n));
    }
    List<Line> lines = new ArrayList<>();
    for (PeerFork.Found first : runs.get(0)) {
      String name = first.contender();
      lines.add(
          new Line(
              layer,
              n,
              name,
              median(runs, run -> of(run, name).p50()),
              median(runs, run -> of(run, name).p99()),
              ratio(runs, name, PeerFork.Found::p50),
              ratio(runs, name, PeerFork.Found::p99)));
    }
    return lines;
  }

  private static @Nullable Double ratio(
      List<List<PeerFork.Found>> runs, String name, ToDoubleFunction<PeerFork.Found> time) {
    if (runs.get(0).stream().noneMatch(found -> found.contender().equals(PEER))) {
      return null;
    }
    return median(
        runs, run -> time.applyAsDouble(of(run, name)) / time.applyAsDouble(of(run, PEER)));
  }

  private static PeerFork.Found of(List<PeerFork.Found> run, String name) {
    return run.stream().filter(found -> found.contender().equals(name)).findFirst().orElseThrow();
  }

  private static double median(
      List<List<PeerFork.Found>> runs, ToDoubleFunction<List<PeerFork.Found>> value) {
    double[] values = runs.stream().mapToDouble(value).sorted().toArray();
    return Arrays.stream(values).skip(values.length / 2).findFirst().orElseThrow();
  }

  private List<PeerFork.Found> fork(String layer, int n) throws IOException, InterruptedException {
    String text =
        ForkedJvm.run(
            PeerFork.class,
            List.of(),
            List.of(layer, Integer.toString(n), Double.toString(seconds)));
    return JsonMapper.builder().build().readValue(text, new TypeReference<>() {});
  }
}
