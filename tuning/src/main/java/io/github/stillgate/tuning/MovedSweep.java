package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Runs one network over the same data in float32 and in int8 with thresholds of movement ({@link
 * PlanOptions#withMovementThreshold(int)}), and compares the outputs as {@link Sweep} does.
 *
 * <p>Errors, decisions and bytes are the same in every run, layers with gates of their own apart:
 * from which live fraction on these are read whole is measured. Times are those of this machine, so
 * sweep on an idle one. Use by one thread at a time. See {@code docs/skipping.md}.
 */
public final class MovedSweep {
  private final Model model;
  private final PlanOptions options;
  private final Comparison comparison;
  private final List<FollowedLayer> layers;
  private final MovedPoint exact;
  private final List<MovedPoint> points = new ArrayList<>();
  private final List<MovedPoint> ofLayers = new ArrayList<>();

  private MovedSweep(
      Model model,
      TuningData data,
      PlanOptions options,
      List<FollowedLayer> layers,
      IntConsumer progress) {
    this.model = model;
    this.options = options;
    this.layers = layers;
    this.comparison = new Comparison(data, model.outputs(), progress);
    this.exact = run(new MovedPoint.Float32(), options.withWeights(WeightFormat.F32));
  }

  /**
   * Makes the run in float32.
   *
   * @param options of every run, without limits on movement; their weights are not used
   * @param progress hears now and then, in this run and in later ones, how many steps were made
   *     since it last heard
   * @throws IllegalArgumentException if the outputs to keep would take more than half of the heap,
   *     or nothing that a layer multiplies is followed, or the network does not read such data
   * @throws UnsupportedOperationException if the data are tokens and the network reads vectors, or
   *     the network cannot be run step by step
   */
  public static MovedSweep of(
      Model model, TuningData data, PlanOptions options, IntConsumer progress) {
    List<FollowedLayer> layers = FollowedLayer.of(model, options);
    if (layers.stream().noneMatch(FollowedLayer::isFollowed)) {
      throw new IllegalArgumentException(
          "no layer of this network can leave out columns of what did not move: %s; that takes int8"
                  .formatted(layers.stream().map(FollowedLayer::name).toList())
              + " layers that are multiplied whole, over values that are proved to lie within [-1,"
              + " 1], as the states of GRUs and LSTMs are, or inputs with withInputBound(1)");
    }
    Comparison.requireProbabilities(model, data);
    return new MovedSweep(model, data, options, layers, progress);
  }

  /** All layers, and what of them is followed. */
  public List<FollowedLayer> layers() {
    return layers;
  }

  /** The run all others are compared with. */
  public MovedPoint exact() {
    return exact;
  }

  /**
   * Runs the network in int8 with one threshold in all layers.
   *
   * @throws IllegalArgumentException if theta is not from 0 to 126
   */
  public MovedPoint above(int theta) {
    MovedPoint point = run(new MovedPoint.Int8(theta), int8().withMovementThreshold(theta));
    points.add(point);
    return point;
  }

  /**
   * Runs the network in int8 with a threshold in one layer, and 0 in the others.
   *
   * @throws IllegalArgumentException if theta is not from 0 to 126, or the network has no such
   *     layer
   */
  public MovedPoint above(String layer, int theta) {
    MovedPoint point =
        run(new MovedPoint.Int8Layer(layer, theta), int8().withMovementThreshold(layer, theta));
    ofLayers.add(point);
    return point;
  }

  /** All runs so far. */
  public MovedResult result() {
    return new MovedResult(exact, points, ofLayers);
  }

  private PlanOptions int8() {
    return options.withWeights(WeightFormat.I8);
  }

  private MovedPoint run(MovedPoint.Weights weights, PlanOptions changed) {
    return MovedPoint.of(weights, comparison.run(model, changed));
  }
}
