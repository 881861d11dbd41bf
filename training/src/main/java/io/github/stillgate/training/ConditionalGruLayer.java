package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * The conditional GRU with unit gating, eq. 4 to 9 of the paper, over batches. The gate's
 * pre-activation is normalised by the statistics of its step's batch (eq. 7, divided by the
 * standard deviation) and s is added; eq. 9's bz is left out, because the mean takes it away again.
 */
final class ConditionalGruLayer implements RecurrentLayer {
  static final float EPSILON = 1e-5f;

  /** Weight of one step in the population statistics: they average some 20 updates of 50 steps. */
  private static final float MOMENTUM = 1e-3f;

  private final int units;
  private final int rank;
  private final float shiftValue;

  /** Input and recurrent matrices side by side: bottleneck (g), reset (n), candidate (n). */
  final NDArray inputWeights;

  final NDArray recurrentWeights;
  final NDArray bias;
  final NDArray gateWeights;
  final NDArray mean;
  final NDArray variance;
  private final NDArray scale;
  private final NDArray shift;

  ConditionalGruLayer(Parameters parameters, String name, int inputs, Recipe recipe) {
    this.units = recipe.units();
    this.rank = recipe.rank();
    this.shiftValue = recipe.shift();
    this.inputWeights = parameters.glorot(name + ".W", inputs, rank, units, units);
    this.recurrentWeights = parameters.orthogonal(name + ".U", units, rank, units, units);
    this.bias = parameters.zeros(name + ".b", rank + 2 * units);
    this.gateWeights = parameters.glorot(name + ".Wz", rank, units);
    this.mean = parameters.statistic(name + ".mean", units, 0);
    this.variance = parameters.statistic(name + ".variance", units, 1);
    this.scale = mean.getManager().ones(mean.getShape());
    this.shift = mean.getManager().full(mean.getShape(), recipe.shift());
  }

  @Override
  public NDArray run(NDArray x, NDArray h, boolean training, @Nullable NDList gates) {
    long batch = h.getShape().get(0);
    long[] thirds = {rank, rank + units};
    NDList xs = x.matMul(inputWeights).add(bias).split(thirds, 1);
    int steps = (int) (x.getShape().get(0) / batch);
    NDList bottleneckX = xs.get(0).split(steps);
    NDList resetX = xs.get(1).split(steps);
    NDList candidateX = xs.get(2).split(steps);
    NDList states = new NDList(steps);
    for (int t = 0; t < steps; t++) {
      NDList hs = h.matMul(recurrentWeights).split(thirds, 1);
      NDArray u = bottleneckX.get(t).add(hs.get(0)).getNDArrayInternal().relu();
      NDArray a = normalise(u.matMul(gateWeights), training);
      NDArray z = a.getNDArrayInternal().relu().tanh();
      NDArray r = resetX.get(t).add(hs.get(1)).getNDArrayInternal().sigmoid();
      NDArray c = candidateX.get(t).add(r.mul(hs.get(2))).tanh();
      h = h.add(z.mul(c.sub(h)));
      states.add(h);
      if (gates != null) {
        gates.add(a.gt(0).toType(DataType.FLOAT32, false));
      }
    }
    return NDArrays.concat(states, 0);
  }

  /**
   * With k = 1 / sqrt(variance + epsilon), Wz becomes k Wz and bz becomes s - k mean; bz itself was
   * left out.
   */
  @Override
  public Layer export(String name) {
    SideBySide w = new SideBySide(inputWeights);
    SideBySide u = new SideBySide(recurrentWeights);
    SideBySide b = new SideBySide(bias);
    float[] means = mean.toFloatArray();
    float[] variances = variance.toFloatArray();
    float[] trained = gateWeights.toFloatArray();
    float[] wz = new float[units * rank];
    float[] bz = new float[units];
    for (int i = 0; i < units; i++) {
      double k = 1 / Math.sqrt((double) variances[i] + EPSILON);
      bz[i] = (float) (shiftValue - k * means[i]);
      for (int j = 0; j < rank; j++) {
        wz[i * rank + j] = (float) (k * trained[j * units + i]);
      }
    }
    int reset = rank;
    int candidate = rank + units;
    return new ConditionalGru(
        name,
        new Gating.Unit(
            w.matrix(name + ".Wu", 0, rank),
            u.matrix(name + ".Uu", 0, rank),
            b.vector(name + ".bu", 0, rank),
            Matrix.of(name + ".Wz", units, rank, wz),
            Matrix.vector(name + ".bz", bz)),
        w.matrix(name + ".Wr", reset, units),
        u.matrix(name + ".Ur", reset, units),
        b.vector(name + ".br", reset, units),
        w.matrix(name + ".Wc", candidate, units),
        u.matrix(name + ".Uc", candidate, units),
        b.vector(name + ".bc", candidate, units));
  }

  private NDArray normalise(NDArray a, boolean training) {
    return a.getNDArrayInternal()
        .batchNorm(a, mean, variance, scale, shift, 1, MOMENTUM, EPSILON, training)
        .singletonOrThrow();
  }
}
