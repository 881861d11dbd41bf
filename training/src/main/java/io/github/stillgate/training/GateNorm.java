package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import org.jspecify.annotations.Nullable;

/**
 * The batch norm of eq. 7 over a layer's gates: divided by the standard deviation, and s added. s
 * is one number that may be annealed, or a learned one for each gate under a penalty on the live
 * fraction.
 */
final class GateNorm {
  /**
   * Bounds the factor 1 / sqrt(var + epsilon) by 32. A gate whose bottleneck is dead has variance
   * 0; with 1e-5 and its factor of 316 the gradient through 50 steps left float32.
   */
  private static final float EPSILON = 1e-3f;

  /**
   * Weight of one step in the population statistics: they average some four updates of 50 steps.
   */
  private static final float MOMENTUM = 5e-3f;

  /** DJL means by momentum the weight of what was there before, and hands PyTorch the rest. */
  private static final float DJL_MOMENTUM = 1 - MOMENTUM;

  /**
   * Width of the soft threshold that stands for "live" in the penalty, in standard deviations of a
   * gate: narrow enough that its mean is the live fraction within a percent or two.
   */
  private static final float SOFTNESS = 0.25f;

  private final Recipe.Shift recipe;
  private final NDArray mean;
  private final NDArray variance;
  private final NDArray scale;
  private final NDArray shift;

  /** What batch norm itself adds: s, or 0 where it is learned and added behind. */
  private final NDArray fixedShift;

  /**
   * Constants of the penalty. As numbers they would be closed as soon as they were used, and their
   * memory freed, while autograd still reads it in the backward pass.
   */
  private final NDArray sharpness;

  private final NDArray target;
  private final NDArray weight;
  private @Nullable NDArray softLive;
  private int steps;

  GateNorm(Parameters parameters, String name, int gates, Recipe.Shift recipe) {
    this.recipe = recipe;
    this.mean = parameters.statistic(name + ".mean", gates, 0);
    this.variance = parameters.statistic(name + ".variance", gates, 1);
    this.scale = mean.getManager().ones(mean.getShape());
    this.shift =
        recipe.learns()
            ? parameters.full(name + ".shift", gates, recipe.value())
            : parameters.statistic(name + ".shift", gates, recipe.at(0));
    this.sharpness = mean.getManager().create(1 / SOFTNESS);
    this.target = mean.getManager().create(recipe.targetLive());
    this.weight = mean.getManager().create(recipe.penalty());
    this.fixedShift = recipe.learns() ? mean.zerosLike() : shift;
  }

  /** Sets s for an update, unless it is learned. */
  void beginUpdate(int update) {
    if (!recipe.learns() && recipe.annealing() > 0) {
      float[] values = new float[(int) shift.size()];
      java.util.Arrays.fill(values, recipe.at(update));
      shift.set(values);
    }
  }

  /** Pre-activations a of one step, (batch, gates). */
  NDArray normalise(NDArray v, boolean training) {
    NDArray a =
        v.getNDArrayInternal()
            .batchNorm(v, mean, variance, scale, fixedShift, 1, DJL_MOMENTUM, EPSILON, training)
            .singletonOrThrow();
    if (recipe.learns()) {
      a = a.add(shift);
    }
    if (training && recipe.learns()) {
      NDArray live = a.mul(sharpness).getNDArrayInternal().sigmoid().mean();
      softLive = softLive == null ? live : softLive.add(live);
      steps++;
    }
    return a;
  }

  /** {@code penalty * (live - target)^2} over the steps since the last call, or null. */
  @Nullable NDArray penalty() {
    if (softLive == null) {
      return null;
    }
    NDArray perStep = softLive.getManager().create(1f / steps);
    NDArray excess = softLive.mul(perStep).sub(target);
    softLive = null;
    steps = 0;
    return excess.mul(excess).mul(weight);
  }

  /** With the population's statistics, a = k v + offset: k for each gate. */
  double[] factors() {
    float[] variances = variance.toFloatArray();
    double[] k = new double[variances.length];
    for (int i = 0; i < k.length; i++) {
      k[i] = 1 / Math.sqrt((double) variances[i] + EPSILON);
    }
    return k;
  }

  /** See {@link #factors}. */
  double[] offsets() {
    double[] k = factors();
    float[] means = mean.toFloatArray();
    float[] shifts = shift.toFloatArray();
    for (int i = 0; i < k.length; i++) {
      k[i] = shifts[i] - k[i] * means[i];
    }
    return k;
  }
}
