package io.github.stillgate.bench.step;

import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Sums;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * A GRU or LSTM as others keep it: the matrices of its gates one below the other, of a GRU r, z, c
 * and of an LSTM i, f, g, o, as in PyTorch. PyTorch's z weighs the old state, ours the new one, so
 * z is negated: {@code sigmoid(-a) = 1 - sigmoid(a)}.
 *
 * @param layer the layer
 * @param gates its sums in that order
 * @param negated position of the gate that is negated, or -1
 */
record GatedLayer(Layer layer, List<Sums> gates, int negated) {
  /**
   * @throws IllegalArgumentException if it is neither
   */
  static GatedLayer of(Layer layer) {
    return switch (layer) {
      case Gru gru -> new GatedLayer(gru, List.of(gru.r(), gru.z(), gru.c()), 1);
      case Lstm lstm ->
          new GatedLayer(lstm, List.of(lstm.i(), lstm.f().orElseThrow(), lstm.g(), lstm.o()), -1);
      default ->
          throw new IllegalArgumentException(
              "layer %s is neither a GRU nor an LSTM".formatted(layer.name()));
    };
  }

  int units() {
    return layer.outputs();
  }

  boolean isLstm() {
    return layer instanceof Lstm;
  }

  /** Input matrices. */
  float[] w() {
    return stacked(Sums::w);
  }

  /** Recurrent matrices. */
  float[] u() {
    return stacked(Sums::u);
  }

  /** Biases. */
  float[] b() {
    return stacked(Sums::b);
  }

  /** Bytes of the matrices with weights of so many bytes. */
  static double bytes(Layer layer, int weightBytes) {
    GatedLayer gated = of(layer);
    return (double) weightBytes
        * gated.gates.size()
        * layer.outputs()
        * (layer.inputs() + layer.outputs());
  }

  private float[] stacked(Function<Sums, Matrix> matrix) {
    List<float[]> parts = new ArrayList<>();
    for (int gate = 0; gate < gates.size(); gate++) {
      float[] part = matrix.apply(gates.get(gate)).toArray();
      if (gate == negated) {
        for (int i = 0; i < part.length; i++) {
          part[i] = -part[i];
        }
      }
      parts.add(part);
    }
    float[] all = new float[parts.stream().mapToInt(part -> part.length).sum()];
    int at = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }
}
