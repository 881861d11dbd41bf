package io.github.stillgate.tuning;

/**
 * What one estimated layer did in a run, beside the dense layer on the same inputs. Immutable.
 *
 * @param name of the layer
 * @param inputs d, or 1 where they are tokens, since a token is one column
 * @param units h
 * @param rank k
 * @param tau what its threshold is
 * @param signs how scores and units went together
 * @param relativeError norm of what the mask lost, over the norm of what the dense layer gave: root
 *     of sum (y - relu(W x + b))^2 over sum relu(W x + b)^2
 * @param cost with the estimate
 * @param denseCost without
 */
public record DenseLayerPoint(
    String name,
    int inputs,
    int units,
    int rank,
    float tau,
    DensePoint.Signs signs,
    double relativeError,
    DensePoint.Cost cost,
    DensePoint.Cost denseCost) {
  /**
   * What the layer can gain at most, in weights read: gamma of the dissertation's eq. 3.8 without
   * its terms of lower order, {@code d h / (k (d + h) + alpha d h)}.
   */
  public double bound() {
    return weights() / estimatedWeights();
  }

  /** {@code d h}. */
  double weights() {
    return (double) inputs * units;
  }

  /** {@code k (d + h) + alpha d h}. */
  double estimatedWeights() {
    return (double) rank * ((double) inputs + units) + signs.liveFraction() * weights();
  }
}
