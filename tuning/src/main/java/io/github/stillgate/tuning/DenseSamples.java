package io.github.stillgate.tuning;

import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.PlanOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a dense layer with relu reads in the exact run over the first steps of data, and which of
 * its units are above 0. Scores of estimates are formed in float64. Immutable.
 */
final class DenseSamples {
  /** Enough for thousands of positive units; more would only take longer. */
  private static final int STEPS = 2_000;

  /** What a threshold stays below the score that it must let through: more than float32 rounds. */
  private static final double BELOW = 1e-5;

  private final Dense layer;
  private final List<float[]> inputs = new ArrayList<>();
  private final List<BitSet> positive = new ArrayList<>();

  private DenseSamples(Dense layer) {
    this.layer = layer;
  }

  /**
   * Samples of some layers of {@code model}.
   *
   * @param layers their places; each is a {@link Dense} with relu
   */
  static Map<Integer, DenseSamples> of(
      Model model, List<Integer> layers, TuningData data, PlanOptions options) {
    Map<Integer, DenseSamples> samples = new HashMap<>();
    for (int at : layers) {
      samples.put(at, new DenseSamples((Dense) model.layers().get(at)));
    }
    try (LayerChain chain = new LayerChain(model, options)) {
      for (TuningData.Sequence sequence : data.first(STEPS).sequences()) {
        chain.reset();
        for (int step = 0; step < sequence.steps(); step++) {
          for (int at = 0; at < model.layers().size(); at++) {
            float[] y = chain.step(at, sequence, step);
            DenseSamples ofLayer = samples.get(at);
            if (ofLayer != null) {
              ofLayer.add(
                  at == 0 ? vector(sequence, step, model.inputs()) : chain.output(at - 1).clone(),
                  y);
            }
          }
        }
      }
    }
    return samples;
  }

  private static float[] vector(TuningData.Sequence sequence, int step, int width) {
    return switch (sequence) {
      case TuningData.Vectors(float[][] vectors) -> vectors[step];
      case TuningData.Tokens(int[] tokens) -> {
        float[] oneHot = new float[width];
        oneHot[tokens[step]] = 1;
        yield oneHot;
      }
    };
  }

  private void add(float[] x, float[] y) {
    BitSet above = new BitSet(y.length);
    for (int i = 0; i < y.length; i++) {
      above.set(i, y[i] > 0);
    }
    inputs.add(x);
    positive.add(above);
  }

  /**
   * The largest tau under which a share of the positive units has a score above 0; 0 if no unit is
   * positive.
   *
   * @param estimated the layer with tau = 0
   */
  float tau(ConditionalDense estimated, double share) {
    int count = positive.stream().mapToInt(BitSet::cardinality).sum();
    if (count == 0) {
      return 0;
    }
    double[] scores = new double[count];
    int at = 0;
    Scores of = new Scores(estimated.estimate());
    for (int t = 0; t < inputs.size(); t++) {
      of.at(inputs.get(t));
      BitSet above = positive.get(t);
      for (int i = above.nextSetBit(0); i >= 0; i = above.nextSetBit(i + 1)) {
        scores[at++] = of.scores[i];
      }
    }
    Arrays.sort(scores);
    double passed = scores[Math.min(count - 1, count - (int) Math.ceil(share * count))];
    return (float) (passed - BELOW * Math.max(1, Math.abs(passed)));
  }

  /**
   * The share of scores whose sign is that of the unit, for the estimates of rank 1, 2, ..., k that
   * the factors can be cut to, tau = 0.
   */
  double[] agreements(DenseFactors factors) {
    ConditionalDense.Estimate estimate = factors.estimated(0).estimate();
    int units = layer.outputs();
    float[] u = estimate.u().toArray();
    int rank = estimate.rank();
    Scores of = new Scores(estimate);
    long[] agree = new long[rank];
    double[] scores = new double[units];
    for (int t = 0; t < inputs.size(); t++) {
      double[] narrow = of.narrow(inputs.get(t));
      BitSet above = positive.get(t);
      of.shift(scores);
      for (int k = 0; k < rank; k++) {
        for (int i = 0; i < units; i++) {
          scores[i] += u[i * rank + k] * narrow[k];
          agree[k] += scores[i] > 0 == above.get(i) ? 1 : 0;
        }
      }
    }
    double all = (double) units * inputs.size();
    return Arrays.stream(agree).mapToDouble(number -> number / all).toArray();
  }

  /** An estimate at work in float64. */
  private static final class Scores {
    private final Matrix e;
    private final float[] v;
    private final float[] u;
    private final double[] narrow;
    private final double[] scores;

    Scores(ConditionalDense.Estimate estimate) {
      this.e = estimate.e();
      this.v = estimate.v().toArray();
      this.u = estimate.u().toArray();
      this.narrow = new double[estimate.rank()];
      this.scores = new double[estimate.u().rows()];
    }

    /** {@code V x}. */
    private double[] narrow(float[] x) {
      for (int k = 0; k < narrow.length; k++) {
        double sum = 0;
        for (int j = 0; j < x.length; j++) {
          sum += (double) v[k * x.length + j] * x[j];
        }
        narrow[k] = sum;
      }
      return narrow;
    }

    private void shift(double[] to) {
      for (int i = 0; i < to.length; i++) {
        to[i] = e.at(i, 0);
      }
    }

    /** Leaves {@code U (V x) + e} in the scores. */
    private void at(float[] x) {
      narrow(x);
      shift(scores);
      for (int i = 0; i < scores.length; i++) {
        for (int k = 0; k < narrow.length; k++) {
          scores[i] += u[i * narrow.length + k] * narrow[k];
        }
      }
    }
  }
}
