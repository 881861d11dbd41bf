package io.github.stillgate.bench.network;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.ForkedJvm;
import io.github.stillgate.bench.Machine;
import io.github.stillgate.bench.step.Found;
import io.github.stillgate.importers.UnsupportedNetworkException;
import io.github.stillgate.importers.onnx.OnnxFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ./stillgate bench networks}: one step of networks as people exported them. */
@Command(
    name = "networks",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Times one step of whole networks in .onnx files, on one thread and with their states carried"
          + " over: our backends, and ONNX Runtime with its tensors reused. In each JVM all rows of a"
          + " network take turns of some milliseconds on inputs that change; every step is timed, and"
          + " answers are compared with those of the reference first.",
      "",
      "The profile peers, which brings ONNX Runtime, switches itself on.",
      ""
    })
public final class NetworkBench implements Callable<Integer> {
  @Option(
      names = "--networks",
      required = true,
      split = ",",
      paramLabel = "PATH",
      description =
          "an .onnx file, or a folder: its .onnx files, and the model.onnx of each folder in it")
  private List<Path> networks = List.of();

  @Option(
      names = "--set",
      paramLabel = "INPUT=VALUE",
      description = "an input that is a constant, of every network that has it")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Option(
      names = "--shape",
      paramLabel = "INPUT=SIZES",
      description =
          "sizes of an input that the file leaves open, with commas between them, of every network that"
              + " has it")
  private Map<String, String> shapes = new LinkedHashMap<>();

  @Option(
      names = "--state",
      paramLabel = "INPUT=OUTPUT",
      description =
          "an input that is a state, and the output that replaces it, of every network that has it;"
              + " those of recurrent layers are found")
  private Map<String, String> states = new LinkedHashMap<>();

  @Option(
      names = "--rows",
      split = ",",
      defaultValue = "native,vector,onnxruntime",
      paramLabel = "ROW",
      description = "rows by name, or all whose name begins so")
  private List<String> rows = List.of();

  @Option(names = "--layers", description = "says how long each layer of ours takes too")
  private boolean layers;

  @Option(names = "--forks", defaultValue = "3", description = "JVMs a network")
  private int forks;

  @Option(names = "--seconds", defaultValue = "0.5", description = "timed of each row in each JVM")
  private double seconds;

  @Option(names = "--json", paramLabel = "FILE", description = "writes the results as JSON")
  private @Nullable Path json;

  @Option(
      names = "--results",
      paramLabel = "FOLDER",
      description = "writes networks.json, networks.md and networks.svg")
  private @Nullable Path results;

  @Spec private CommandSpec spec;

  /** For picocli. */
  public NetworkBench() {}

  @Override
  public Integer call() throws Exception {
    if (forks < 1 || !(seconds > 0)) {
      throw new ParameterException(
          spec.commandLine(),
          "--forks %d and --seconds %s; expected at least 1, and a time above 0"
              .formatted(forks, seconds));
    }
    Map<String, LeastWork> work = new LinkedHashMap<>();
    List<NetworkLine> lines = new ArrayList<>();
    Map<String, List<LayerTimes>> times = new LinkedHashMap<>();
    Map<String, String> absent = new LinkedHashMap<>();
    for (NetworkCase network : cases()) {
      try {
        network.read();
      } catch (UnsupportedNetworkException refused) {
        absent.put(network.name(), refused.getMessage());
        continue;
      }
      List<List<Found>> found = new ArrayList<>();
      for (int fork = 0; fork < forks; fork++) {
        NetworkFork.Said said = fork(network, fork == 0 && layers);
        found.add(said.times().found());
        work.put(network.name(), said.least());
        said.times()
            .absent()
            .forEach(one -> absent.put(network.name() + " " + one.id(), one.reason()));
        if (!said.layers().isEmpty()) {
          times.put(network.name(), said.layers());
        }
      }
      List<NetworkLine> some = NetworkLine.of(network.name(), found);
      some.forEach(NetworkBench::print);
      lines.addAll(some);
      // So much stays if a later JVM fails.
      write(report(work, lines, times, absent));
    }
    System.out.println();
    System.out.print(report(work, lines, times, absent).markdown());
    return 0;
  }

  private NetworkReport report(
      Map<String, LeastWork> work,
      List<NetworkLine> lines,
      Map<String, List<LayerTimes>> times,
      Map<String, String> absent) {
    String options =
        spec.commandLine().getParseResult().originalArgs().stream()
            .map(word -> " " + withoutFolders(word))
            .collect(Collectors.joining());
    return new NetworkReport(
        Machine.description(),
        LocalDate.now().toString(),
        "./stillgate bench" + options,
        forks,
        seconds,
        work,
        lines,
        times,
        absent);
  }

