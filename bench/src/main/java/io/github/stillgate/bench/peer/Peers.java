package io.github.stillgate.bench.peer;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.ForkedJvm;
import io.github.stillgate.bench.Machine;
import io.github.stillgate.core.plan.WeightFormat;
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

/** {@code ./stillgate bench peers}: steps of ordinary layers beside ONNX Runtime's. */
@Command(
    name = "peers",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Times single steps of a GRU and an LSTM layer, as wide as their inputs, for one stream and for"
          + " many together, in our backends with float32 and bf16 weights and in other runtimes: in"
          + " one JVM, in turns, every step by itself, one thread. Prints medians over several JVMs.",
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
      names = "--layers",
      split = ",",
      defaultValue = "gru,lstm",
      paramLabel = "KIND",
      description = "kinds of layers")
  private List<String> layers = List.of();

  @Option(
      names = "--units",
      split = ",",
      defaultValue = "128,512,1024",
      paramLabel = "N",
      description = "widths of the layers of one stream")
  private List<Integer> units = List.of();

  @Option(
      names = "--streams",
      defaultValue = "64",
      paramLabel = "N",
      description = "streams that step together in a batch; 1 for no batches")
  private int streams;

  @Option(
      names = "--batch-units",
      split = ",",
      defaultValue = "1024",
      paramLabel = "N",
      description = "widths of the layers of a batch")
  private List<Integer> batchUnits = List.of();

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
   * What one JVM times.
   *
   * @param layer kind of layer
   * @param units its width
   * @param streams streams that step together
   */
  record Case(String layer, int units, int streams) {}

  /**
   * One line of the table: nanoseconds a step of all streams, medians over the forks, and the same
   * over other contenders' of the same JVM.
   *
   * @param layer kind of layer
   * @param units its width
   * @param streams streams that step together
   * @param contender who
   * @param weights format of its weights
   * @param p50 median step
   * @param p99 99th percentile
   * @param p50Ratio median over ONNX Runtime's, or null without it
   * @param p99Ratio 99th percentile over ONNX Runtime's
   * @param float32Speedup median of the same backend with float32 weights over this one's
   */
  record Line(
      String layer,
      int units,
      int streams,
      String contender,
      WeightFormat weights,
      @JsonProperty("p50_ns") double p50,
      @JsonProperty("p99_ns") double p99,
      @JsonProperty("p50_over_onnxruntime") @Nullable Double p50Ratio,
      @JsonProperty("p99_over_onnxruntime") @Nullable Double p99Ratio,
      @JsonProperty("speed_up_over_float32") @Nullable Double float32Speedup) {}

  @Override
  public Integer call() throws Exception {
    List<Case> cases = cases();
    List<Line> lines = new ArrayList<>();
    PrintStream out = System.out;
    if (!Contender.hasPeer()) {
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
    out.println(
        "| layer | n | streams | | weights | p50 us | p99 us | p50 / ORT | p99 / ORT | float32 / p50"
            + " |");
    out.println("|---|---|---|---|---|---|---|---|---|---|");
    for (Case one : cases) {
      for (Line line : measure(one)) {
        lines.add(line);
        out.println(row(line));
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

  private List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (String name : layers) {
      try {
        LayerKind.of(name);
      } catch (IllegalArgumentException unknown) {
        throw new ParameterException(spec.commandLine(), "--layers: " + unknown.getMessage());
      }
      units.forEach(n -> cases.add(new Case(name, n, 1)));
      if (streams > 1) {
        batchUnits.forEach(n -> cases.add(new Case(name, n, streams)));
      }
    }
    return cases;
  }

  private static String row(Line line) {
    return String.format(
        Locale.ROOT,
        "| %s | %d | %d | %s | %s | %.2f | %.2f | %s | %s | %s |",
        line.layer,
        line.units,
        line.streams,
        line.contender,
        line.weights.name().toLowerCase(Locale.ROOT),
        line.p50 / 1e3,
        line.p99 / 1e3,
        ratio(line.p50Ratio),
        ratio(line.p99Ratio),
        ratio(line.float32Speedup));
  }

  private static String ratio(@Nullable Double ratio) {
    return ratio == null ? "" : String.format(Locale.ROOT, "%.2f", ratio);
  }

  private List<Line> measure(Case one) throws IOException, InterruptedException {
    List<List<PeerFork.Found>> runs = new ArrayList<>();
    for (int fork = 0; fork < forks; fork++) {
      runs.add(fork(one));
    }
    return lines(one, runs);
  }

  /** The lines of one case; {@code runs} are what each JVM found. */
  static List<Line> lines(Case one, List<List<PeerFork.Found>> runs) {
    List<Line> lines = new ArrayList<>();
    for (PeerFork.Found first : runs.get(0)) {
      String name = first.contender();
      WeightFormat weights = first.weights();
      lines.add(
          new Line(
              one.layer,
              one.units,
              one.streams,
              name,
              weights,
              median(runs, run -> of(run, name, weights).p50()),
              median(runs, run -> of(run, name, weights).p99()),
              ratio(runs, first, PEER, PeerFork.Found::p50),
              ratio(runs, first, PEER, PeerFork.Found::p99),
              weights == WeightFormat.F32
                  ? null
                  : ratio(runs, first, name, found -> 1 / found.p50())));
    }
    return lines;
  }

  /** Median over the runs of what is said of a contender over the same of another with float32. */
  private static @Nullable Double ratio(
      List<List<PeerFork.Found>> runs,
      PeerFork.Found which,
      String over,
      ToDoubleFunction<PeerFork.Found> value) {
    if (runs.get(0).stream().noneMatch(found -> found.is(over, WeightFormat.F32))) {
      return null;
    }
    return median(
        runs,
        run ->
            value.applyAsDouble(of(run, which.contender(), which.weights()))
                / value.applyAsDouble(of(run, over, WeightFormat.F32)));
  }

  private static PeerFork.Found of(List<PeerFork.Found> run, String name, WeightFormat weights) {
    return run.stream().filter(found -> found.is(name, weights)).findFirst().orElseThrow();
  }

  private static double median(
      List<List<PeerFork.Found>> runs, ToDoubleFunction<List<PeerFork.Found>> value) {
    double[] values = runs.stream().mapToDouble(value).sorted().toArray();
    return Arrays.stream(values).skip(values.length / 2).findFirst().orElseThrow();
  }

  private List<PeerFork.Found> fork(Case one) throws IOException, InterruptedException {
    String text =
        ForkedJvm.run(
            PeerFork.class,
            List.of(),
            List.of(
                one.layer,
                Integer.toString(one.units),
                Integer.toString(one.streams),
                Double.toString(seconds)));
    return JsonMapper.builder().build().readValue(text, new TypeReference<>() {});
  }
}
