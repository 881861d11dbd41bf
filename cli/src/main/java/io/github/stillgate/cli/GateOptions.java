package io.github.stillgate.cli;

import io.github.stillgate.training.Recipe;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** What {@code train char-lm} is told of the gates of conditional layers. */
final class GateOptions {
  @Option(
      names = "--gating",
      defaultValue = "unit",
      paramLabel = "FORM",
      description = "${COMPLETION-CANDIDATES}: what decides which units are live")
  private Form gating;

  enum Form {
    full(Recipe.Cell.FULL),
    unit(Recipe.Cell.UNIT),
    block(Recipe.Cell.BLOCK),
    hybrid(Recipe.Cell.HYBRID);

    private final Recipe.Cell cell;

    Form(Recipe.Cell cell) {
      this.cell = cell;
    }
  }

  @Option(
      names = "--rank",
      defaultValue = "16",
      description =
          "width of the gates' bottleneck; with block and hybrid gating the number of blocks")
  private int rank;

  /** How s of the gates' batch norm comes to its value. */
  enum Closing {
    annealed,
    learned,
    batchnorm,
    paper
  }

  @Option(
      names = "--recipe",
      defaultValue = "annealed",
      paramLabel = "NAME",
      description =
          "how gates learn to close. annealed: s falls from 0 to --shift. learned: each unit or block"
              + " learns an s of its own, drawn to the live fraction --live. batchnorm: each learns a"
              + " scale from 1 on and an s from --shift on, which nothing draws anywhere, the other"
              + " batch norm that eq. 9 of the paper allows. paper: s is --shift from the first update"
              + " on, as in section VI of the paper")
  private Closing closing;

  @Option(
      names = "--live",
      paramLabel = "FRACTION",
      description = "of the units, for --recipe learned; 0.4 if not given")
  private @Nullable Float live;

  @Option(
      names = "--shift",
      paramLabel = "S",
      description =
          "s, for --recipe paper and annealed, and where it begins for batchnorm; more negative means"
              + " more still units; -0.25 if not given")
  private @Nullable Float shift;

  @Option(
      names = "--anneal",
      paramLabel = "UPDATES",
      description = "until s is --shift, for --recipe annealed; half of all if not given")
  private @Nullable Integer annealing;

  @Option(
      names = "--population",
      paramLabel = "UPDATES",
      description =
          "in the last so many updates gates go over from the statistics of the batch to those of the"
              + " population, as the written model has them, and one stream an update begins anew;"
              + " half of all if not given, 0 with --recipe paper")
  private @Nullable Integer population;

  @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
  private CommandLine.Model.CommandSpec spec;

  /** Whether an option was given that says when gates close. */
  boolean anyGiven() {
    return live != null || shift != null || annealing != null || population != null;
  }

  /** The form of gating. */
  Recipe.Cell cell() {
    return gating.cell;
  }

  /** Width of the gates' bottleneck, or number of blocks. */
  int rank() {
    return rank;
  }

  /** What each gate is moved by; complains of an option that the recipe has no use for. */
  Recipe.Shift shift(int updates) {
    refuse(live, "--live", closing == Closing.learned);
    refuse(shift, "--shift", closing != Closing.learned);
    refuse(annealing, "--anneal", closing == Closing.annealed);
    float value = shift == null ? -0.25f : shift;
    return switch (closing) {
      case annealed -> Recipe.Shift.annealed(value, annealing == null ? updates / 2 : annealing);
      case learned -> Recipe.Shift.learned(live == null ? 0.4f : live);
      case batchnorm -> Recipe.Shift.batchNorm(value);
      case paper -> Recipe.Shift.constant(value);
    };
  }

  /** Updates towards the statistics of the population. */
  int population(int updates) {
    if (population != null) {
      return population;
    }
    return closing == Closing.paper ? 0 : updates / 2;
  }

  private void refuse(@Nullable Object value, String option, boolean allowed) {
    if (value != null && !allowed) {
      throw new CommandLine.ParameterException(
          spec.commandLine(),
          "%s has no meaning for --recipe %s; give another --recipe".formatted(option, closing));
    }
  }
}
