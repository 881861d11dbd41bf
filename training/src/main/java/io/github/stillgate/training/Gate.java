package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Sums;
import org.jspecify.annotations.Nullable;

/**
 * The gates of a trainable conditional layer. The layer computes their first sums beside those of
 * its units; the gate turns them into z.
 */
abstract sealed class Gate {
  final int units;
  final GateNorm norm;

  private Gate(int units, GateNorm norm) {
    this.units = units;
    this.norm = norm;
  }

  static Gate of(Parameters parameters, String name, Recipe recipe) {
    int n = recipe.network().units();
    int g = recipe.network().rank();
    return switch (recipe.network().cell()) {
      case FULL -> new Full(n, new GateNorm(parameters, name, n, recipe));
      case UNIT ->
          new Unit(
              n, parameters.glorot(name + ".Wz", g, n), new GateNorm(parameters, name, n, recipe));
      case BLOCK -> new Block(n, g, null, null, new GateNorm(parameters, name, g, recipe));
      case HYBRID ->
          new Block(
              n,
              g,
              parameters.glorot(name + ".V", g, n),
              parameters.zeros(name + ".e", n),
              new GateNorm(parameters, name, g, recipe));
      case GRU, GRU_RESET_BEFORE, LSTM, SRU ->
          throw new IllegalArgumentException("a GRU, an LSTM and an SRU have no gates that close");
    };
  }

  /** Width of the sums a gate is given. */
  static int width(Recipe.Network network) {
    return network.cell() == Recipe.Cell.FULL ? network.units() : network.rank();
  }

  /** Width of the sums it is given. */
  abstract int width();

  /**
   * z of one step, (batch, n).
   *
   * @param sums W x + U h + b of the gates' first matrices, (batch, width)
   * @param live receives the mask of live gates, or null
   */
  abstract NDArray z(NDArray sums, boolean training, @Nullable NDList live);

  /** The same with normalisation folded in, from columns {@code 0 .. width} of the side by side. */
  abstract Gating export(String name, SideBySide w, SideBySide u, SideBySide b);

  /** a to z, and which are live. */
  final NDArray clippedTanh(NDArray a, @Nullable NDList live) {
    if (live != null) {
      live.add(a.gt(0).toType(DataType.FLOAT32, false));
    }
    return a.getNDArrayInternal().relu().tanh();
  }

  final float[] offsets() {
    double[] offsets = norm.offsets();
    float[] rounded = new float[offsets.length];
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = (float) offsets[i];
    }
    return rounded;
  }

  /** a = BN(Wz x + Uz h + bz) + s. */
  private static final class Full extends Gate {
    Full(int units, GateNorm norm) {
      super(units, norm);
    }

    @Override
    int width() {
      return units;
    }

    @Override
    NDArray z(NDArray sums, boolean training, @Nullable NDList live) {
      return clippedTanh(norm.normalise(sums, training), live);
    }

    @Override
    Gating export(String name, SideBySide w, SideBySide u, SideBySide b) {
      double[] k = norm.factors();
      double[] offsets = norm.offsets();
      float[] trained = b.vector(name + ".bz", 0, units).toArray();
      float[] bz = new float[units];
      for (int i = 0; i < units; i++) {
        bz[i] = (float) (offsets[i] + k[i] * trained[i]);
      }
      return new Gating.Full(
          new Sums(
              w.scaledMatrix(name + ".Wz", 0, k),
              u.scaledMatrix(name + ".Uz", 0, k),
              Matrix.vector(name + ".bz", bz)));
    }
  }

  /** u = relu(sums), a = BN(Wz u) + s. */
  private static final class Unit extends Gate {
    private final NDArray weights;

    Unit(int units, NDArray weights, GateNorm norm) {
      super(units, norm);
      this.weights = weights;
    }

    @Override
    int width() {
      return (int) weights.getShape().get(0);
    }

    @Override
    NDArray z(NDArray sums, boolean training, @Nullable NDList live) {
      NDArray u = sums.getNDArrayInternal().relu();
      return clippedTanh(norm.normalise(u.matMul(weights), training), live);
    }

    @Override
    Gating export(String name, SideBySide w, SideBySide u, SideBySide b) {
      int rank = width();
      return new Gating.Unit(
          new Sums(
              w.matrix(name + ".Wu", 0, rank),
              u.matrix(name + ".Uu", 0, rank),
              b.vector(name + ".bu", 0, rank)),
          new SideBySide(weights).scaledMatrix(name + ".Wz", 0, norm.factors()),
          Matrix.vector(name + ".bz", offsets()));
    }
  }

  /**
   * u = relu(sums), one a = BN(u) + s for a block of neighbouring units; with V, each unit scales
   * it by sigmoid(V u + e).
   */
  private static final class Block extends Gate {
    private final int blocks;
    private final @Nullable NDArray v;
    private final @Nullable NDArray e;

    Block(int units, int blocks, @Nullable NDArray v, @Nullable NDArray e, GateNorm norm) {
      super(units, norm);
      this.blocks = blocks;
      this.v = v;
      this.e = e;
    }

    @Override
    int width() {
      return blocks;
    }

    @Override
    NDArray z(NDArray sums, boolean training, @Nullable NDList live) {
      NDArray u = sums.getNDArrayInternal().relu();
      NDArray p = clippedTanh(norm.normalise(u, training), live);
      long batch = sums.getShape().get(0);
      int blockUnits = units / blocks;
      NDArray z = p.expandDims(2).broadcast(new Shape(batch, blocks, blockUnits));
      z = z.reshape(batch, units);
      if (v != null && e != null) {
        z = z.mul(u.matMul(v).add(e).getNDArrayInternal().sigmoid());
      }
      return z;
    }

    /** k relu(v) = relu(k v), so k goes into Wu, Uu, bu; V, which reads u, is divided by it. */
    @Override
    Gating export(String name, SideBySide w, SideBySide u, SideBySide b) {
      double[] k = norm.factors();
      float[] bu = b.vector(name + ".bu", 0, blocks).toArray();
      for (int i = 0; i < blocks; i++) {
        bu[i] = (float) (k[i] * bu[i]);
      }
      Gating.Block block =
          new Gating.Block(
              new Sums(
                  w.scaledMatrix(name + ".Wu", 0, k),
                  u.scaledMatrix(name + ".Uu", 0, k),
                  Matrix.vector(name + ".bu", bu)),
              Matrix.vector(name + ".bz", offsets()));
      if (v == null || e == null) {
        return block;
      }
      float[] scale = new SideBySide(v).matrix(name + ".V", 0, units).toArray();
      for (int i = 0; i < scale.length; i++) {
        scale[i] = (float) (scale[i] / k[i % blocks]);
      }
      return new Gating.Hybrid(
          block,
          Matrix.of(name + ".V", units, blocks, scale),
          Matrix.vector(name + ".e", e.toFloatArray()));
    }
  }
}
