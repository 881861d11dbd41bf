package io.github.stillgate.importers.torch;

import java.util.Arrays;

/**
 * A batch norm in inference: {@code y_i = scale_i x_i + shift_i} with {@code scale = weight /
 * sqrt(running_var + eps)} and {@code shift = bias - scale running_mean}, in float64.
 *
 * @param name what it is called
 * @param scale one value for each of its inputs
 * @param shift as many
 */
record BatchNorm(String name, double[] scale, double[] shift) {
  private static final double USUAL_EPSILON = 1e-5;

  private static final String MEAN = "running_mean";
  private static final String VARIANCE = "running_var";

  /**
   * Reads the module. Without {@code affine} its weight is 1 and its bias 0.
   *
   * @throws IllegalArgumentException if a tensor is missing or has another length than the others,
   *     or a variance is no positive number
   */
  static BatchNorm read(Parameters parameters, LayerRequest request) {
    String weight = request.tensor("weight");
    String bias = request.tensor("bias");
    String mean = request.tensor(MEAN);
    String variance = request.tensor(VARIANCE);
    if (!parameters.has(variance) || !parameters.has(mean)) {
      throw new IllegalArgumentException(
          "%s has no %s and %s, so it is no BatchNorm that keeps statistics; a LayerNorm, a GroupNorm or"
                  .formatted(request, MEAN, VARIANCE)
              + " a BatchNorm with track_running_stats=False takes them from the values of each step,"
              + " which no layer of a chain does");
    }
    if (parameters.has(weight) != parameters.has(bias)) {
      throw new IllegalArgumentException(
          "%s is missing, while there is %s; a BatchNorm has both or none, so save the whole state dict"
              .formatted(
                  parameters.has(weight) ? bias : weight, parameters.has(weight) ? weight : bias));
    }
    double[] variances = parameters.vector(variance).toDoubles();
    int width = variances.length;
    double[] means = parameters.vector(mean, width).toDoubles();
    double[] scale = new double[width];
    Arrays.fill(scale, 1);
    double[] shift = new double[width];
    if (parameters.has(weight)) {
      scale = parameters.vector(weight, width).toDoubles();
      shift = parameters.vector(bias, width).toDoubles();
    }
    parameters.skip(request.tensor("num_batches_tracked"));
    double epsilon = request.epsilon().orElse(USUAL_EPSILON);
    for (int i = 0; i < width; i++) {
      if (!(variances[i] >= 0) || !(variances[i] + epsilon > 0)) {
        throw new IllegalArgumentException(
            "%s: value %d is %s, and eps %s; expected a variance from 0 on, above 0 with eps"
                .formatted(variance, i, variances[i], epsilon));
      }
      scale[i] /= Math.sqrt(variances[i] + epsilon);
      shift[i] -= scale[i] * means[i];
    }
    return new BatchNorm(request.layerName(), scale, shift);
  }

  int width() {
    return scale.length;
  }

  /** This, and then {@code next}, which is as wide. */
  BatchNorm then(BatchNorm next) {
    double[] scales = new double[width()];
    double[] shifts = new double[width()];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = next.scale[i] * scale[i];
      shifts[i] = next.scale[i] * shift[i] + next.shift[i];
    }
    return new BatchNorm(name, scales, shifts);
  }

  /** Equal name and values. */
  @Override
  public boolean equals(Object other) {
    return other instanceof BatchNorm b
        && name.equals(b.name)
        && Arrays.equals(scale, b.scale)
        && Arrays.equals(shift, b.shift);
  }

  @Override
  public int hashCode() {
    return 31 * name.hashCode() + Arrays.hashCode(scale);
  }

  @Override
  public String toString() {
    return "batch norm %s of %d values".formatted(name, width());
  }
}
