package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Sums;
import org.jspecify.annotations.Nullable;

/**
 * The ordinary GRU over batches: eq. 1, 2, 4 of the paper, and eq. 5 (the reset after the matrix)
 * or eq. 3 (before it).
 */
final class DenseGruLayer implements RecurrentLayer {
  private final int units;
  private final boolean resetBefore;

  /** Input and recurrent matrices side by side: update, reset, candidate, n each. */
  final NDArray inputWeights;

  final NDArray recurrentWeights;
  final NDArray bias;

  DenseGruLayer(Parameters parameters, String name, int inputs, Recipe recipe) {
    this.units = recipe.network().units();
    this.resetBefore = recipe.network().cell() == Recipe.Cell.GRU_RESET_BEFORE;
    this.inputWeights = parameters.glorot(name + ".W", inputs, units, units, units);
    this.recurrentWeights = parameters.orthogonal(name + ".U", units, units, units, units);
    this.bias = parameters.zeros(name + ".b", 3 * units);
  }

  @Override
  public Window run(NDArray x, NDArray state, boolean training, @Nullable NDList live) {
    NDArray h = state;
    long batch = h.getShape().get(0);
    long[] thirds = {units, 2L * units};
    NDList xs = x.matMul(inputWeights).add(bias).split(thirds, 1);
    int steps = (int) (x.getShape().get(0) / batch);
    NDList updateX = xs.get(0).split(steps);
    NDList resetX = xs.get(1).split(steps);
    NDList candidateX = xs.get(2).split(steps);
    NDArray candidateWeights =
        resetBefore ? recurrentWeights.get(":, {}:", 2 * units) : recurrentWeights;
    NDList states = new NDList(steps);
    for (int t = 0; t < steps; t++) {
      NDList hs = h.matMul(recurrentWeights).split(thirds, 1);
      NDArray z = updateX.get(t).add(hs.get(0)).getNDArrayInternal().sigmoid();
      NDArray r = resetX.get(t).add(hs.get(1)).getNDArrayInternal().sigmoid();
      NDArray recurrent = resetBefore ? r.mul(h).matMul(candidateWeights) : r.mul(hs.get(2));
      NDArray c = candidateX.get(t).add(recurrent).tanh();
      h = h.add(z.mul(c.sub(h)));
      states.add(h);
      if (live != null) {
        live.add(z.onesLike());
      }
    }
    return Window.ofStates(states);
  }

  @Override
  public Layer export(String name) {
    if (resetBefore) {
      throw new UnsupportedOperationException(
          "a GRU with the reset before the matrix is trained for comparison only");
    }
    SideBySide w = new SideBySide(inputWeights);
    SideBySide u = new SideBySide(recurrentWeights);
    SideBySide b = new SideBySide(bias);
    return Gru.named(name)
        .update(
            new Sums(
                w.matrix(name + ".Wz", 0, units),
                u.matrix(name + ".Uz", 0, units),
                b.vector(name + ".bz", 0, units)))
        .reset(
            new Sums(
                w.matrix(name + ".Wr", units, units),
                u.matrix(name + ".Ur", units, units),
                b.vector(name + ".br", units, units)))
        .candidate(
            new Sums(
                w.matrix(name + ".Wc", 2 * units, units),
                u.matrix(name + ".Uc", 2 * units, units),
                b.vector(name + ".bc", 2 * units, units)))
        .build();
  }

  @Override
  public void startFrom(Gru gru) {
    throw new IllegalArgumentException(
        "layer %s is a GRU already; only conditional networks start from one"
            .formatted(gru.name()));
  }
}
