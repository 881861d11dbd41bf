package io.github.stillgate.tuning;

import java.util.List;
import java.util.OptionalDouble;

/**
 * One run of a {@link DenseSweep}: a network with estimates, what it cost, and how far its outputs
 * were from those of the exact run. Immutable.
 *
 * @param ranks of the layers that can be estimated; 0 for one that was left as it was, and all 0
 *     for the exact run
 * @param share of the units above 0 that thresholds were chosen to find; 0 for no threshold
 * @param layers what each estimated layer did
 * @param cost of the whole network
 * @param bound how many times the weight bytes of the exact network are those of this one at the
 *     measured live fractions, padding not counted, as {@link DenseLayerPoint#bound}
 * @param largestError largest difference of an output from the exact run
 * @param rmsError root of the mean squared difference over all outputs of all steps
 * @param sameLargest share of the steps whose largest output is the same one as in the exact run
 * @param bitsPerToken mean of -log2 p(next token), or empty if the outputs predict no tokens
 */
public record DensePoint(
    List<Integer> ranks,
    double share,
    List<DenseLayerPoint> layers,
    Cost cost,
    double bound,
    double largestError,
    double rmsError,
    double sameLargest,
    OptionalDouble bitsPerToken) {
  /** Copies the lists. */
  public DensePoint {
    ranks = List.copyOf(ranks);
    layers = List.copyOf(layers);
  }

  /**
   * What a step costs.
   *
   * @param bytesPerStep weight bytes read, mean
   * @param medianMicros median time in microseconds, the lower one of two
   */
  public record Cost(double bytesPerStep, double medianMicros) {}

  /** The signs of all estimated layers together. */
  public Signs signs() {
    return layers.stream().map(DenseLayerPoint::signs).reduce(Signs.NONE, Signs::plus);
  }

  /**
   * How the signs of scores and units went together.
   *
   * @param cases units times steps
   * @param positive units above 0 in the dense layer on the same input
   * @param live scores above 0
   * @param found both
   */
  public record Signs(long cases, long positive, long live, long found) {
    static final Signs NONE = new Signs(0, 0, 0, 0);

    Signs plus(Signs other) {
      return new Signs(
          cases + other.cases, positive + other.positive, live + other.live, found + other.found);
    }

    private double share(long number) {
      return cases == 0 ? 0 : (double) number / cases;
    }

    /** alpha: the share of all cases that is live, and so read; 1 if there is no case. */
    public double liveFraction() {
      return cases == 0 ? 1 : share(live);
    }

    /** The share of all cases that is above 0 and not live: activations that are lost. */
    public double falseNegatives() {
      return share(positive - found);
    }

    /** The share of all cases that is live and not above 0: read in vain. */
    public double falsePositives() {
      return share(live - found);
    }
  }
}
