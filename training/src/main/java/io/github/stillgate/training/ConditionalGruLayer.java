package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.Sums;
import org.jspecify.annotations.Nullable;

/** The conditional GRU, eq. 4 to 11 of the paper, over batches, with gates of any form. */
final class ConditionalGruLayer implements RecurrentLayer {
  private final int units;
  private final Gate gate;

  /** Input and recurrent matrices side by side: the gates' first, reset (n), candidate (n). */
  private final NDArray inputWeights;

  private final NDArray recurrentWeights;
  private final NDArray bias;

  ConditionalGruLayer(Parameters parameters, String name, int inputs, Recipe recipe) {
    this.units = recipe.network().units();
    int width = Gate.width(recipe.network());
    this.inputWeights = parameters.glorot(name + ".W", inputs, width, units, units);
    this.recurrentWeights = parameters.orthogonal(name + ".U", units, width, units, units);
    this.bias = parameters.zeros(name + ".b", width + 2 * units);
    this.gate = Gate.of(parameters, name, recipe);
  }

  @Override
  public void beginUpdate(int update) {
    gate.norm.beginUpdate(update);
  }

  @Override
  public @Nullable NDArray penalty() {
    return gate.norm.penalty();
  }

  @Override
  public Window run(NDArray x, NDArray state, boolean training, @Nullable NDList live) {
    NDArray h = state;
    long batch = h.getShape().get(0);
    int width = gate.width();
    long[] parts = {width, width + units};
    NDList xs = x.matMul(inputWeights).add(bias).split(parts, 1);
    int steps = (int) (x.getShape().get(0) / batch);
    NDList gateX = xs.get(0).split(steps);
    NDList resetX = xs.get(1).split(steps);
    NDList candidateX = xs.get(2).split(steps);
    NDList states = new NDList(steps);
    for (int t = 0; t < steps; t++) {
      NDList hs = h.matMul(recurrentWeights).split(parts, 1);
      NDArray z = gate.z(gateX.get(t).add(hs.get(0)), training, live);
      NDArray r = resetX.get(t).add(hs.get(1)).getNDArrayInternal().sigmoid();
      NDArray c = candidateX.get(t).add(r.mul(hs.get(2))).tanh();
      h = h.add(z.mul(c.sub(h)));
      states.add(h);
    }
    return Window.ofStates(states);
  }

  @Override
  public Layer export(String name) {
    SideBySide w = new SideBySide(inputWeights);
    SideBySide u = new SideBySide(recurrentWeights);
    SideBySide b = new SideBySide(bias);
    int reset = gate.width();
    int candidate = reset + units;
    return ConditionalGru.named(name)
        .gating(gate.export(name, w, u, b))
        .reset(
            new Sums(
                w.matrix(name + ".Wr", reset, units),
                u.matrix(name + ".Ur", reset, units),
                b.vector(name + ".br", reset, units)))
        .candidate(
            new Sums(
                w.matrix(name + ".Wc", candidate, units),
                u.matrix(name + ".Uc", candidate, units),
                b.vector(name + ".bc", candidate, units)))
        .build();
  }

  /** Reset and candidate; the gates begin anew, since a sigmoid's never close. */
  @Override
  public void startFrom(Gru gru) {
    if (gru.outputs() != units || gru.inputs() != inputWeights.getShape().get(0)) {
      throw new IllegalArgumentException(
          "layer %s has %d units behind %d inputs; here are %d behind %d"
              .formatted(
                  gru.name(), gru.outputs(), gru.inputs(), units, inputWeights.getShape().get(0)));
    }
    if (!gru.reset().equals(Reset.AFTER) || !gru.activations().equals(Gru.Activations.STANDARD)) {
      throw new IllegalArgumentException(
          "layer %s: a conditional GRU has the reset after the matrix without a bias, sigmoid and"
                  .formatted(gru.name())
              + " tanh; this layer has not");
    }
    int reset = gate.width();
    int candidate = reset + units;
    SideBySide.put(inputWeights, reset, gru.r().w());
    SideBySide.put(recurrentWeights, reset, gru.r().u());
    SideBySide.put(bias, reset, gru.r().b());
    SideBySide.put(inputWeights, candidate, gru.c().w());
    SideBySide.put(recurrentWeights, candidate, gru.c().u());
    SideBySide.put(bias, candidate, gru.c().b());
  }
}
