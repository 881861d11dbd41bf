package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.PlanOptions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Estimates of the gates of all of a network's GRU layers that approximate skipping applies to:
 * factors and calibration of each layer, made once for all ranks and epsilons, when first needed.
 * Use by one thread at a time; the models it returns are immutable as all are. See {@code
 * docs/skipping.md}.
 */
public final class Estimates {
  private final Model model;
  private final TuningData data;
  private final PlanOptions options;
  private final double share;
  private final Map<Integer, EstimateFactors> factors = new HashMap<>();
  private final Map<Integer, EstimateCalibration> calibrations = new HashMap<>();

  /**
   * Computes nothing yet.
   *
   * @param data what the estimates are calibrated on; see {@link EstimateCalibration}
   * @param options of the plans that calibration runs
   * @param share of the units that move which an estimate must not overlook while it is calibrated,
   *     above 0 and at most 1; 0.99 is a good first choice
   * @throws IllegalArgumentException if the share is out of range
   */
  public Estimates(Model model, TuningData data, PlanOptions options, double share) {
    EstimateCalibration.requireShare(share);
    this.model = model;
    this.data = data;
    this.options = options;
    this.share = share;
  }

  /** The network without the estimates. */
  public Model model() {
    return model;
  }

  /** The layers that estimates are made for, in the network's order. */
  public static List<Gru> layers(Model model) {
    List<Gru> layers = new ArrayList<>();
    for (Layer layer : model.layers()) {
      if (isEstimated(layer)) {
        layers.add((Gru) layer);
      }
    }
    return layers;
  }

  /**
   * The network with estimates of one rank, calibrated for one epsilon; estimates that it had are
   * replaced. Exact runs of it have the bits of the network without them.
   *
   * @param rank k: an estimate is k (d + 2 n) weights in place of the n (d + n) of the gate
   * @param epsilon of the {@link io.github.stillgate.core.plan.Skipping#below} it will run with
   * @throws IllegalArgumentException if the rank is below 1 or not below the units of every
   *     estimated layer, epsilon is not above 0 and below 1, or the network does not read the data
   */
  public Model of(int rank, float epsilon) {
    for (Gru layer : layers(model)) {
      if (rank < 1 || rank >= layer.outputs()) {
        throw new IllegalArgumentException(
            "rank %s is not between 1 and the %s units of layer %s, exclusive"
                .formatted(rank, layer.outputs(), layer.name()));
      }
    }
    List<Layer> layers = new ArrayList<>(model.layers());
    for (int at = 0; at < layers.size(); at++) {
      if (isEstimated(layers.get(at))) {
        Gru layer = (Gru) layers.get(at);
        EstimateFactors ofLayer = factors.computeIfAbsent(at, _ -> new EstimateFactors(layer));
        EstimateCalibration calibration =
            calibrations.computeIfAbsent(
                at, layerAt -> new EstimateCalibration(model, layerAt, data, options));
        layers.set(
            at, layer.withEstimate(calibration.calibrated(ofLayer.estimate(rank), epsilon, share)));
      }
    }
    return withLayers(model, layers);
  }

  /** A network of other layers with the vocabulary of {@code model}, and its scales for them. */
  static Model withLayers(Model model, List<Layer> layers) {
    Chains.require(model);
    return model
        .vocabulary()
        .map(vocabulary -> new Model(layers, vocabulary))
        .orElseGet(() -> new Model(layers))
        .withOperandScales(model.operandScales().of(layers));
  }

  /** At the top of a network: layers within others read sequences from their end. */
  private static boolean isEstimated(Layer layer) {
    return layer instanceof Gru && Sweep.approximates(layer);
  }
}
