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
  private final Recipe.Schedule schedule;
  private final NDArray mean;
  private final NDArray variance;
  private final NDArray scale;
  private final NDArray shift;

  /** Batch norm's own addend; s is added behind it. */
  private final NDArray zero;

  private final NDArray epsilon;

  /**
   * Constants of the penalty. As numbers they would be closed as soon as they were used, and their
   * memory freed, while autograd still reads it in the backward pass.
   */
  private final NDArray sharpness;

  private final NDArray target;
  private final NDArray weight;
  private @Nullable NDArray softLive;
  private int steps;

  /** Share of the population's statistics in this update, 0 to 1. */
  private float population;

  GateNorm(Parameters parameters, String name, int gates, Recipe recipe) {
    this(parameters, name, gates, recipe.shift(), recipe.schedule());
  }

  private GateNorm(
      Parameters parameters,
      String name,
      int gates,
      Recipe.Shift recipe,
      Recipe.Schedule schedule) {
    this.recipe = recipe;
    this.schedule = schedule;
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
    this.zero = mean.zerosLike();
    this.epsilon = mean.getManager().create(EPSILON);
  }

  /** Sets s for an update, unless it is learned, and whose statistics hold. */
  void beginUpdate(int update) {
    population = schedule.populationAt(update);
    if (!recipe.learns() && recipe.annealing() > 0) {
      float[] values = new float[(int) shift.size()];
      java.util.Arrays.fill(values, recipe.at(update));
      shift.set(values);
    }
  }

  /** Pre-activations a of one step, (batch, gates). */
  NDArray normalise(NDArray v, boolean training) {
    boolean corrected = training && population > 0;
    Correction correction = corrected ? correction(v.stopGradient()) : null;
    NDArray a =
        v.getNDArrayInternal()
            .batchNorm(v, mean, variance, scale, zero, 1, DJL_MOMENTUM, EPSILON, training)
            .singletonOrThrow();
    if (correction != null) {
      a = a.mul(correction.factor).add(correction.addend);
    }
    a = a.add(shift);
    if (training && recipe.learns()) {
      NDArray live = a.mul(sharpness).getNDArrayInternal().sigmoid().mean();
      softLive = softLive == null ? live : softLive.add(live);
      steps++;
    }
    return a;
  }

  private record Correction(NDArray factor, NDArray addend) {}

  /**
   * What turns a value normalised by its batch into one normalised by the population, or some of
   * the way there. The gradient passes through the statistics of the batch and takes these two for
   * constants: batch renormalisation (Ioffe 2017, algorithm 1), whose limits are here a share that
   * grows to 1, since in the end no difference may be left.
   */
  private Correction correction(NDArray v) {
    NDArray batchMean = v.mean(new int[] {0});
    NDArray centred = v.sub(batchMean);
    NDArray batchDeviation = centred.mul(centred).mean(new int[] {0}).add(epsilon).sqrt();
    // A result lives as long as its first operand's manager: the window's, or nobody would free it.
    NDArray deviation = v.getManager().create(EPSILON).add(variance).sqrt();
    NDArray share = v.getManager().create(population);
    NDArray one = v.getManager().create(1f);
    NDArray factor = batchDeviation.div(deviation).sub(one).mul(share).add(one);
    NDArray addend = batchMean.sub(mean).div(deviation).mul(share);
    return new Correction(factor, addend);
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
