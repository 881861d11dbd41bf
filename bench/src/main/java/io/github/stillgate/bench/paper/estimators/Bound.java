package io.github.stillgate.bench.paper.estimators;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import java.util.ArrayList;
import java.util.List;

/**
 * How many times fewer weights an estimated network reads (the dissertation's eq. 3.8 and 3.9, in
 * weights): a layer d x h with an estimate of rank k and the share alpha of its units live reads
 * {@code k (d + h) + alpha d h} of {@code d h}; a network is the sum of its layers over the sum.
 */
final class Bound {
  private Bound() {}

  /** Of one layer. */
  static double layer(int d, int h, int k, double alpha) {
    return (double) d * h / (k * ((double) d + h) + alpha * d * h);
  }

  /**
   * Of a whole network; its dense layers are read in full by both.
   *
   * @param live alpha of each layer, read where the layer is a {@link ConditionalDense}
   */
  static double network(Model model, double[] live) {
    double all = 0;
    double read = 0;
    for (int l = 0; l < live.length; l++) {
      Layer layer = model.layers().get(l);
      double size = (double) layer.inputs() * layer.outputs();
      all += size;
      read +=
          layer instanceof ConditionalDense c
              ? size / layer(c.inputs(), c.outputs(), c.estimate().rank(), live[l])
              : size;
    }
    return all / read;
  }

  /** The same weights with every unit computed and no estimate. */
  static Model dense(Model model) {
    List<Layer> layers = new ArrayList<>();
    for (Layer layer : model.layers()) {
      layers.add(
          layer instanceof ConditionalDense c
              ? new Dense(c.name(), c.w(), c.b(), Activation.RELU)
              : layer);
    }
    return new Model(layers);
  }
}
