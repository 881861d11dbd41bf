package io.github.stillgate.contract;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import java.util.Arrays;

/** The papers' equations in float64 with {@link Math}, written apart from every kernel. */
final class Float64Model {
  private final Model model;
  private final double[][] states;

  Float64Model(Model model) {
    this.model = model;
    this.states = new double[model.layers().size()][];
    for (int i = 0; i < states.length; i++) {
      states[i] = new double[model.layers().get(i).outputs()];
    }
  }

  /** One step. */
  double[] step(double[] x) {
    for (int i = 0; i < states.length; i++) {
      Layer layer = model.layers().get(i);
      x =
          switch (layer) {
            case ConditionalGru gru -> states[i] = conditional(gru, x, states[i]);
            case Gru gru -> states[i] = ordinary(gru, x, states[i]);
            case Dense dense -> dense(dense, x);
          };
    }
    return x;
  }

  private static double[] conditional(ConditionalGru l, double[] x, double[] h) {
    double[] z = gates(l.gating(), x, h);
    double[] r = affine(l.wr(), x, l.ur(), h, l.br());
    double[] cx = times(l.wc(), x);
    double[] ch = times(l.uc(), h);
    double[] next = h.clone();
    for (int i = 0; i < h.length; i++) {
      double c = Math.tanh(cx[i] + sigmoid(r[i]) * ch[i] + l.bc().at(i, 0));
      next[i] = h[i] + z[i] * (c - h[i]);
    }
    return next;
  }

  private static double[] gates(Gating gating, double[] x, double[] h) {
    return switch (gating) {
      case Gating.Full full -> clippedTanh(affine(full.wz(), x, full.uz(), h, full.bz()));
      case Gating.Unit unit -> {
        double[] a = times(unit.wz(), relu(affine(unit.wu(), x, unit.uu(), h, unit.bu())));
        for (int i = 0; i < a.length; i++) {
          a[i] += unit.bz().at(i, 0);
        }
        yield clippedTanh(a);
      }
      case Gating.Block block -> blockGates(block, relu(bottleneck(block, x, h)));
      case Gating.Hybrid hybrid -> {
        double[] u = relu(bottleneck(hybrid.block(), x, h));
        double[] z = blockGates(hybrid.block(), u);
        double[] scale = times(hybrid.v(), u);
        for (int i = 0; i < z.length; i++) {
          z[i] *= sigmoid(scale[i] + hybrid.e().at(i, 0));
        }
        yield z;
      }
    };
  }

  private static double[] bottleneck(Gating.Block block, double[] x, double[] h) {
    return affine(block.wu(), x, block.uu(), h, block.bu());
  }

  private static double[] blockGates(Gating.Block block, double[] u) {
    double[] a = new double[block.units()];
    for (int i = 0; i < a.length; i++) {
      int b = i / (block.units() / block.blocks());
      a[i] = u[b] + block.bz().at(b, 0);
    }
    return clippedTanh(a);
  }

  private static double[] relu(double[] v) {
    return Arrays.stream(v).map(a -> Math.max(0, a)).toArray();
  }

  private static double[] clippedTanh(double[] v) {
    return Arrays.stream(v).map(a -> Math.tanh(Math.max(0, a))).toArray();
  }

  private static double[] ordinary(Gru l, double[] x, double[] h) {
    double[] z = affine(l.wz(), x, l.uz(), h, l.bz());
    double[] r = affine(l.wr(), x, l.ur(), h, l.br());
    double[] cx = times(l.wc(), x);
    double[] ch = times(l.uc(), h);
    double[] next = new double[h.length];
    for (int i = 0; i < h.length; i++) {
      double c = Math.tanh(cx[i] + sigmoid(r[i]) * ch[i] + l.bc().at(i, 0));
      next[i] = h[i] + sigmoid(z[i]) * (c - h[i]);
    }
    return next;
  }

  private static double[] dense(Dense l, double[] x) {
    double[] y = times(l.w(), x);
    for (int i = 0; i < y.length; i++) {
      y[i] += l.b().at(i, 0);
    }
    if (l.activation() == Activation.SOFTMAX) {
      double max = Arrays.stream(y).max().orElseThrow();
      double sum = 0;
      for (int i = 0; i < y.length; i++) {
        y[i] = Math.exp(y[i] - max);
        sum += y[i];
      }
      for (int i = 0; i < y.length; i++) {
        y[i] /= sum;
      }
    }
    return y;
  }

  private static double[] affine(Matrix w, double[] x, Matrix u, double[] h, Matrix b) {
    double[] v = times(w, x);
    double[] recurrent = times(u, h);
    for (int i = 0; i < v.length; i++) {
      v[i] += recurrent[i] + b.at(i, 0);
    }
    return v;
  }

  private static double[] times(Matrix m, double[] x) {
    double[] y = new double[m.rows()];
    for (int i = 0; i < y.length; i++) {
      for (int j = 0; j < x.length; j++) {
        y[i] += (double) m.at(i, j) * x[j];
      }
    }
    return y;
  }

  private static double sigmoid(double v) {
    return 1 / (1 + Math.exp(-v));
  }
}
