package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.ProofVectors;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.ProofFailedException;
import io.github.stillgate.core.session.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.function.IntConsumer;

/**
 * That a pruned network computes what the network it came from does, on data. All errors are
 * relative to values above 1: with y of one and y' of the other over all outputs of all steps,
 *
 * <pre>
 *   error = max |y' - y| / max(1, |y|)
 * </pre>
 *
 * <p>The network that was given (its small weights set to 0) and the pruned one are evaluated in
 * float64, where leaving out terms of 0 changes no bit: there they must be equal. Then the pruned
 * one runs as it will be used, in float32, and must agree with the float64 outputs of the other
 * within a tolerance. What a threshold did is told and not judged.
 *
 * @param steps how many steps of the data were made
 * @param thresholdError of the network whose small weights were set to 0, against the original,
 *     both in float64; 0 without a threshold
 * @param runError of the pruned network as it runs, against float64
 * @param tolerance what the run's error was allowed to be
 * @param vectors the inputs, and the float64 outputs rounded once to float32: what a weights file
 *     may carry
 */
public record PruningProof(
    int steps, double thresholdError, double runError, double tolerance, ProofVectors vectors) {
  /** The tolerance to use where there is no reason for another. */
  public static final double TOLERANCE = 2e-6;

  /** Steps of random inputs: enough for a state to fill. */
  private static final int RANDOM_STEPS = 64;

  /** More steps of a network take long and prove no more. */
  private static final int MOST_STEPS = 256;

  private static final int FEWEST_STEPS = 8;

  /** Values in and out that a proof may add to a file: 1 MiB. */
  private static final int MOST_VALUES = 1 << 18;

  /**
   * Evaluates all networks on {@code data}. Takes a few nanoseconds for each weight and step.
   *
   * @param data each sequence from the initial state
   * @param options of the plan that runs the pruned network
   * @param tolerance largest error of the run
   * @throws ProofFailedException if the networks differ in float64, or the run's error is larger
   *     than the tolerance; the message says where and why
   * @throws IllegalArgumentException if the network does not read such data, the tolerance is none,
   *     or a sum could overflow under the options' input bound
   */
  public static PruningProof of(
      Pruning pruning, TuningData data, PlanOptions options, double tolerance) {
    return of(pruning, data, options, tolerance, _ -> {});
  }

  /**
   * Like {@link #of(Pruning, TuningData, PlanOptions, double)}.
   *
   * @param progress hears now and then how much of the {@link #work} was done since it last heard
   */
  public static PruningProof of(
      Pruning pruning,
      TuningData data,
      PlanOptions options,
      double tolerance,
      IntConsumer progress) {
    ProofVectors.requireTolerance(tolerance);
    double thresholdError = 0;
    double runError = 0;
    List<ProofVectors.Case> cases = new ArrayList<>();
    Float64Network original = new Float64Network(pruning.original(), progress);
    Float64Network thresholded = new Float64Network(pruning.thresholded(), progress);
    Float64Network pruned = new Float64Network(pruning.pruned(), progress);
    try (Plan plan = Plan.compile(pruning.pruned(), options);
        Sequence run = Sequence.open(plan)) {
      for (TuningData.Sequence sequence : data.sequences()) {
        String name = "pruned" + (data.sequences().size() == 1 ? "" : cases.size());
        run.reset();
        // First, since it checks the inputs.
        double[][] actual = widened(run(run, sequence));
        double[][] expected = outputs(thresholded, sequence);
        requireEqual(name, outputs(pruned, sequence), expected);
        Worst worst = worst(actual, expected);
        if (!(worst.error <= tolerance)) {
          throw amplified(name, worst, tolerance);
        }
        runError = Math.max(runError, worst.error);
        if (pruning.zeroed() > 0) {
          thresholdError =
              Math.max(thresholdError, worst(expected, outputs(original, sequence)).error);
        }
        cases.add(provedCase(name, sequence, rounded(expected)));
      }
    }
    return new PruningProof(
        data.steps(), thresholdError, runError, tolerance, new ProofVectors(cases));
  }

  /** How much a proof has to do: steps of layers, over all networks that are evaluated. */
  public static long work(Pruning pruning, TuningData data) {
    int networks = pruning.zeroed() > 0 ? 3 : 2;
    return (long) networks * pruning.original().layers().size() * data.steps();
  }

  /**
   * How many steps of data to take: 256, or so many that inputs and outputs take 1 MiB if that is
   * less, but 8 at least.
   */
  public static int steps(Model model) {
    int values = model.outputs() + (model.readsTokens() ? 1 : model.inputs());
    return Math.clamp(MOST_VALUES / values, FEWEST_STEPS, MOST_STEPS);
  }

  /**
   * Inputs for a network of which no data are at hand: one sequence of random tokens, or of vectors
   * of values from -1 to 1; at most 64 steps, and the same in every run.
   */
  public static TuningData randomInputs(Model model) {
    Random random = new Random(1);
    int steps = Math.min(steps(model), RANDOM_STEPS);
    if (model.readsTokens()) {
      return new TuningData(
          List.of(new TuningData.Tokens(random.ints(steps, 0, model.inputs()).toArray())), false);
    }
    float[][] vectors = new float[steps][model.inputs()];
    for (float[] vector : vectors) {
      for (int i = 0; i < vector.length; i++) {
        vector[i] = random.nextFloat(-1, 1);
      }
    }
    return new TuningData(List.of(new TuningData.Vectors(vectors)), false);
  }

  private static float[][] run(Sequence run, TuningData.Sequence sequence) {
    return switch (sequence) {
      case TuningData.Tokens(int[] tokens) -> run.run(tokens);
      case TuningData.Vectors(float[][] vectors) -> run.run(vectors);
    };
  }

  private static double[][] outputs(Float64Network network, TuningData.Sequence sequence) {
    return switch (sequence) {
      case TuningData.Tokens(int[] tokens) -> network.outputs(tokens);
      case TuningData.Vectors(float[][] vectors) -> network.outputs(vectors);
    };
  }

  private static ProofVectors.Case provedCase(
      String name, TuningData.Sequence sequence, float[][] output) {
    return switch (sequence) {
      case TuningData.Tokens(int[] tokens) ->
          new ProofVectors.Case(name, Optional.of(tokens), new float[0][], output);
      case TuningData.Vectors(float[][] vectors) ->
          new ProofVectors.Case(name, Optional.empty(), vectors, output);
    };
  }

  private static double[][] widened(float[][] values) {
    double[][] widened = new double[values.length][];
    for (int t = 0; t < values.length; t++) {
      widened[t] = new double[values[t].length];
      for (int i = 0; i < values[t].length; i++) {
        widened[t][i] = values[t][i];
      }
    }
    return widened;
  }

  private static float[][] rounded(double[][] values) {
    float[][] rounded = new float[values.length][];
    for (int t = 0; t < values.length; t++) {
      rounded[t] = new float[values[t].length];
      for (int i = 0; i < values[t].length; i++) {
        rounded[t][i] = (float) values[t][i];
      }
    }
    return rounded;
  }

  /** Where the largest error is. */
  private record Worst(double error, int step, int output, double actual, double expected) {}

  private static Worst worst(double[][] actual, double[][] expected) {
    Worst worst = new Worst(0, 0, 0, actual[0][0], expected[0][0]);
    for (int t = 0; t < actual.length; t++) {
      for (int i = 0; i < actual[t].length; i++) {
        double error =
            Math.abs(actual[t][i] - expected[t][i]) / Math.max(1, Math.abs(expected[t][i]));
        // Written so that NaN is the worst.
        if (!(error <= worst.error)) {
          worst = new Worst(error, t, i, actual[t][i], expected[t][i]);
        }
      }
    }
    return worst;
  }

  private static void requireEqual(String name, double[][] pruned, double[][] expected) {
    Worst worst = worst(pruned, expected);
    if (worst.error != 0) {
      throw new ProofFailedException(
          text(name, worst)
              + ", both in float64, where they must be equal: something was removed that is read."
              + " This is a fault of Stillgate; please report it with the network");
    }
  }

  private static ProofFailedException amplified(String name, Worst worst, double tolerance) {
    return new ProofFailedException(
        text(name, worst)
            + String.format(
                Locale.ROOT,
                " (error %.3g, tolerance %.3g). In float64 the two networks are equal, so nothing"
                    + " was removed that is read; this one amplifies the rounding of float32. Prove"
                    + " it on shorter sequences or with a larger tolerance (--prune-tolerance)",
                worst.error,
                tolerance));
  }

  private static String text(String name, Worst worst) {
    return String.format(
        Locale.ROOT,
        "case %s, step %d, output %d of the pruned network is %s, that of the original %s",
        name,
        worst.step,
        worst.output,
        worst.actual,
        worst.expected);
  }
}
