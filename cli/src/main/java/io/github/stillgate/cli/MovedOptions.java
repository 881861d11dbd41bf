package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.tuning.MovedRule;
import io.github.stillgate.tuning.TuningData;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** What {@code tune --moved} is told. */
final class MovedOptions {
  /** Of {@link PlanOptions#withMovementThreshold(int)}. */
  static final int LARGEST_THETA = 126;

  private static final List<Integer> THETAS = List.of(0, 1, 2, 4, 8, 16);
  private static final double CHANGED = 0.005;
  private static final double WORSE = 0.02;

  /** Those of {@code tune} that say nothing about movement. */
  private static final List<String> OTHERS =
      List.of("--epsilons", "--ranks", "--agreement", "--relu", "--share", "--save", "--max-live");

  @Option(
      names = "--moved",
      description =
          "int8 weights, of which a step reads the columns of values that moved: compares float32,"
              + " int8 and int8 with thresholds of movement, then one threshold layer by layer")
  private boolean moved;

  @Option(
      names = "--theta",
      paramLabel = "N",
      split = ",",
      description =
          "with --moved: thresholds to try, 0 to 126 of 127 steps; 0 is always tried (default:"
              + " 0,1,2,4,8,16)")
  private List<Integer> thetas = List.of();

  @Option(
      names = "--changed",
      paramLabel = "S",
      description =
          "with --moved: share of the steps that may have another largest output than in float32"
              + " (default: 0.005 for data without a score)")
  private @Nullable Double changed;

  @Option(
      names = "--worse",
      paramLabel = "B",
      description =
          "with --moved: bits a character by which the score may be worse than in float32 (default:"
              + " 0.02 for data with a score)")
  private @Nullable Double worse;

  @Option(
      names = "--input-bound",
      paramLabel = "B",
      description =
          "with --moved: largest magnitude of an input vector's values; with 1, what moved of them is"
              + " followed too")
  private @Nullable Float inputBound;

  @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
  private CommandLine.Model.CommandSpec command;

  boolean moved() {
    return moved;
  }

  /** Refuses what is wrong whatever the model is. */
  void check() {
    if (!moved) {
      for (String option : List.of("--theta", "--changed", "--worse", "--input-bound")) {
        if (isGiven(option)) {
          throw usage(option + " is for int8 weights; add --moved");
        }
      }
      return;
    }
    for (String option : OTHERS) {
      if (isGiven(option)) {
        throw usage(
            option
                + " tunes gates or dense layers, --moved int8 weights; tune one after the other");
      }
    }
    for (int theta : thetas) {
      if (theta < 0 || theta > LARGEST_THETA) {
        throw usage("--theta: %s is not from 0 to %s".formatted(theta, LARGEST_THETA));
      }
    }
    if (changed != null && !(changed >= 0 && changed <= 1)) {
      throw usage("--changed: %s is no share from 0 to 1".formatted(changed));
    }
    if (worse != null && !(worse >= 0)) {
      throw usage("--worse: %s is not a number of bits from 0 on".formatted(worse));
    }
    if (inputBound != null && !(inputBound > 0 && inputBound <= Float.MAX_VALUE)) {
      throw usage("--input-bound: %s is not a number above 0".formatted(inputBound));
    }
  }

  private boolean isGiven(String option) {
    return command.commandLine().getParseResult().hasMatchedOption(option);
  }

  /** Ascending, 0 first. */
  List<Integer> thetas() {
    return Stream.concat(Stream.of(0), (thetas.isEmpty() ? THETAS : thetas).stream())
        .sorted()
        .distinct()
        .toList();
  }

  Optional<Float> inputBound() {
    return Optional.ofNullable(inputBound);
  }

  /**
   * What a proposal has to hold: the loss of score where there is one, else the decisions, and what
   * is asked for beside. Nothing for a network of one output, if nothing is asked for: its steps
   * have no decision.
   */
  Optional<MovedRule> rule(Model network, TuningData data, @Nullable Double maxError) {
    boolean scored = data.predictsNext();
    boolean decides = network.outputs() > 1;
    if (worse != null && !scored) {
      throw usage("--worse: this data has no score; limit --changed or --max-error");
    }
    if (changed != null && !decides) {
      throw usage(
          "--changed: a network of one output has no decision that could change; limit --max-error");
    }
    OptionalDouble maxChanged = limit(changed, !scored && decides ? CHANGED : null);
    OptionalDouble maxWorse = limit(worse, scored ? WORSE : null);
    OptionalDouble largest = limit(maxError, null);
    return maxChanged.isEmpty() && maxWorse.isEmpty() && largest.isEmpty()
        ? Optional.empty()
        : Optional.of(new MovedRule(maxChanged, maxWorse, largest));
  }

  private static OptionalDouble limit(@Nullable Double given, @Nullable Double usual) {
    Double limit = given == null ? usual : given;
    return limit == null ? OptionalDouble.empty() : OptionalDouble.of(limit);
  }

  private CommandLine.ParameterException usage(String message) {
    return new CommandLine.ParameterException(command.commandLine(), message);
  }
}
