package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntConsumer;

/**
 * Runs one network over the same data exactly and with {@link Skipping#below}, and compares the
 * outputs: with y of the exact run and y' of another, over all outputs of all steps,
 *
 * <pre>
 *   largest error = max |y' - y|        rms error = sqrt(mean (y' - y)^2)
 * </pre>
 *
 * <p>Errors are the same in every run. Times are those of this machine, and bytes depend on it a
 * little, because a plan that warms up measures from which live fraction on it reads everything; so
 * sweep on an idle machine. Use by one thread at a time. See {@code docs/skipping.md}.
 */
public final class Sweep {
  private final Model model;
  private final PlanOptions options;
  private final Comparison comparison;
  private final SweepPoint exact;
  private final List<SweepPoint> points = new ArrayList<>();

  private Sweep(Model model, TuningData data, PlanOptions options, IntConsumer progress) {
    this.model = model;
    this.options = options;
    this.comparison = new Comparison(data, model.outputs(), progress);
    this.exact = run(model, OptionalInt.empty(), Skipping.STILL_UNITS);
  }

  /**
   * Makes the exact run.
   *
   * @param options of every run; their skipping is not used
   * @throws IllegalArgumentException if the outputs to keep would take more than half of the heap,
   *     or epsilon changes no layer of the network, or the network does not read such data
   * @throws UnsupportedOperationException if the data are tokens and the network reads vectors, or
   *     the network cannot be run step by step
   */
  public static Sweep of(Model model, TuningData data, PlanOptions options) {
    return of(model, data, options, _ -> {});
  }

  /**
   * Like {@link #of(Model, TuningData, PlanOptions)}.
   *
   * @param progress hears now and then, in the exact run and in later ones, how many steps were
   *     made since it last heard
   */
  public static Sweep of(Model model, TuningData data, PlanOptions options, IntConsumer progress) {
    if (approximated(model).isEmpty()) {
      throw new IllegalArgumentException(
          "epsilon changes no layer of this network: it is for GRU layers with the reset after the"
              + " matrix, sigmoid gates and tanh");
    }
    Comparison.requireProbabilities(model, data);
    return new Sweep(model, data, options, progress);
  }

  /** The layers of {@code model} that {@link Skipping#below} changes. */
  public static List<Layer> approximated(Model model) {
    return model.layers().stream().filter(Sweep::approximates).toList();
  }

  static boolean approximates(Layer layer) {
    // Which layers it changes is the same for every epsilon.
    return Skipping.below(0.5f).approximates(layer);
  }

  /** The run all others are compared with. */
  public SweepPoint exact() {
    return exact;
  }

  /**
   * Runs the network as it is with {@link Skipping#below}.
   *
   * @throws IllegalArgumentException if epsilon is not above 0 and below 1
   */
  public SweepPoint below(float epsilon) {
    return added(run(model, OptionalInt.empty(), Skipping.below(epsilon)));
  }

  /**
   * Runs the network with {@link Skipping#below} and estimates of one rank, calibrated for this
   * epsilon.
   *
   * @param estimates made for the same network
   * @throws IllegalArgumentException if epsilon is not above 0 and below 1, or {@code estimates}
   *     refuses the rank, or is for another network
   */
  public SweepPoint below(float epsilon, Estimates estimates, int rank) {
    if (estimates.model() != model) {
      throw new IllegalArgumentException(
          "the estimates are for another network than the sweep; make them from the same Model");
    }
    return added(run(estimates.of(rank, epsilon), OptionalInt.of(rank), Skipping.below(epsilon)));
  }

  private SweepPoint added(SweepPoint point) {
    points.add(point);
    return point;
  }

  /** All runs so far. */
  public SweepResult result() {
    return new SweepResult(exact, points);
  }

  private SweepPoint run(Model network, OptionalInt rank, Skipping skipping) {
    Comparison.Outcome outcome = comparison.run(network, options.withSkipping(skipping));
    return new SweepPoint(
        skipping.epsilon(),
        rank,
        liveFraction(network, outcome.live()),
        outcome.bytesPerStep(),
        outcome.medianMicros(),
        outcome.largestError(),
        outcome.rmsError(),
        outcome.bitsPerToken());
  }

  /**
   * Over the units of all layers that a sweep changes; a GRU that runs exactly has no still one.
   */
  private static double liveFraction(Model network, double[] fractions) {
    double live = 0;
    double units = 0;
    for (int at = 0; at < fractions.length; at++) {
      Layer layer = network.layers().get(at);
      if (approximates(layer)) {
        live += layer.outputs() * fractions[at];
        units += layer.outputs();
      }
    }
    return live / units;
  }
}
