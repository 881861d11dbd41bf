package io.github.stillgate.cli;

import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.RegularFile;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.tuning.Estimates;
import io.github.stillgate.tuning.Sweep;
import io.github.stillgate.tuning.SweepResult;
import io.github.stillgate.tuning.TuningData;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "tune",
    mixinStandardHelpOptions = true,
    description = {
      "Shows what approximate skipping (Skipping.below) costs and saves in an ordinary GRU, on your"
          + " data.",
      "",
      "Runs DATA once exactly and once for each epsilon, and reports live units, weight bytes, the"
          + " median step and the differences of the outputs. Writes tune.json, tune.md and tune.svg,"
          + " error against time. See docs/skipping.md.",
      ""
    },
    footer = {"", "Example: ./stillgate tune gru.safetensors book.txt --epsilons 0.01,0.03,0.1"})
final class TuneCommand implements Callable<Integer> {
  @Parameters(paramLabel = "MODEL", description = "a weights file (see docs/format.md)")
  private Path model;

  @Parameters(
      paramLabel = "DATA",
      description =
          "a text file for a model with a vocabulary; or a .safetensors file of inputs and outputs"
              + " as a proof has them (see docs/format.md), whose outputs are not used")
  private Path data;

  @Option(
      names = "--epsilons",
      paramLabel = "E",
      split = ",",
      defaultValue = "0.001,0.003,0.01,0.03,0.1,0.3",
      description = "gate masses to try, each above 0 and below 1 (default: ${DEFAULT-VALUE})")
  private List<Float> epsilons;

  @Option(
      names = "--ranks",
      paramLabel = "K",
      split = ",",
      description =
          "also try low-rank estimates of the gates, each rank with each epsilon; the first 2000"
              + " steps calibrate them")
  private List<Integer> ranks = List.of();

  @Option(
      names = "--share",
      paramLabel = "S",
      defaultValue = "0.99",
      description =
          "share of the moving units that an estimate must not overlook while it is calibrated"
              + " (default: ${DEFAULT-VALUE})")
  private double share;

  @Option(
      names = "--save",
      arity = "2",
      paramLabel = "K FILE",
      hideParamSyntax = true,
      description =
          "write the model with estimates of rank K, calibrated for its fastest epsilon within"
              + " --max-error; K is one of --ranks")
  private List<String> save = List.of();

