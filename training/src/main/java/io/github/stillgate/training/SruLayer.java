package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Sru;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The simple recurrent unit of Lei et al. (2018) over batches, without an activation: the matrices
 * multiply a whole window at once, and only the element-wise part goes step by step. The highway
 * takes the input times sqrt(1 + 2 exp(br)) for the br of the start, 0; or a matrix, where the
 * layer reads another number of values than it has units.
 */
final class SruLayer implements RecurrentLayer {
  /** Keeps the variance of what the highway carries: the authors' choice for br = 0. */
  private static final float SCALE = (float) Math.sqrt(3);

  private final int units;
  private final boolean square;

  /** Side by side: candidate, forget gate, reset gate and, if not square, highway; n each. */
  private final NDArray inputWeights;

  private final NDArray forgetCells;
  private final NDArray resetCells;
  private final NDArray forgetBias;
  private final NDArray resetBias;

  SruLayer(Parameters parameters, String name, int inputs, Recipe recipe) {
    this.units = recipe.network().units();
    this.square = inputs == units;
    double limit = Math.sqrt(3.0 / inputs);
    double gate = limit * Math.sqrt(0.5);
    this.inputWeights =
        square
            ? parameters.uniform(name + ".W", inputs, units, limit, gate, gate)
            : parameters.uniform(name + ".W", inputs, units, limit, gate, gate, SCALE * limit);
    double seen = Math.sqrt(3) * Math.sqrt(0.5);
    this.forgetCells = parameters.uniformVector(name + ".vf", units, seen);
    this.resetCells = parameters.uniformVector(name + ".vr", units, seen);
    this.forgetBias = parameters.zeros(name + ".bf", units);
    this.resetBias = parameters.zeros(name + ".br", units);
  }

  @Override
  public Window run(NDArray x, NDArray state, boolean training, @Nullable NDList live) {
    NDArray c = state;
    int steps = (int) (x.getShape().get(0) / c.getShape().get(0));
    NDList sums = x.matMul(inputWeights).split(cuts(), 1);
    NDList us = sums.get(0).split(steps);
    NDList forgetX = sums.get(1).add(forgetBias).split(steps);
    NDList resetX = sums.get(2).add(resetBias).split(steps);
    // An array and not a number: DJL frees the number's memory while autograd still needs it.
    NDArray highway = square ? x.mul(x.getManager().create(SCALE)) : sums.get(3);
    NDList skips = highway.split(steps);
    NDList outputs = new NDList(steps);
    for (int t = 0; t < steps; t++) {
      NDArray u = us.get(t);
      NDArray skip = skips.get(t);
      // Both see the cells of before. The parameter stands right, so that products are the
      // window's.
      NDArray f = forgetX.get(t).add(c.mul(forgetCells)).getNDArrayInternal().sigmoid();
      NDArray r = resetX.get(t).add(c.mul(resetCells)).getNDArrayInternal().sigmoid();
      c = u.add(f.mul(c.sub(u)));
      outputs.add(skip.add(r.mul(c.sub(skip))));
      if (live != null) {
        live.add(f.onesLike());
      }
    }
    return new Window(NDArrays.concat(outputs, 0), c);
  }

  private long[] cuts() {
    long[] cuts = new long[square ? 2 : 3];
    Arrays.setAll(cuts, i -> (i + 1L) * units);
    return cuts;
  }

  @Override
  public Layer export(String name) {
    SideBySide w = new SideBySide(inputWeights);
    Sru.Gate forget = gate(name, "f", w, units, forgetCells, forgetBias);
    Sru.Gate reset = gate(name, "r", w, 2 * units, resetCells, resetBias);
    return new Sru(
        name,
        w.matrix(name + ".W", 0, units),
        forget,
        square
            ? new Sru.Highway.FromInput(reset, SCALE)
            : new Sru.Highway.FromMatrix(reset, w.matrix(name + ".Wh", 3 * units, units)),
        Activation.LINEAR);
  }

  private Sru.Gate gate(
      String name, String gate, SideBySide w, int from, NDArray cells, NDArray bias) {
    return new Sru.Gate(
        w.matrix(name + ".W" + gate, from, units),
        Optional.of(new SideBySide(cells).vector(name + ".v" + gate, 0, units)),
        new SideBySide(bias).vector(name + ".b" + gate, 0, units));
  }

  @Override
  public void startFrom(Gru gru) {
    throw new IllegalArgumentException(
        "layer %s is a GRU; only conditional networks start from one".formatted(gru.name()));
  }
}
