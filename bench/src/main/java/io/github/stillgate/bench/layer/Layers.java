package io.github.stillgate.bench.layer;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.Count;
import io.github.stillgate.bench.ForkedJvm;
import io.github.stillgate.bench.Machine;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code ./stillgate bench layers}: steps and sequences of ordinary layers beside ONNX Runtime's.
 */
@Command(
    name = "layers",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Times layers as wide as their inputs: single steps of one stream and of many together, and"
          + " whole sequences, in our backends with float32 and bf16 weights, with a BLAS, and in"
          + " other runtimes: in one JVM, in turns, every step or sequence by itself, one thread."
          + " Prints medians over several JVMs.",
      "",
      "A layer that other runtimes do not have (sru) runs beside an LSTM of the same width.",
      "",
      "ONNX Runtime needs a profile: STILLGATE_MAVEN_ARGS=-Ppeers ./stillgate bench layers",
      ""
    })
public final class Layers implements Callable<Integer> {
  @Option(
      names = "--forks",
      converter = Count.class,
      defaultValue = "5",
      description = "JVMs a case")
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
      converter = Count.class,
      split = ",",
      defaultValue = "128,512,1024",
      paramLabel = "N",
      description = "widths of the layers of one stream")
  private List<Integer> units = List.of();

  @Option(
      names = "--streams",
      converter = Count.class,
      defaultValue = "64",
      paramLabel = "N",
      description = "streams that step together in a batch; 1 for no batches")
  private int streams;

  @Option(
      names = "--batch-units",
      converter = Count.class,
      split = ",",
      defaultValue = "1024",
      paramLabel = "N",
      description = "widths of the layers of a batch")
  private List<Integer> batchUnits = List.of();

  @Option(
      names = "--sequence",
      converter = Count.class,
      defaultValue = "128",
      paramLabel = "N",
      description = "steps of a sequence of one stream; 1 for no sequences")
  private int sequence;

  @Option(
      names = "--sequence-units",
      converter = Count.class,
      split = ",",
      defaultValue = "512",
      paramLabel = "N",
      description = "widths of the layers of a sequence")
  private List<Integer> sequenceUnits = List.of();

  @Option(names = "--json", paramLabel = "FILE", description = "writes the results as JSON")
  private @Nullable Path json;

  @Option(
      names = "--alone",
      description = "times our backends even where ONNX Runtime is not on the class path")
  private boolean alone;

  @Spec private CommandSpec spec;

  /** For picocli. */
  public Layers() {}

  @Override
  public Integer call() throws Exception {
    List<Case> cases = cases();
    PrintStream out = System.out;
    if (!Contender.hasPeer()) {
      String cure =
          "ONNX Runtime is not on the class path: STILLGATE_MAVEN_ARGS=-Ppeers ./stillgate bench"
              + " layers";
      if (!alone) {
        throw new ParameterException(
            spec.commandLine(), cure + "; or --alone, to time our own backends only");
      }
      out.println(cure + "\n");
    }
    out.printf(
        Locale.ROOT, "%s; %d JVMs of %.1f s a case%n%n", Machine.description(), forks, seconds);
    LayerTable.header().forEach(out::println);
    List<LayerTable.Line> lines = new ArrayList<>();
    Set<String> leftOut = new LinkedHashSet<>();
    for (Case one : cases) {
      List<LayerFork.Report> reports = measure(one);
      reports.forEach(report -> leftOut.addAll(report.leftOut()));
      for (LayerTable.Line line :
          LayerTable.lines(one, reports.stream().map(LayerFork.Report::found).toList())) {
        lines.add(line);
        out.println(line.row());
      }
    }
    leftOut.forEach(line -> out.println("\n" + line));
    if (json != null) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("machine", Machine.description());
      result.put("forks", forks);
      result.put("seconds", seconds);
      result.put("left_out", leftOut);
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
      add(cases, "--units", units, n -> new Case(name, n, 1, 1));
      if (streams > 1) {
        add(cases, "--batch-units", batchUnits, n -> new Case(name, n, streams, 1));
      }
      if (sequence > 1) {
        add(cases, "--sequence-units", sequenceUnits, n -> new Case(name, n, 1, sequence));
      }
    }
    return cases;
  }

  private void add(List<Case> cases, String option, List<Integer> widths, IntFunction<Case> make) {
    for (int n : widths) {
      try {
        cases.add(make.apply(n));
      } catch (IllegalArgumentException refused) {
        throw new ParameterException(spec.commandLine(), option + ": " + refused.getMessage());
      }
    }
  }

  private List<LayerFork.Report> measure(Case one) throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>(one.arguments());
    arguments.add(Double.toString(seconds));
    List<LayerFork.Report> reports = new ArrayList<>();
    for (int fork = 0; fork < forks; fork++) {
      String text = ForkedJvm.run(LayerFork.class, List.of(), arguments);
      reports.add(JsonMapper.builder().build().readValue(text, LayerFork.Report.class));
    }
    return reports;
  }
}