  @Option(
      names = "--max-error",
      paramLabel = "D",
      defaultValue = "0.01",
      description =
          "largest difference of an output that the suggested point may have (default:"
              + " ${DEFAULT-VALUE})")
  private double maxError;

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "50000",
      description = "make the first N steps only (default: ${DEFAULT-VALUE})")
  private int limit;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "reference, vector or native; without it the best that runs")
  private @Nullable String backend;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      defaultValue = "tune",
      description = "folder for the reports (default: ${DEFAULT-VALUE})")
  private Path out;

  @Option(names = "--json", description = "print tune.json instead of the table")
  private boolean json;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    checkUsage();
    RegularFile.require(model);
    Model network = Model.load(model);
    List<String> layers = approximated(network);
    TuningData inputs = TuneData.read(data, network, limit);
    PlanOptions options = PlanOptions.defaults();
    if (backend != null) {
      options = options.withBackend(backend);
    }
    String kernels;
    try (Plan plan = Plan.compile(network, options)) {
      kernels = "%s (%s)".formatted(plan.backend(), plan.tier());
    }
    Estimates estimates = new Estimates(network, inputs, options, share);
    ranks.forEach(rank -> checkRank(rank, network));
    List<Float> ascending = epsilons.stream().sorted().distinct().toList();
    SweepResult result;
    try (Progress progress =
        Progress.of(
            "exact run", (1L + ascending.size() * (1L + ranks.size())) * inputs.steps(), !json)) {
      Sweep sweep = Sweep.of(network, inputs, options, progress::advance);
      for (float epsilon : ascending) {
        progress.say("epsilon " + epsilon);
        sweep.below(epsilon);
      }
      for (int rank : ranks) {
        for (float epsilon : ascending) {
          progress.say("rank %s, epsilon %s".formatted(rank, epsilon));
          sweep.below(epsilon, estimates, rank);
        }
      }
      result = sweep.result();
    }
    TuneReport report =
        new TuneReport(
            model.toString(), data.toString(), kernels, layers, inputs.steps(), maxError, result);
    report(report);
    if (!save.isEmpty()) {
      save(report, estimates);
    }
    return 0;
  }

  private void checkUsage() {
    for (float epsilon : epsilons) {
      if (!(epsilon > 0 && epsilon < 1)) {
        throw usage(
            "--epsilons: %s is not above 0 and below 1; 0 is the exact run, which is always made"
                .formatted(epsilon));
      }
    }
    if (!(share > 0 && share <= 1)) {
      throw usage("--share must be above 0 and at most 1");
    }
    if (!save.isEmpty() && ranks.stream().noneMatch(rank -> save.get(0).equals("" + rank))) {
      throw usage("--save %s: no rank among --ranks %s".formatted(save.get(0), ranks));
    }
    if (limit < 2) {
      throw usage("--limit must be at least 2");
    }
    if (!(maxError > 0)) {
      throw usage("--max-error must be above 0");
    }
  }

  /** Before the sweep begins, which takes minutes. */
  private static void checkRank(int rank, Model network) {
    for (Gru layer : Estimates.layers(network)) {
      if (rank < 1 || rank >= layer.outputs()) {
        throw new IllegalArgumentException(
            "--ranks: %s is not between 1 and the %s units of layer %s, exclusive"
                .formatted(rank, layer.outputs(), layer.name()));
      }
    }
  }

  private CommandLine.ParameterException usage(String message) {
    return new CommandLine.ParameterException(spec.commandLine(), message);
  }

  /** Names of the layers that epsilon changes. */
  private List<String> approximated(Model network) {
    for (Layer layer : network.layers()) {
      if (layer instanceof Bidirectional || layer instanceof Backward) {
        throw new IllegalArgumentException(
            "%s: layer %s reads the sequence from its end, and tune makes one step after the other"
                    .formatted(model, layer.name())
                + "; compare Sequence runs with and without Skipping.below yourself");
      }
    }
    List<String> names = Sweep.approximated(network).stream().map(Layer::name).toList();
    if (names.isEmpty()) {
      throw new IllegalArgumentException(
          "%s has no layer to tune: epsilon is for GRU layers with the reset after the matrix,"
                  .formatted(model)
              + " sigmoid gates and tanh; conditional GRUs skip exactly without it, and others"
              + " never skip");
    }
    return names;
  }

  private void save(TuneReport report, Estimates estimates) throws IOException {
    int rank = Integer.parseInt(save.get(0));
    float epsilon = report.fastestOf(rank).epsilon();
    Path file = Path.of(save.get(1));
    Map<String, String> notes = new LinkedHashMap<>();
    try (WeightsFile original = WeightsFile.open(model)) {
      notes.putAll(original.metadata());
    }
    notes.put(
        "estimate",
        "gates estimated at rank %s, calibrated for epsilon %s and a share of %s"
            .formatted(rank, epsilon, share));
    estimates.of(rank, epsilon).save(file, DType.F32, notes);
    if (!json) {
      new Output(spec.commandLine().getOut())
          .line("Saved: %s, for Skipping.below(%sf)", file, epsilon);
    }
  }

  private void report(TuneReport report) throws IOException {
    Files.createDirectories(out);
    StringWriter written = new StringWriter();
    new Output(new PrintWriter(written, true)).json(report);
    Files.writeString(out.resolve("tune.json"), written.toString());
    Files.writeString(out.resolve("tune.md"), report.markdown());
    Output console = new Output(spec.commandLine().getOut());
    if (json) {
      console.json(report);
    } else {
      console.line(
          "%s steps of %s, backend %s, layers %s",
          Output.number(report.steps(), 0),
          data,
          report.backend(),
          String.join(", ", report.layers()));
      console.line("%s", TuneReport.NOTE);
      console.line("");
      console.table(report.head(), report.rows());
      console.line("");
      console.lines(report.advice());
      console.line("");
    }
    new ErrorPlot(report).save(out.resolve("tune.svg"));
    if (!json) {
      console.line("Written: %s", out.resolve("tune.{json,md,svg}"));
    }
  }
}
