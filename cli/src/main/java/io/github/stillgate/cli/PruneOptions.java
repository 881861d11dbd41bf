package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.tuning.LayerStructure;
import io.github.stillgate.tuning.Pruning;
import io.github.stillgate.tuning.PruningProof;
import io.github.stillgate.tuning.Removal;
import io.github.stillgate.tuning.TuningData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options of {@code convert} that remove what nothing reads, and the removing. */
final class PruneOptions {
  @Option(
      names = "--prune",
      description =
          "remove units, cells and embedding components that no output reads (docs/pruning.md), and prove"
              + " it: in float64 the outputs must be equal, and the smaller network must run near"
              + " them, on the inputs of --verify (which may be a text) or on random ones")
  private boolean prune;

  @Option(
      names = "--threshold",
      paramLabel = "T",
      description =
          "with --prune: first set weights, not biases, of magnitude below T to 0; this changes the"
              + " outputs, and by how much is shown")
  private @Nullable Float threshold;

  @Option(
      names = "--prune-tolerance",
      paramLabel = "ERROR",
      description =
          "with --prune: how far the smaller network may run from float64, relative to values above 1;"
              + " 2e-6 if not given")
  private @Nullable Double tolerance;

  @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
  private CommandLine.Model.CommandSpec spec;

  /** Whether anything is to be removed. */
  boolean isWanted() {
    return prune;
  }

  /** Refuses options that do not go together. */
  void checkUsage() {
    if (threshold != null && !prune) {
      throw new ParameterException(spec.commandLine(), "--threshold is for --prune");
    }
    if (threshold != null && !(threshold > 0 && threshold < Float.POSITIVE_INFINITY)) {
      throw new ParameterException(
          spec.commandLine(), "--threshold must be a number above 0, it is " + threshold);
    }
    if (tolerance != null && !prune) {
      throw new ParameterException(spec.commandLine(), "--prune-tolerance is for --prune");
    }
    if (tolerance != null && !ConvertCommand.isTolerance(tolerance)) {
      throw new ParameterException(
          spec.commandLine(),
          "--prune-tolerance must be a number above 0 and below %s, it is %s"
              .formatted(ProofVectors.TOLERANCE_BELOW, tolerance));
    }
  }

  /**
   * Prunes a network and proves it.
   *
   * @param from where it is from, for messages
   * @param data whose inputs to prove it on; empty for those of {@code carried}
   * @param carried inputs of a proof the file carries; empty for random ones
   * @param shown whether somebody watches the progress
   * @throws IllegalArgumentException if there is nothing to remove, or the threshold leaves nothing
   */
  PruneReport apply(
      Path from, Model model, Optional<Path> data, Optional<TuningData> carried, boolean shown)
      throws IOException {
    Pruning pruning = pruning(from, model);
    int steps = PruningProof.steps(model);
    String source =
        data.map(Path::toString).orElse(carried.isPresent() ? "its proof" : "random inputs");
    TuningData inputs =
        data.isPresent()
            ? TuneData.read(data.get(), model, steps)
            : carried.map(c -> c.first(steps)).orElseGet(() -> PruningProof.randomInputs(model));
    try (Progress progress =
        Progress.of("proof in float64", PruningProof.work(pruning, inputs), shown)) {
      return new PruneReport(
          pruning,
          PruningProof.of(
              pruning,
              inputs,
              PlanOptions.defaults(),
              tolerance == null ? PruningProof.TOLERANCE : tolerance,
              progress::advance),
          source);
    }
  }

  private Pruning pruning(Path from, Model model) {
    Pruning pruning;
    try {
      pruning = Pruning.of(model, threshold == null ? 0 : threshold);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(from + ": " + e.getMessage(), e);
    }
    if (pruning.isEmpty()) {
      throw new IllegalArgumentException(
          "%s: there is nothing to remove, everything is read by an output: %s. %s"
              .formatted(
                  from,
                  pruning.removals().stream()
                      .map(PruneOptions::kept)
                      .collect(Collectors.joining(", ")),
                  cure(model)));
    }
    if (threshold != null
        && LayerStructure.of(pruning.pruned()).stream()
            .anyMatch(layer -> layer.weights() > 0 && layer.nonZeroWeights() == 0)) {
      throw new IllegalArgumentException(
          "%s: a layer keeps no weight with --threshold %s, so the outputs would hang on no input;"
                  .formatted(from, threshold)
              + " take a smaller one");
    }
    return pruning;
  }

  private static String kept(Removal removal) {
    return "%s %d %s%s"
        .formatted(
            removal.layer(),
            removal.after(),
            removal.part(),
            removal.stays().map(" (%s)"::formatted).orElse(""));
  }

  private String cure(Model model) {
    double smallest =
        LayerStructure.of(model).stream()
            .mapToDouble(LayerStructure::smallestWeight)
            .min()
            .orElseThrow();
    String magnitude = "the smallest that is not 0 has a magnitude of " + (float) smallest;
    return threshold == null
        ? "A weight is read unless it is 0: --threshold T sets those below T to 0 first; "
            + magnitude
        : "No weight is below %s but those that are 0: %s".formatted(threshold, magnitude);
  }
}
