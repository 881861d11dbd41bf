package io.github.stillgate.tuning;

import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.PlanOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Runs one network over the same data as it is and with estimates of its dense layers with relu
 * ({@link DenseEstimates}), and compares the outputs as {@link Sweep} does.
 *
 * <p>Errors and signs are the same in every run. Times are those of this machine, so sweep on an
 * idle one. A layer's time is that of a session of its own, which copies its inputs and outputs.
 * Use by one thread at a time. See {@code docs/skipping.md}.
 */
public final class DenseSweep implements AutoCloseable {
  private final Model model;
  private final TuningData data;
  private final PlanOptions options;
  private final IntConsumer progress;
  private final Comparison comparison;
  private final DensePoint exact;
  private final LayerChain dense;
  private final double[] zeroInputs;

  private DenseSweep(Model model, TuningData data, PlanOptions options, IntConsumer progress) {
    this.model = model;
    this.data = data;
    this.options = options;
    this.progress = progress;
    this.comparison = new Comparison(data, model.outputs(), progress);
    Comparison.Outcome outcome = comparison.run(model, options);
    List<Integer> none = Collections.nCopies(DenseEstimates.layers(model).size(), 0);
    this.exact = point(none, DenseEstimates.NO_THRESHOLD, List.of(), 1, outcome);
    this.dense = new LayerChain(model, options, outcome.crossovers());
    try {
      this.zeroInputs = countZeros();
    } catch (Throwable failure) {
      dense.close();
      throw failure;
    }
  }

  /**
   * Makes the exact run.
   *
   * @param options of every run
   * @param progress hears now and then how many steps were made since it last heard; {@link #runs}
   *     of each point
   * @throws IllegalArgumentException if the outputs to keep would take more than half of the heap,
   *     or no layer of the network can be estimated, or the network does not read such data
   * @throws UnsupportedOperationException if the data are tokens and the network reads vectors, or
   *     the network cannot be run step by step
   */
  public static DenseSweep of(
      Model model, TuningData data, PlanOptions options, IntConsumer progress) {
    if (DenseEstimates.layers(model).isEmpty()) {
      throw new IllegalArgumentException(
          "no layer of this network can be estimated: estimates are for dense layers with relu");
    }
    Comparison.requireProbabilities(model, data);
    return new DenseSweep(model, data, options, progress);
  }

  /** How often each point, and the exact network, goes through all data: whole, and by layers. */
  public static int runs() {
    return 2;
  }

  /** The run all others are compared with. */
  public DensePoint exact() {
    return exact;
  }

  /**
   * Runs the network with estimates.
   *
   * @param estimates made for the same network
   * @param ranks as {@link DenseEstimates#of} takes them
   * @param share as there
   * @throws IllegalArgumentException if {@code estimates} is for another network or refuses ranks
   *     or share
   */
  public DensePoint estimated(DenseEstimates estimates, List<Integer> ranks, double share) {
    if (estimates.model() != model) {
      throw new IllegalArgumentException(
          "the estimates are for another network than the sweep; make them from the same Model");
    }
    Model network = estimates.of(ranks, share);
    Comparison.Outcome outcome = comparison.run(network, options);
    List<DenseLayerPoint> layers = new ArrayList<>();
    long others = 0;
    double weights = 0;
    double estimatedWeights = 0;
    for (Measured measured : byLayers(network, outcome.crossovers())) {
      layers.add(measured.point());
      weights += measured.point().weights();
      estimatedWeights += measured.point().estimatedWeights();
    }
    for (int at = 0; at < network.layers().size(); at++) {
      if (!isEstimated(network, at)) {
        others += dense.denseBytes(at);
      }
    }
    double bound = (others + Float.BYTES * weights) / (others + Float.BYTES * estimatedWeights);
    return point(ranks, share, layers, bound, outcome);
  }

  private static DensePoint point(
      List<Integer> ranks,
      double share,
      List<DenseLayerPoint> layers,
      double bound,
      Comparison.Outcome outcome) {
    return new DensePoint(
        ranks,
        share,
        layers,
        new DensePoint.Cost(outcome.bytesPerStep(), outcome.medianMicros()),
        bound,
        outcome.largestError(),
        outcome.rmsError(),
        outcome.sameLargest(),
        outcome.bitsPerToken());
  }

  /** Whether the sweep put an estimate there; the network may have had others. */
  private boolean isEstimated(Model network, int at) {
    return network.layers().get(at) instanceof ConditionalDense
        && model.layers().get(at) instanceof Dense;
  }

  /**
   * How many times the weight bytes of the exact network are those of one that reads of every dense
   * layer only the columns of inputs that are not 0 in the exact run. Such a network gives the same
   * outputs, without an estimate, so this is what estimates must beat; it is counted here, not run:
   * it needs packs by columns.
   */
  public double zeroInputBound() {
    double all = 0;
    double read = 0;
    for (int at = 0; at < zeroInputs.length; at++) {
      all += dense.denseBytes(at);
      read += dense.denseBytes(at) * (1 - zeroInputs[at]);
    }
    return all / read;
  }

