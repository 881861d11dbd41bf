package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Sums;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The LSTM with a forget gate (Hochreiter and Schmidhuber, 1997; Gers et al., 2000) over batches.
 * What a stream carries is h and, after it, c. The forget gate's bias starts at 1, so that the
 * cells keep what they hold until training says otherwise.
 */
final class LstmLayer implements RecurrentLayer {
  private final int units;

  /** Input and recurrent matrices side by side: input gate, forget gate, output gate, cell. */
  private final NDArray inputWeights;

  private final NDArray recurrentWeights;
  private final NDArray bias;

  LstmLayer(Parameters parameters, String name, int inputs, Recipe recipe) {
    this.units = recipe.network().units();
    this.inputWeights = parameters.glorot(name + ".W", inputs, units, units, units, units);
    this.recurrentWeights = parameters.orthogonal(name + ".U", units, units, units, units, units);
    this.bias = parameters.zeros(name + ".b", 4 * units);
    float[] open = new float[4 * units];
    Arrays.fill(open, units, 2 * units, 1);
    bias.set(open);
  }

  @Override
  public Window run(NDArray x, NDArray state, boolean training, @Nullable NDList live) {
    long batch = state.getShape().get(0);
    NDList carried = state.split(new long[] {units}, 1);
    NDArray h = carried.get(0);
    NDArray c = carried.get(1);
    long[] quarters = {units, 2L * units, 3L * units};
    int steps = (int) (x.getShape().get(0) / batch);
    NDList xs = x.matMul(inputWeights).add(bias).split(steps);
    NDList outputs = new NDList(steps);
    for (int t = 0; t < steps; t++) {
      NDList sums = xs.get(t).add(h.matMul(recurrentWeights)).split(quarters, 1);
      NDArray i = sums.get(0).getNDArrayInternal().sigmoid();
      NDArray f = sums.get(1).getNDArrayInternal().sigmoid();
      NDArray o = sums.get(2).getNDArrayInternal().sigmoid();
      c = f.mul(c).add(i.mul(sums.get(3).tanh()));
      h = o.mul(c.tanh());
      outputs.add(h);
      if (live != null) {
        live.add(i.onesLike());
      }
    }
    return new Window(NDArrays.concat(outputs, 0), NDArrays.concat(new NDList(h, c), 1));
  }

  @Override
  public Layer export(String name) {
    SideBySide w = new SideBySide(inputWeights);
    SideBySide u = new SideBySide(recurrentWeights);
    SideBySide b = new SideBySide(bias);
    Sums[] sums = new Sums[4];
    for (int kind = 0; kind < sums.length; kind++) {
      char letter = "ifog".charAt(kind);
      sums[kind] =
          new Sums(
              w.matrix(name + ".W" + letter, kind * units, units),
              u.matrix(name + ".U" + letter, kind * units, units),
              b.vector(name + ".b" + letter, kind * units, units));
    }
    return Lstm.named(name).input(sums[0]).forget(sums[1]).output(sums[2]).cell(sums[3]).build();
  }

  @Override
  public void startFrom(Gru gru) {
    throw new IllegalArgumentException(
        "layer %s is a GRU; only conditional networks start from one".formatted(gru.name()));
  }
}
