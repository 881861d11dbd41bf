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
      "Times layers as wide as their inputs: single steps of one stream and of many together, and whole"
          + " sequences; in our backends with float32 and bf16 weights and in other runtimes: in one"
          + " JVM, in turns, every step by itself, one thread. Prints medians over several JVMs. Other"
          + " runtimes have no SRU: there it is timed beside an LSTM.",
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
      defaultValue = "gru,lstm,sru",
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

  @Option(
      names = "--sequence",
      defaultValue = "128",
      paramLabel = "N",
      description = "steps of a whole sequence; 1 for no sequences")
  private int sequence;

  @Option(
      names = "--sequence-units",
      split = ",",
      defaultValue = "512",
      paramLabel = "N",
      description = "widths of the layers that run over a sequence")
  private List<Integer> sequenceUnits = List.of();

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
   * One line of the table: nanoseconds a step of all streams or a sequence, medians over the forks,
   * and the same over other contenders' of the same JVM.
   *
   * @param layer kind of layer
   * @param units its width
   * @param streams streams that step together
   * @param steps steps of a sequence, or 1
   * @param contender who
   * @param weights format of its weights
   * @param p50 median step
   * @param p99 99th percentile
   * @param p50Ratio median over ONNX Runtime's, or null without it
   * @param p99Ratio 99th percentile over ONNX Runtime's
   * @param besideRatio median over that of the same backend on the kind of layer beside it
   * @param float32Speedup median of the same backend with float32 weights over this one's
   */
  record Line(
      String layer,
      int units,
      int streams,
      int steps,
      String contender,
      WeightFormat weights,
      @JsonProperty("p50_ns") double p50,
      @JsonProperty("p99_ns") double p99,
      @JsonProperty("p50_over_onnxruntime") @Nullable Double p50Ratio,
      @JsonProperty("p99_over_onnxruntime") @Nullable Double p99Ratio,
      @JsonProperty("p50_over_layer_beside") @Nullable Double besideRatio,
      @JsonProperty("speed_up_over_float32") @Nullable Double float32Speedup) {}

  @Override
  public Integer call() throws Exception {
    List<Task> tasks = tasks();
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
        "| layer | n | streams | steps | | weights | p50 us | p99 us | p50 / ORT | p99 / ORT | p50 / LSTM"
            + " | float32 / p50 |");
    out.println("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (Task one : tasks) {
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

  private List<Task> tasks() {
    List<Task> tasks = new ArrayList<>();
    for (String name : layers) {
      try {
        LayerKind.of(name);
      } catch (IllegalArgumentException unknown) {
        throw new ParameterException(spec.commandLine(), "--layers: " + unknown.getMessage());
      }
      units.forEach(n -> tasks.add(new Task(name, n, 1, 1)));
      if (streams > 1) {
        batchUnits.forEach(n -> tasks.add(new Task(name, n, streams, 1)));
      }
      if (sequence > 1) {
        sequenceUnits.forEach(n -> tasks.add(new Task(name, n, 1, sequence)));
      }
    }
    return tasks;
  }

  private static String row(Line line) {
    return String.format(
        Locale.ROOT,
        "| %s | %d | %d | %d | %s | %s | %.2f | %.2f | %s | %s | %s | %s |",
        line.layer,
        line.units,
        line.streams,
        line.steps,
        line.contender,
        line.weights.name().toLowerCase(Locale.ROOT),
        line.p50 / 1e3,
        line.p99 / 1e3,
        ratio(line.p50Ratio),
        ratio(line.p99Ratio),
        ratio(line.besideRatio),
        ratio(line.float32Speedup));
  }

  private static String ratio(@Nullable Double ratio) {
    return ratio == null ? "" : String.format(Locale.ROOT, "%.2f", ratio);
  }

  private List<Line> measure(Task one) throws IOException, InterruptedException {
    List<List<PeerFork.Found>> runs = new ArrayList<>();
    for (int fork = 0; fork < forks; fork++) {
      runs.add(fork(one));
    }
    return lines(one, runs);
  }

  /** The lines of one task; {@code runs} are what each JVM found. */
  static List<Line> lines(Task one, List<List<PeerFork.Found>> runs) {
    String beside = one.kind().beside();
    List<Line> lines = new ArrayList<>();
    for (PeerFork.Found first : runs.get(0)) {
      lines.add(
          new Line(
              first.layer(),
              one.units(),
              one.streams(),
              one.steps(),
              first.contender(),
              first.weights(),
              median(runs, run -> same(run, first).p50()),
              median(runs, run -> same(run, first).p99()),
              ratio(runs, first, PEER, beside, PeerFork.Found::p50),
              ratio(runs, first, PEER, beside, PeerFork.Found::p99),
              first.layer().equals(beside)
                  ? null
                  : ratio(runs, first, first.contender(), beside, PeerFork.Found::p50),
              first.weights() == WeightFormat.F32
                  ? null
                  : ratio(
                      runs, first, first.contender(), first.layer(), found -> 1 / found.p50())));
    }
    return lines;
  }

  /** Median over the runs of what is said of a contender over the same of another with float32. */
  private static @Nullable Double ratio(
      List<List<PeerFork.Found>> runs,
      PeerFork.Found which,
      String over,
      String layer,
      ToDoubleFunction<PeerFork.Found> value) {
    if (runs.get(0).stream().noneMatch(found -> found.is(over, layer, WeightFormat.F32))) {
      return null;
    }
    return median(
        runs,
        run ->
            value.applyAsDouble(same(run, which))
                / value.applyAsDouble(of(run, over, layer, WeightFormat.F32)));
  }

  private static PeerFork.Found same(List<PeerFork.Found> run, PeerFork.Found which) {
    return of(run, which.contender(), which.layer(), which.weights());
  }

  private static PeerFork.Found of(
      List<PeerFork.Found> run, String name, String layer, WeightFormat weights) {
    return run.stream().filter(found -> found.is(name, layer, weights)).findFirst().orElseThrow();
  }

  private static double median(
      List<List<PeerFork.Found>> runs, ToDoubleFunction<List<PeerFork.Found>> value) {
    double[] values = runs.stream().mapToDouble(value).sorted().toArray();
    return Arrays.stream(values).skip(values.length / 2).findFirst().orElseThrow();
  }

  private List<PeerFork.Found> fork(Task one) throws IOException, InterruptedException {
    String text =
        ForkedJvm.run(
            PeerFork.class,
            List.of(),
            List.of(
                one.layer(),
                Integer.toString(one.units()),
                Integer.toString(one.streams()),
                Integer.toString(one.steps()),
                Double.toString(seconds)));
    return JsonMapper.builder().build().readValue(text, new TypeReference<>() {});
  }
}
