package io.github.stillgate.bench.step;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.plan.WeightFormat;
import java.util.List;

/** Contenders of single layers in our backends. */
public final class LayerRows {
  private LayerRows() {}

  /** Every row and column multiplied in each step. */
  public static Contender whole(Layer layer, String backend, WeightFormat format) {
    return new OwnContender(
        new Model(List.of(layer)),
        PlanOptions.defaults()
            .withBackend(backend)
            .withWeights(format)
            .withSkipping(Skipping.NOTHING));
  }

  /**
   * An int8 layer whose states move as its inputs do, for {@link Feed#moving}.
   *
   * @param kind gru or lstm
   */
  public static Contender moved(String kind, int units, String backend) {
    return moved(new Model(List.of(DrivenLayer.of(Cell.of(kind), units))), backend);
  }

  /** Inputs proved to lie within [-1, 1] have a fixed scale, like states. */
  static Contender moved(Model driven, String backend) {
    return new OwnContender(
        driven,
        PlanOptions.defaults().withInputBound(1).withBackend(backend).withWeights(WeightFormat.I8));
  }
}