  /** Shares of inputs of each layer that are 0 in the exact run; 0 where it is not a dense one. */
  private double[] countZeros() {
    long[] zeros = new long[model.layers().size()];
    int steps = 0;
    for (TuningData.Sequence sequence : data.sequences()) {
      dense.reset();
      for (int step = 0; step < sequence.steps(); step++) {
        for (int at = 0; at < zeros.length; at++) {
          if (at > 0 && model.layers().get(at) instanceof Dense) {
            zeros[at] += zeros(dense.output(at - 1));
          } else if (at == 0
              && model.layers().get(0) instanceof Dense
              && sequence instanceof TuningData.Vectors(float[][] vectors)) {
            zeros[0] += zeros(vectors[step]);
          }
          dense.step(at, sequence, step);
        }
        tell(++steps);
      }
    }
    progress.accept(steps % Comparison.REPORTED);
    double[] shares = new double[zeros.length];
    for (int at = 0; at < shares.length; at++) {
      shares[at] = zeros[at] / ((double) steps * model.layers().get(at).inputs());
    }
    return shares;
  }

  private static int zeros(float[] values) {
    int zeros = 0;
    for (float value : values) {
      zeros += value == 0 ? 1 : 0;
    }
    return zeros;
  }

  private void tell(int steps) {
    if (steps % Comparison.REPORTED == 0) {
      progress.accept(Comparison.REPORTED);
    }
  }

  /** The layers of the network one by one, each estimated one beside the dense layer. */
  private List<Measured> byLayers(Model network, double[] crossovers) {
    List<Measured> measured = new ArrayList<>();
    try (LayerChain chain = new LayerChain(network, options, crossovers)) {
      for (int at = 0; at < network.layers().size(); at++) {
        if (isEstimated(network, at)) {
          measured.add(new Measured(chain, network, at));
        }
      }
      int steps = 0;
      for (TuningData.Sequence sequence : data.sequences()) {
        chain.reset();
        for (int step = 0; step < sequence.steps(); step++) {
          int next = 0;
          for (int at = 0; at < network.layers().size(); at++) {
            if (next < measured.size() && measured.get(next).at == at) {
              measured.get(next++).step(sequence, step);
            } else {
              chain.step(at, sequence, step);
            }
          }
          tell(++steps);
        }
      }
      progress.accept(steps % Comparison.REPORTED);
      measured.forEach(Measured::finish);
    }
    return measured;
  }

  @Override
  public void close() {
    dense.close();
  }

  /** One estimated layer beside the dense one. */
  private final class Measured {
    private final LayerChain chain;
    private final int at;
    private final Layer original;
    private final ConditionalDense layer;
    private final long[] nanos = new long[data.steps()];
    private final long[] denseNanos = new long[data.steps()];
    private int steps;
    private long positive;
    private long live;
    private long found;
    private double lost;
    private double all;
    private double bytes;

    Measured(LayerChain chain, Model network, int at) {
      this.chain = chain;
      this.at = at;
      this.original = model.layers().get(at);
      this.layer = (ConditionalDense) network.layers().get(at);
    }

    void step(TuningData.Sequence sequence, int step) {
      long begin = System.nanoTime();
      float[] y = chain.step(at, sequence, step);
      long between = System.nanoTime();
      float[] full = at == 0 ? dense.step(0, sequence, step) : dense.step(at, chain.output(at - 1));
      denseNanos[steps] = System.nanoTime() - between;
      nanos[steps++] = between - begin;
      live += chain.session(at).stats().liveUnits(0);
      for (int i = 0; i < y.length; i++) {
        positive += full[i] > 0 ? 1 : 0;
        found += y[i] > 0 ? 1 : 0;
        double error = (double) full[i] - y[i];
        lost += error * error;
        all += (double) full[i] * full[i];
      }
    }

    void finish() {
      Arrays.sort(nanos);
      Arrays.sort(denseNanos);
      bytes = (double) chain.session(at).stats().totalBytesRead() / steps;
    }

    DenseLayerPoint point() {
      boolean byToken = at == 0 && data.sequences().get(0) instanceof TuningData.Tokens;
      return new DenseLayerPoint(
          layer.name(),
          byToken ? 1 : layer.inputs(),
          layer.outputs(),
          layer.estimate().rank(),
          ((Dense) original).b().at(0, 0) - layer.estimate().e().at(0, 0),
          new DensePoint.Signs((long) steps * layer.outputs(), positive, live, found),
          all == 0 ? 0 : Math.sqrt(lost / all),
          new DensePoint.Cost(bytes, nanos[(steps - 1) / 2] / 1e3),
          new DensePoint.Cost(dense.denseBytes(at), denseNanos[(steps - 1) / 2] / 1e3));
    }
  }
}
