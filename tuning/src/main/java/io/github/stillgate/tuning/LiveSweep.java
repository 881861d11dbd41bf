package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.PlanOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Runs one network over the same data without a bound on live units and with several ({@link
 * PlanOptions#withMaxLive}): what a bound on the longest step costs in score. Errors and scores are
 * the same in every run and on every machine; times are those of this one. Use by one thread at a
 * time.
 */
public final class LiveSweep {
  private final Model model;
  private final PlanOptions options;
  private final Comparison comparison;
  private final List<Point> points = new ArrayList<>();

  /**
   * What one bound cost.
   *
   * @param maxLive units of a layer that may be live in a step; empty for the run without a bound
   * @param live share of live units of each layer, over all steps; 1 for a layer without gates
   * @param bytesPerStep weight bytes read by a step, mean
   * @param mostBytesPerStep weight bytes that no step exceeds
   * @param medianMicros median time of a step in microseconds
   * @param largestError largest difference of an output from the run without a bound
   * @param rmsError root of the mean squared difference over all outputs of all steps
   * @param sameLargest share of the steps whose largest output is the same one as without a bound
   * @param bitsPerToken mean of -log2 p(next token), or empty if the outputs predict no tokens
   */
  public record Point(
      OptionalInt maxLive,
      List<Double> live,
      double bytesPerStep,
      long mostBytesPerStep,
      double medianMicros,
      double largestError,
      double rmsError,
      double sameLargest,
      OptionalDouble bitsPerToken) {
    /** Copies the list. */
    public Point {
      live = List.copyOf(live);
    }
  }

  private LiveSweep(Model model, TuningData data, PlanOptions options, IntConsumer progress) {
    this.model = model;
    this.options = options;
    this.comparison = new Comparison(data, model.outputs(), progress);
    run(null);
  }

  /**
   * Makes the run without a bound.
   *
   * @param options of every run; without a bound of their own
   * @param progress hears now and then how many steps were made since it last heard
   * @throws IllegalArgumentException if the outputs to keep would take more than half of the heap,
   *     or the network does not read such data
   */
  public static LiveSweep of(
      Model model, TuningData data, PlanOptions options, IntConsumer progress) {
    Comparison.requireProbabilities(model, data);
    return new LiveSweep(model, data, options, progress);
  }

  /**
   * Runs the network under a bound.
   *
   * @throws IllegalArgumentException if the network has no gated layer, or a block of one has more
   *     units
   */
  public void atMost(int units) {
    run(units);
  }

  /** All runs so far, first the one without a bound. */
  public List<Point> points() {
    return List.copyOf(points);
  }

  private void run(@Nullable Integer units) {
    Comparison.Outcome outcome =
        comparison.run(model, units == null ? options : options.withMaxLive(units));
    List<Double> live = new ArrayList<>();
    for (double fraction : outcome.live()) {
      live.add(fraction);
    }
    points.add(
        new Point(
            units == null ? OptionalInt.empty() : OptionalInt.of(units),
            live,
            outcome.bytesPerStep(),
            outcome.mostBytesPerStep(),
            outcome.medianMicros(),
            outcome.largestError(),
            outcome.rmsError(),
            outcome.sameLargest(),
            outcome.bitsPerToken()));
  }
}
