package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import java.util.ArrayList;
import java.util.List;

/**
 * What of a layer an int8 plan multiplies only when it moved. Immutable.
 *
 * @param name of the layer
 * @param columns what it multiplies
 */
public record FollowedLayer(String name, Plan.Columns columns) {
  /**
   * All layers of a network, in its order.
   *
   * @param options of the plan; their weights are not used
   */
  public static List<FollowedLayer> of(Model model, PlanOptions options) {
    List<FollowedLayer> layers = new ArrayList<>();
    try (Plan plan = Plan.compile(model, options.withWeights(WeightFormat.I8))) {
      for (Layer layer : model.layers()) {
        layers.add(new FollowedLayer(layer.name(), plan.columns(layers.size())));
      }
    }
    return layers;
  }

  /** Whether a threshold changes anything in it. */
  public boolean isFollowed() {
    return columns.followed() > 0;
  }

  /** Whether nothing in it is multiplied whole in each step. */
  public boolean followsAll() {
    return columns.followed() == columns.all();
  }
}
