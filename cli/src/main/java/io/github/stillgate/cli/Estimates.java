package io.github.stillgate.cli;

import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes a network's gates guessable: decomposes and measures each layer once, for all ranks. */
final class Estimates {
  private final Model model;
  private final TuneData data;
  private final PlanOptions options;
  private final double share;
  private final Map<Integer, LowRankGate> gates = new HashMap<>();
  private final Map<Integer, GateCalibration> calibrations = new HashMap<>();

  Estimates(Model model, TuneData data, PlanOptions options, double share) {
    this.model = model;
    this.data = data;
    this.options = options;
    this.share = share;
  }

  /**
   * Refuses a rank under which estimates would not be cheap.
   *
   * @throws IllegalArgumentException if it is below 1 or not below the units of every layer
   */
  void check(int rank) {
    for (Layer layer : model.layers()) {
      if (isEstimated(layer) && (rank < 1 || rank >= layer.outputs())) {
        throw new IllegalArgumentException(
            "--ranks: %s is not between 1 and the %s units of layer %s, exclusive"
                .formatted(rank, layer.outputs(), layer.name()));
      }
    }
  }

  /** The network with estimates of this rank, calibrated for this epsilon. */
  Model of(int rank, float epsilon) {
    List<Layer> layers = new ArrayList<>(model.layers());
    for (int at = 0; at < layers.size(); at++) {
      if (isEstimated(layers.get(at))) {
        Gru layer = (Gru) layers.get(at);
        LowRankGate gate = gates.computeIfAbsent(at, _ -> new LowRankGate(layer));
        GateCalibration calibration =
            calibrations.computeIfAbsent(
                at, layerAt -> new GateCalibration(model, layerAt, data, options));
        layers.set(
            at, layer.withEstimate(calibration.calibrated(gate.estimate(rank), epsilon, share)));
      }
    }
    return model
        .vocabulary()
        .map(vocabulary -> new Model(layers, vocabulary))
        .orElseGet(() -> new Model(layers));
  }

  /** At the top of a network, where tune takes no other. */
  private static boolean isEstimated(Layer layer) {
    return layer instanceof Gru && Skipping.below(0.5f).approximates(layer);
  }
}
