package io.github.stillgate.cli;

import io.github.stillgate.audio.WavReader;
import io.github.stillgate.cli.rows.NewRows;
import io.github.stillgate.cli.rows.RowFile;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.weights.NewFile;
import io.github.stillgate.core.weights.RegularFile;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "score",
    mixinStandardHelpOptions = true,
    description = {
      "Streams vectors through a model, one row a step, and writes what it gives.",
      "",
      "IN is a numpy array (.npy), numbers with commas between them (.csv), sound (.wav) or a"
          + " safetensors file; a row of it has as many values as the model reads in a step. Sound is cut into frames"
          + " of so many samples, the last filled up with zeros; with --hop N a frame begins every N samples and"
          + " overlaps the one before. Its rate is taken as it is. Several inputs are given as NAME=FILE each, or as"
          + " one safetensors file with tensors of their names; --set fixes one that is constant.",
      "",
      "OUT is written whole or not at all, float32, in the format its name ends with. A .csv or"
          + " .safetensors file holds all outputs by their names, a .npy or .wav file one. Of rows that make up"
          + " sound, .wav puts one behind the other.",
      ""
    },
    footer = {
      "",
      "Examples: ./stillgate score sensor.safetensors readings.csv answers.csv",
      "          ./stillgate score vad.safetensors speech.wav speech.npy --hop 512"
    })
final class ScoreCommand implements Callable<Integer> {
  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "a weights file whose network reads vectors")
  private Path model;

  @Parameters(
      index = "1..*",
      arity = "2..*",
      paramLabel = "FILE",
      description = "IN, or NAME=IN for each of several inputs, and at last OUT")
  private List<String> files;

  @Option(
      names = "--set",
      paramLabel = "INPUT=VALUE",
      description =
          "what an input is in every step; one number for all its values, or as many as it has with"
              + " commas between them")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Option(
      names = "--output",
      paramLabel = "NAME",
      split = ",",
      description = "the outputs to write; all that the model has if not given")
  private List<String> outputs = List.of();

  @Option(
      names = "--hop",
      paramLabel = "N",
      description =
          "samples from frame to frame of sound, where frames overlap; if not given as many as the"
              + " model reads")
  private @Nullable Integer hop;

  @Option(
      names = "--channel",
      paramLabel = "N",
      description = "which channel of sound, from 0; the mean of all if not given")
  private int channel = WavReader.MIX;

  @Option(
      names = "--rate",
      paramLabel = "HZ",
      description = "samples a second of a .wav that is written; if not given the input's")
  private @Nullable Integer rate;

  @Option(
      names = "--input-bound",
      paramLabel = "B",
      description = "largest magnitude of an input; if not given 2^20")
  private @Nullable Float inputBound;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "reference, vector or native; without it the best that runs")
  private @Nullable String backend;

  @CommandLine.Mixin private WeightOptions weights;

  @Option(
      names = "--warm-up",
      description =
          "let the JVM compile before the first row, which takes seconds, so that the times are those of"
              + " a live stream")
  private boolean warmUp;

  @Option(names = "--json", description = "print one JSON object")
  private boolean json;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    PlanOptions options = options();
    Path to = Path.of(files.getLast());
    NewRows.Format format = NewRows.Format.of(to);
    NewFile target = NewFile.at(to);
    RegularFile.require(model);
    Model network = Model.load(model);
    if (network.readsTokens()) {
      throw new IllegalArgumentException(
          "%s reads tokens, not vectors; ./stillgate run streams a text through it"
              .formatted(model));
    }
    Graph graph = network.graph();
    ScoreInputs given = ScoreInputs.of(graph, files.subList(0, files.size() - 1), settings);
    for (Path read : given.paths()) {
      WrittenFile.requireOther("OUT", to, read, model);
    }
    if (hop != null && !given.hasSound()) {
      throw new IllegalArgumentException(
          "--hop is for sound, and no input is a .wav file; leave it out");
    }
    List<String> wanted = wanted(graph, format);
    ScoreRun run;
    try (Plan plan = Plan.compile(network, options);
        ScoreFeeds feeds = given.open(new RowFile.Cut(channel, Optional.ofNullable(hop)));
        Progress progress = Progress.of("scoring", feeds.steps(), !json)) {
      NewRows rows =
          new NewRows(
              format,
              wanted,
              wanted.stream().map(graph::width).toList(),
              feeds.steps(),
              rate(format, given, graph.width(wanted.getFirst())));
      if (warmUp) {
        plan.warmUp(Set.of(Plan.Use.STREAM));
      }
      AtomicReference<ScoreRun> ran = new AtomicReference<>();
      target.writePlaced(
          file -> ran.set(ScoreRun.of(plan, feeds, rows, rows.begin(file), progress::at)));
      run = ran.get();
    }
    print(run, to);
    return 0;
  }

  private PlanOptions options() {
    PlanOptions options = weights.apply(PlanOptions.defaults());
    if (backend != null) {
      options = options.withBackend(backend);
    }
    if (inputBound != null) {
      options = options.withInputBound(inputBound);
    }
    return options;
  }

  private List<String> wanted(Graph graph, NewRows.Format format) {
    for (String name : outputs) {
      if (!graph.outputs().contains(name)) {
        throw new IllegalArgumentException(
            "--output %s: the model has no such output; it gives %s"
                .formatted(name, graph.outputs()));
      }
    }
    List<String> wanted = outputs.isEmpty() ? graph.outputs() : List.copyOf(outputs);
    if (wanted.size() > 1 && !format.holdsSeveral()) {
      throw new IllegalArgumentException(
          "a .%s file holds one output, and the model gives %s; name one with --output, or write .csv or .safetensors"
              .formatted(format.name().toLowerCase(Locale.ROOT), wanted));
    }
    return wanted;
  }

  /** Samples a second of what is written, if it is sound. */
  private OptionalInt rate(NewRows.Format format, ScoreInputs given, int width) throws Exception {
    if (format != NewRows.Format.WAV) {
      return OptionalInt.empty();
    }
    if (rate != null) {
      return OptionalInt.of(rate);
    }
    OptionalInt told = given.rateOf(width, Optional.ofNullable(hop));
    if (told.isEmpty()) {
      throw new IllegalArgumentException("which rate the .wav has, no input says; give --rate HZ");
    }
    return told;
  }

  private void print(ScoreRun run, Path to) {
    Output out = new Output(spec.commandLine().getOut());
    if (json) {
      out.json(run);
      return;
    }
    out.line("backend    %s (%s)", run.backend(), run.tier());
    out.line("steps      %s", Output.number(run.steps(), 0));
    out.line(
        "step time  p50 %s us, p99 %s, max %s",
        Output.number(run.p50(), 1), Output.number(run.p99(), 1), Output.number(run.max(), 1));
    out.line("checksum   %s", run.checksum());
    out.line("wrote      %s: %s", to, String.join(", ", run.outputs()));
  }
}
