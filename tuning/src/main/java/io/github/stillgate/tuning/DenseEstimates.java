package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.PlanOptions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Turns dense layers with relu into estimated ones ({@link ConditionalDense}) by the singular value
 * decomposition of W, whatever network they are in (Davis, 2016, chapter 3). The network that comes
 * out is another one: what an estimate overlooks is 0. A network that was trained with estimates
 * loses little by it, one that was not loses what a {@link DenseSweep} shows.
 *
 * <p>Factors are made once for each layer and rank, and the samples of data that thresholds and
 * ranks are found on once, when first needed. Use by one thread at a time. See {@code
 * docs/skipping.md}.
 */
public final class DenseEstimates {
  /** A share for {@link #of}: no threshold, tau = 0, as in the dissertation's experiments. */
  public static final double NO_THRESHOLD = 0;

  private final Model model;
  private final TuningData data;
  private final PlanOptions options;
  private final List<Integer> places = new ArrayList<>();
  private final Map<List<Integer>, DenseFactors> factors = new HashMap<>();
  private @Nullable Map<Integer, DenseSamples> samples;

  /**
   * Computes nothing yet.
   *
   * @param data its first 2,000 steps are what thresholds and ranks are found on
   * @param options of the plans that the network is run in for that
   */
  public DenseEstimates(Model model, TuningData data, PlanOptions options) {
    this.model = model;
    this.data = data;
    this.options = options;
    for (int at = 0; at < model.layers().size(); at++) {
      if (canBeEstimated(model.layers().get(at))) {
        places.add(at);
      }
    }
  }

  /** Whether a layer is dense with relu, so that an estimate can say which units are 0. */
  private static boolean canBeEstimated(Layer layer) {
    return layer instanceof Dense dense && dense.activation().equals(Activation.RELU);
  }

  /** The layers that can be estimated, in the network's order; layers within others cannot. */
  public static List<Dense> layers(Model model) {
    return model.layers().stream()
        .filter(DenseEstimates::canBeEstimated)
        .map(Dense.class::cast)
        .toList();
  }

  /** The network without estimates. */
  public Model model() {
    return model;
  }

  /** Where the layers that can be estimated stand in the network. */
  List<Integer> places() {
    return places;
  }

  /**
   * The network with estimates.
   *
   * @param ranks k for each of {@link #layers}; 0 leaves the layer as it is
   * @param share of the units above 0 that the estimate of each layer must find on the data, by
   *     which its threshold tau is chosen, above 0 and at most 1; or {@link #NO_THRESHOLD}
   * @throws IllegalArgumentException if there are not as many ranks as layers, a rank is not from 0
   *     to the smaller side of its layer's matrix, the share is out of range, or the network does
   *     not read the data
   */
  public Model of(List<Integer> ranks, double share) {
    if (!(share >= 0 && share <= 1)) {
      throw new IllegalArgumentException(
          "share %s; expected a number above 0 and at most 1, or 0 for no threshold"
              .formatted(share));
    }
    requireRanks(ranks);
    List<Layer> layers = new ArrayList<>(model.layers());
    for (int i = 0; i < places.size(); i++) {
      int at = places.get(i);
      if (ranks.get(i) > 0) {
        DenseFactors ofLayer = factors(at, ranks.get(i));
        ConditionalDense plain = ofLayer.estimated(0);
        layers.set(
            at, share == NO_THRESHOLD ? plain : ofLayer.estimated(samples(at).tau(plain, share)));
      }
    }
    return Estimates.withLayers(model, layers);
  }

  /**
   * Refuses ranks that {@link #of} would.
   *
   * @throws IllegalArgumentException if there are not as many as layers, or one is out of range
   */
  public void requireRanks(List<Integer> ranks) {
    if (ranks.size() != places.size()) {
      throw new IllegalArgumentException(
          "%d ranks %s for %d layers that can be estimated: %s"
              .formatted(ranks.size(), ranks, places.size(), names()));
    }
    for (int i = 0; i < places.size(); i++) {
      Dense layer = dense(places.get(i));
      int most = Math.min(layer.inputs(), layer.outputs());
      if (ranks.get(i) < 0 || ranks.get(i) > most) {
        throw new IllegalArgumentException(
            "rank %d is not from 1 to %d, the smaller side of W of layer %s, nor 0, which leaves the"
                    .formatted(ranks.get(i), most, layer.name())
                + " layer as it is");
      }
    }
  }

  private List<String> names() {
    return places.stream().map(at -> dense(at).name()).toList();
  }

  private Dense dense(int at) {
    return (Dense) model.layers().get(at);
  }

  private DenseFactors factors(int at, int rank) {
    return factors.computeIfAbsent(List.of(at, rank), _ -> DenseFactors.of(dense(at), rank));
  }

  private DenseSamples samples(int at) {
    if (samples == null) {
      samples = DenseSamples.of(model, places, data, options);
    }
    return samples.get(at);
  }

  /**
   * The smallest rank of each layer with which the signs of scores and units agree in a share of
   * all cases on the data, no threshold (the adaptive rank that the dissertation leaves to later
   * work).
   *
   * @param agreement above 0 and at most 1
   * @throws IllegalArgumentException if the agreement is out of range, or no rank of a layer with
   *     which an estimate has fewer weights than the layer reaches it
   */
  public List<Integer> ranks(double agreement) {
    if (!(agreement > 0 && agreement <= 1)) {
      throw new IllegalArgumentException(
          "agreement %s; expected a number above 0 and at most 1".formatted(agreement));
    }
    return places.stream().map(at -> rank(at, agreement)).toList();
  }

  private int rank(int at, double agreement) {
    Dense layer = dense(at);
    long d = layer.inputs();
    long h = layer.outputs();
    int most = (int) Math.max(1, (d * h - 1) / (d + h));
    double best = 0;
    for (int tried = Math.min(32, most); ; tried = Math.min(2 * tried, most)) {
      double[] agreements = samples(at).agreements(factors(at, tried));
      for (int k = 1; k <= tried; k++) {
        // Factors that are made for this rank alone are those that will run.
        if (agreements[k - 1] >= agreement
            && samples(at).agreements(factors(at, k))[k - 1] >= agreement) {
          return k;
        }
        best = Math.max(best, agreements[k - 1]);
      }
      if (tried == most) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "layer %s: signs agree in %.4f of all cases at best with a rank up to %d, where an"
                    + " estimate has as many weights as the layer; ask for less than %s",
                layer.name(),
                best,
                most,
                agreement));
      }
    }
  }
}
