package io.github.stillgate.cli;

import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.RegularFile;
import io.github.stillgate.tuning.DenseEstimates;
import io.github.stillgate.tuning.Estimates;
import io.github.stillgate.tuning.Sweep;
import io.github.stillgate.tuning.SweepResult;
import io.github.stillgate.tuning.TuningData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
      "Shows what skipping costs and saves in a network that was not trained for it, on your data:"
          + " in an ordinary GRU units whose gates are nearly shut (Skipping.below), in dense layers"
          + " with relu units that a low-rank estimate says are 0.",
      "",
      "Runs DATA once exactly and once for each point, and reports live units, weight bytes, the"
          + " median step and the differences of the outputs. Writes tune.json, tune.md and tune.svg,"
          + " error against time. Dense layers are tuned if --relu, --agreement or ranks such as"
          + " 50-35-25 are given, or if there is no such GRU. --moved tunes int8 weights instead, of"
          + " which a step reads the columns of what moved; it writes a plot of score or error against"
          + " bytes. See docs/skipping.md.",
      "",
      "With --max-live it shows what a bound on the live units of conditional layers costs.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ./stillgate tune gru.safetensors book.txt --epsilons 0.01,0.03,0.1",
      "  ./stillgate tune mlp.safetensors data.safetensors --ranks 50-35-25,25-25-25",
      "  ./stillgate tune gru.safetensors book.txt --moved --theta 0,2,4,8",
      "  ./stillgate tune models/text8-256.safetensors book.txt --max-live 32,64,96,128"
    })
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
      description = "GRU: gate masses to try, each above 0 and below 1 (default: ${DEFAULT-VALUE})")
  private List<Float> epsilons;

  @Option(
      names = "--ranks",
      paramLabel = "K",
      split = ",",
      description =
          "GRU: also try low-rank estimates of the gates, each rank with each epsilon; the first 2000"
              + " steps calibrate them. Dense layers: K1-K2-..., a rank for each layer with relu, 0"
              + " for none, or one rank for all (default: 1/16, 1/8 and 1/4 of the rank with which an"
              + " estimate has as many weights as the layer)")
  private List<String> ranks = List.of();

  @Option(
      names = "--agreement",
      paramLabel = "P",
      split = ",",
      description =
          "dense layers: also try the smallest ranks with which the estimate and the unit have the"
              + " same sign in a share P of all cases on the first 2000 steps, such as 0.99")
  private List<Double> agreements = List.of();

  @Option(
      names = "--relu",
      description = "tune dense layers with relu, though the network has a GRU to tune")
  private boolean relu;

  @Option(
      names = "--share",
      paramLabel = "S",
      split = ",",
      description =
          "share of the moving units, or of the units above 0, that an estimate must not overlook on"
              + " the first 2000 steps (default: 0.99). Dense layers: each of several is tried, 0 is"
              + " for the estimate without a threshold (default: 0.99,0)")
  private List<Double> shares = List.of();

  @Option(
      names = "--save",
      arity = "2",
      paramLabel = "K FILE",
      hideParamSyntax = true,
      description =
          "write the model with estimates of rank K, one of --ranks; those of gates are calibrated for"
              + " the fastest epsilon within --max-error, those of dense layers have the first --share")
  private List<String> save = List.of();

  @Option(
      names = "--max-live",
      paramLabel = "K",
      split = ",",
      description =
          "conditional layers: runs with at most K live units a layer, for each K, beside one without"
              + " a bound; draws the score against the longest step")
  private List<Integer> maxLive = List.of();

  @Option(
      names = "--max-error",
      paramLabel = "D",
      description =
          "largest difference of an output that the suggested point may have (default: 0.01 for a"
              + " GRU)")
  private @Nullable Double maxError;

  @CommandLine.Mixin private MovedOptions moved;

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
    if (save.size() == 2) {
      WrittenFile.requireOther("--save", Path.of(save.get(1)), model, data);
    }
    Model network = Model.load(model);
    requireSteps(network);
    TuneTask task =
        TuneTask.of(model, data, out, network, limit, backend, json, spec.commandLine().getOut());
    if (!maxLive.isEmpty()) {
      new LiveTuning(task).tune(maxLive);
    } else if (moved.moved()) {
      new MovedTuning(task, moved, moved.rule(network, task.inputs(), maxError)).tune();
    } else if (tunesDense(network)) {
      new ReluTuning(task, agreements, maxError, this::usage)
          .tune(ranks, shares.isEmpty() ? List.of(0.99, 0.0) : shares, save);
    } else {
      tuneGates(task);
    }
    return 0;
  }

  private boolean tunesDense(Model network) {
    return relu
        || !agreements.isEmpty()
        || ranks.stream().anyMatch(rank -> rank.contains("-"))
        || (Sweep.approximated(network).isEmpty() && !DenseEstimates.layers(network).isEmpty());
  }

  private void tuneGates(TuneTask task) throws IOException {
    List<String> layers = approximated(task.network());
    List<Integer> ofGates = gateRanks(task.network());
    if (!save.isEmpty() && ofGates.stream().noneMatch(rank -> save.get(0).equals("" + rank))) {
      throw usage("--save %s: no rank among --ranks %s".formatted(save.get(0), ranks));
    }
    if (shares.size() > 1 || shares.contains(0.0)) {
      throw usage("--share: estimates of gates take one share, above 0 and at most 1");
    }
    double share = shares.isEmpty() ? 0.99 : shares.get(0);
    TuningData inputs = task.inputs();
    Estimates estimates = new Estimates(task.network(), inputs, task.options(), share);
    List<Float> ascending = epsilons.stream().sorted().distinct().toList();
    SweepResult result;
    try (Progress progress =
        Progress.of(
            "exact run", (1L + ascending.size() * (1L + ofGates.size())) * inputs.steps(), !json)) {
      Sweep sweep = Sweep.of(task.network(), inputs, task.options(), progress::advance);
      for (float epsilon : ascending) {
        progress.say("epsilon " + epsilon);
        sweep.below(epsilon);
      }
      for (int rank : ofGates) {
        for (float epsilon : ascending) {
          progress.say("rank %s, epsilon %s".formatted(rank, epsilon));
          sweep.below(epsilon, estimates, rank);
        }
      }
      result = sweep.result();
    }
    TuneReport report =
        new TuneReport(
            model.toString(),
            data.toString(),
            task.kernels(),
            layers,
            inputs.steps(),
            maxError == null ? 0.01 : maxError,
            result);
    report(task, report);
    if (!save.isEmpty()) {
      save(task, report, estimates, share);
    }
  }

  private void checkUsage() {
    moved.check();
    for (float epsilon : epsilons) {
      if (!(epsilon > 0 && epsilon < 1)) {
        throw usage(
            "--epsilons: %s is not above 0 and below 1; 0 is the exact run, which is always made"
                .formatted(epsilon));
      }
    }
    if (shares.stream().anyMatch(share -> !(share >= 0 && share <= 1))) {
      throw usage("--share must be above 0 and at most 1, or 0 for no threshold");
    }
    if (agreements.stream().anyMatch(agreement -> !(agreement > 0 && agreement <= 1))) {
      throw usage("--agreement must be above 0 and at most 1");
    }
    if (maxLive.stream().anyMatch(units -> units < 1)) {
      throw usage("--max-live must be at least 1");
    }
    if (!maxLive.isEmpty() && (relu || !save.isEmpty() || !ranks.isEmpty())) {
      throw usage(
          "--max-live: nothing else is tuned with it; leave out --relu, --ranks and --save");
    }
    if (limit < 2) {
      throw usage("--limit must be at least 2");
    }
    if (maxError != null && !(maxError > 0)) {
      throw usage("--max-error must be above 0");
    }
  }

  /** Before the sweep begins, which takes minutes. */
  private List<Integer> gateRanks(Model network) {
    List<Integer> parsed = new ArrayList<>();
    for (String text : ranks) {
      int rank;
      try {
        rank = Integer.parseInt(text);
      } catch (NumberFormatException e) {
        throw usage("--ranks: '%s' is not a whole number".formatted(text));
      }
      for (Gru layer : Estimates.layers(network)) {
        if (rank < 1 || rank >= layer.outputs()) {
          throw new IllegalArgumentException(
              "--ranks: %s is not between 1 and the %s units of layer %s, exclusive"
                  .formatted(rank, layer.outputs(), layer.name()));
        }
      }
      parsed.add(rank);
    }
    return parsed;
  }

  private CommandLine.ParameterException usage(String message) {
    return new CommandLine.ParameterException(spec.commandLine(), message);
  }

  private void requireSteps(Model network) {
    for (Layer layer : network.layers()) {
      if (layer instanceof Bidirectional || layer instanceof Backward) {
        throw new IllegalArgumentException(
            "%s: layer %s reads the sequence from its end, and tune makes one step after the other"
                    .formatted(model, layer.name())
                + "; compare Sequence runs of both plans yourself");
      }
    }
  }

  /** Names of the layers that epsilon changes. */
  private List<String> approximated(Model network) {
    List<String> names = Sweep.approximated(network).stream().map(Layer::name).toList();
    if (names.isEmpty()) {
      throw new IllegalArgumentException(
          "%s has no layer to tune: epsilon is for GRU layers with the reset after the matrix,"
                  .formatted(model)
              + " sigmoid gates and tanh, estimates are for those and for dense layers with relu;"
              + " conditional layers skip exactly without it, and others never skip");
    }
    return names;
  }

  private void save(TuneTask task, TuneReport report, Estimates estimates, double share)
      throws IOException {
    int rank = Integer.parseInt(save.get(0));
    float epsilon = report.fastestOf(rank).epsilon();
    Path file = Path.of(save.get(1));
    task.save(
        estimates.of(rank, epsilon),
        file,
        "gates estimated at rank %s, calibrated for epsilon %s and a share of %s"
            .formatted(rank, epsilon, share));
    if (!json) {
      task.console().line("Saved: %s, for Skipping.below(%sf)", file, epsilon);
    }
  }

  private void report(TuneTask task, TuneReport report) throws IOException {
    task.write(report, report.markdown());
    Output console = task.console();
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
    new ErrorPlot(report).save(task.out().resolve("tune.svg"));
    if (!json) {
      console.line("Written: %s", task.out().resolve("tune.{json,md,svg}"));
    }
  }
}