  /** Where networks lie is nobody else's concern. */
  private String withoutFolders(String word) {
    String shown = word;
    for (Path path : networks) {
      Path name = path.getFileName();
      boolean isPlain = name == null || path.getNameCount() < 2 || !name.endsWith("model.onnx");
      Path kept = isPlain ? name : path.subpath(path.getNameCount() - 2, path.getNameCount());
      shown = shown.replace(path.toString(), String.valueOf(kept));
    }
    return shown;
  }

  private static void print(NetworkLine line) {
    System.out.printf(
        Locale.ROOT,
        "%-24s %-16s %10.2f us, p99 %.2f%n",
        line.network(),
        line.row(),
        line.p50() / 1e3,
        line.p99() / 1e3);
  }

  private NetworkFork.Said fork(NetworkCase network, boolean layers)
      throws IOException, InterruptedException {
    return JsonMapper.builder()
        .build()
        .readValue(
            ForkedJvm.run(
                NetworkFork.class,
                List.of(),
                NetworkFork.arguments(network, seconds, layers, rows)),
            NetworkFork.Said.class);
  }

  /** Each file with what is said of inputs that it has. */
  private List<NetworkCase> cases() throws IOException {
    List<NetworkCase> cases = new ArrayList<>();
    Taken<String> taken = new Taken<>(settings);
    Taken<List<Integer>> shaped = new Taken<>(sizes());
    for (Path path : networks) {
      for (Path file : files(path)) {
        OnnxFile onnx = OnnxFile.open(file);
        cases.add(
            new NetworkCase(
                name(file),
                file.toString(),
                taken.by(onnx::withInputs),
                shaped.by(onnx::withShapes),
                states));
      }
    }
    if (cases.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(), "--networks %s: no .onnx file is there".formatted(networks));
    }
    for (Taken<?> all : List.of(taken, shaped)) {
      all.refused.values().stream()
          .findFirst()
          .ifPresent(refusal -> {
            throw new ParameterException(spec.commandLine(), refusal.getMessage(), refusal);
          });
    }
    return cases;
  }

  /** What is said of inputs by their names, of which a network takes what it has. */
  private static final class Taken<T> {
    private final Map<String, T> said;

    /** What no network took, and why the last one did not. */
    private final Map<String, IllegalArgumentException> refused = new LinkedHashMap<>();

    private final Set<String> taken = new HashSet<>();

    Taken(Map<String, T> said) {
      this.said = said;
    }

    Map<String, T> by(Function<Map<String, T>, OnnxFile> with) {
      Map<String, T> here = new LinkedHashMap<>();
      said.forEach((input, value) -> {
        try {
          with.apply(Map.of(input, value));
          here.put(input, value);
          taken.add(input);
          refused.remove(input);
        } catch (IllegalArgumentException refusal) {
          if (!taken.contains(input)) {
            refused.put(input, refusal);
          }
        }
      });
      return here;
    }
  }

  private static List<Path> files(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return List.of(path);
    }
    try (Stream<Path> entries = Files.list(path)) {
      return entries
          .map(entry -> Files.isDirectory(entry) ? entry.resolve("model.onnx") : entry)
          .filter(file -> file.toString().endsWith(".onnx") && Files.isRegularFile(file))
          .sorted()
          .toList();
    }
  }

  /** The file's name, or that of its folder. */
  private static String name(Path file) {
    String name = String.valueOf(file.getFileName()).replaceFirst("\\.onnx$", "");
    Path folder = file.toAbsolutePath().getParent();
    return name.equals("model") && folder != null ? String.valueOf(folder.getFileName()) : name;
  }

  private Map<String, List<Integer>> sizes() {
    Map<String, List<Integer>> sizes = new LinkedHashMap<>();
    shapes.forEach((input, text) -> {
      try {
        sizes.put(input, Arrays.stream(text.split(",")).map(Integer::valueOf).toList());
      } catch (NumberFormatException e) {
        throw new ParameterException(
            spec.commandLine(),
            "--shape %s=%s: expected whole numbers with commas between them".formatted(input, text),
            e);
      }
    });
    return sizes;
  }

  private void write(NetworkReport report) throws IOException {
    if (json != null) {
      report.json(json);
    }
    if (results != null) {
      Files.createDirectories(results);
      report.json(results.resolve("networks.json"));
      Files.writeString(results.resolve("networks.md"), report.markdown());
      report.plot(results.resolve("networks.svg"));
    }
  }
}
