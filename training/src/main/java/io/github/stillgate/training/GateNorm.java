package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.jspecify.annotations.Nullable;

/**
 * The batch norm of eq. 7 over a layer's gates: divided by the standard deviation, and s added. s
 * is one number that may be annealed, or a learned one for each gate under a penalty on the live
 * fraction; or, as ordinary batch norm has it, with a learned scale for each gate too:
 *
 * <pre>
 *   a = gamma (v - mean) / sqrt(var + epsilon) + s
 * </pre>
 *
 * <p>A gamma is free where it can be folded into a matrix behind the bottleneck. In block and
 * hybrid gating it must pass through the bottleneck's relu, {@code k relu(v) = relu(k v)}, and so
 * must be positive: there it is {@code softplus(theta) + 1e-3} of a learned theta.
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

  /** Smallest scale of a block: what reads the bottleneck beside its gate is divided by it. */
  private static final double SMALLEST_SCALE = 1e-3;

  private final Recipe.Shift recipe;
  private final Recipe.Schedule schedule;
  private final NDArray mean;
  private final NDArray variance;
  private final NDArray shift;

  /** gamma, or theta where gamma must be positive; null where the scale is 1. */
  private final @Nullable NDArray learnedScale;

  private final boolean positive;
  private final NDArray smallestScale;

  /** PyTorch's own scale and addend; gamma and s follow behind it. */
  private final NDArray ones;

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
    this.recipe = recipe.shift();
    this.schedule = recipe.schedule();
    this.mean = parameters.statistic(name + ".mean", gates, 0);
    this.variance = parameters.statistic(name + ".variance", gates, 1);
    this.shift =
        this.recipe.learns()
            ? parameters.full(name + ".shift", gates, this.recipe.value())
            : parameters.statistic(name + ".shift", gates, this.recipe.at(0));
    Recipe.Cell cell = recipe.network().cell();
    this.positive = cell == Recipe.Cell.BLOCK || cell == Recipe.Cell.HYBRID;
    this.learnedScale =
        this.recipe.batchNorm()
            ? parameters.full(name + ".scale", gates, positive ? thetaOfOne() : 1)
            : null;
    this.smallestScale = mean.getManager().create((float) SMALLEST_SCALE);
    this.sharpness = mean.getManager().create(1 / SOFTNESS);
    this.target = mean.getManager().create(this.recipe.targetLive());
    this.weight = mean.getManager().create(this.recipe.penalty());
    this.ones = mean.onesLike();
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
            .batchNorm(v, mean, variance, ones, zero, 1, DJL_MOMENTUM, EPSILON, training)
            .singletonOrThrow();
    if (correction != null) {
      a = a.mul(correction.factor).add(correction.addend);
    }
    if (learnedScale != null) {
      a = a.mul(gamma(learnedScale, v.getManager()));
    }
    a = a.add(shift);
    if (training && recipe.hasTarget()) {
      NDArray live = a.mul(sharpness).getNDArrayInternal().sigmoid().mean();
      softLive = softLive == null ? live : softLive.add(live);
      steps++;
    }
    return a;
  }

  /** The scale of each gate; what is made on the way lives as long as {@code window}. */
  private NDArray gamma(NDArray learned, NDManager window) {
    if (!positive) {
      return learned;
    }
    NDArray softplus = learned.getNDArrayInternal().softPlus();
    softplus.attach(window);
    return softplus.add(smallestScale);
  }

  /** theta whose gamma is 1. */
  private static float thetaOfOne() {
    return (float) Math.log(Math.expm1(1 - SMALLEST_SCALE));
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
    float[] learned = learnedScale == null ? null : learnedScale.toFloatArray();
    double[] k = new double[variances.length];
    for (int i = 0; i < k.length; i++) {
      double gamma = learned == null ? 1 : positive ? positiveScale(learned[i]) : learned[i];
      k[i] = gamma / Math.sqrt((double) variances[i] + EPSILON);
    }
    return k;
  }

  private static double positiveScale(double theta) {
    return Math.max(0, theta) + Math.log1p(Math.exp(-Math.abs(theta))) + SMALLEST_SCALE;
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
