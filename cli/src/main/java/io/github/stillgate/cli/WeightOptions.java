package io.github.stillgate.cli;

import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** How a command keeps matrices, and what of a stream's movement it follows in int8. */
final class WeightOptions {
  @Option(
      names = "--weights",
      defaultValue = "f32",
      paramLabel = "FORMAT",
      description =
          "how the matrices are kept: f32; bf16, half the bytes, without loss for a bf16 file; i8, a"
              + " quarter of the bytes, but for the rows that decide which units are live. f32,rnn0=i8"
              + " names one for a layer")
  private String weights = "f32";

  @Option(
      names = "--theta",
      split = ",",
      paramLabel = "N",
      description =
          "with --weights i8: values that moved by at most N of 127 steps count as standing still, 0"
              + " to 126; LAYER=N for one layer. Above 0 outputs are approximate; tune --moved finds N")
  private List<String> thetas = List.of();

  @Option(
      names = "--max-moved",
      paramLabel = "K",
      description =
          "with --weights i8: send at most K values of each operand in a step, those that moved most;"
              + " outputs are approximate")
  private @Nullable Integer maxMoved;

  @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
  private CommandLine.Model.CommandSpec command;

  /**
   * {@code options} as they are asked for.
   *
   * @throws CommandLine.ParameterException if one is wrong, or needs int8 weights
   */
  PlanOptions apply(PlanOptions options) {
    if (!isInt8() && !(thetas.isEmpty() && maxMoved == null)) {
      throw usage(
          "%s follows what moved of int8 values, and the weights are %s; add --weights i8"
              .formatted(thetas.isEmpty() ? "--max-moved" : "--theta", weights));
    }
    PlanOptions changed = options;
    for (String part : weights.split(",")) {
      int equals = part.lastIndexOf('=');
      WeightFormat format = format(part);
      changed =
          equals < 0
              ? changed.withWeights(format)
              : changed.withWeights(part.substring(0, equals), format);
    }
    Set<String> layers = new HashSet<>();
    for (String theta : thetas) {
      int equals = theta.lastIndexOf('=');
      String layer = equals < 0 ? "" : theta.substring(0, equals);
      if (equals == 0) {
        throw usage("--theta %s: no layer before the =".formatted(theta));
      }
      if (!layers.add(layer)) {
        throw usage(
            "--theta is given twice for %s"
                .formatted(layer.isEmpty() ? "all layers" : "layer " + layer));
      }
      int value = parsed(theta.substring(equals + 1), theta);
      changed =
          layer.isEmpty()
              ? changed.withMovementThreshold(value)
              : changed.withMovementThreshold(layer, value);
    }
    if (maxMoved != null) {
      if (maxMoved < 1) {
        throw usage("--max-moved %s: at least 1 value must be sent".formatted(maxMoved));
      }
      changed = changed.withMaxMoved(maxMoved);
    }
    return changed;
  }

  /** Whether any layer is to be int8. */
  boolean isInt8() {
    return Arrays.stream(weights.split(",")).anyMatch(part -> format(part) == WeightFormat.I8);
  }

  /** The format of all layers, or of LAYER=FORMAT. */
  private WeightFormat format(String part) {
    String word = part.substring(part.lastIndexOf('=') + 1);
    return Arrays.stream(WeightFormat.values())
        .filter(format -> format.name().toLowerCase(Locale.ROOT).equals(word))
        .findFirst()
        .orElseThrow(
            () -> usage("--weights: \"%s\" is not known (known: f32, bf16, i8)".formatted(word)));
  }

  private int parsed(String number, String argument) {
    try {
      int theta = Integer.parseInt(number);
      if (theta >= 0 && theta <= MovedOptions.LARGEST_THETA) {
        return theta;
      }
    } catch (NumberFormatException e) {
      throw usage(
          "--theta %s: '%s' is not a whole number; give N or LAYER=N".formatted(argument, number));
    }
    throw usage(
        "--theta %s: %s is not from 0 to %s"
            .formatted(argument, number, MovedOptions.LARGEST_THETA));
  }

  private CommandLine.ParameterException usage(String message) {
    return new CommandLine.ParameterException(command.commandLine(), message);
  }
}
