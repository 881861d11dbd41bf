package io.github.stillgate.contract;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Along;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Elementwise;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Operation;
import io.github.stillgate.core.model.PerPosition;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.model.Sru;
import io.github.stillgate.core.model.Sums;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The papers' equations in float64 with {@link Math}, written apart from every kernel. */
public final class Float64Model {
  private final Model model;
  private final double[][] states;
  private final double[][] cells;

  /** At the start of a stream. */
  public Float64Model(Model model) {
    this.model = model;
    this.states = new double[model.layers().size()][];
    this.cells = new double[states.length][];
    for (int i = 0; i < states.length; i++) {
      Layer layer = model.layers().get(i);
      states[i] = new double[layer.outputs()];
      cells[i] =
          new double
              [switch (layer) {
                case Lstm lstm -> lstm.cells();
                case Sru sru -> sru.outputs();
                default -> 0;
              }];
    }
  }

  /** The outputs of a whole sequence from state zero; layers may read it from its end. */
  public static double[][] sequence(Model model, double[][] inputs) {
    double[][] values = inputs;
    for (Layer layer : model.layers()) {
      values = sequence(layer, values);
    }
    return values;
  }

  private static double[][] sequence(Layer layer, double[][] inputs) {
    return switch (layer) {
      case Backward backward -> reversed(sequence(backward.layer(), reversed(inputs)));
      case Bidirectional pair -> {
        double[][] forward = sequence(pair.forward(), inputs);
        double[][] backward = reversed(sequence(pair.backward(), reversed(inputs)));
        double[][] both = new double[inputs.length][];
        for (int t = 0; t < both.length; t++) {
          both[t] = Arrays.copyOf(forward[t], pair.outputs());
          System.arraycopy(backward[t], 0, both[t], forward[t].length, backward[t].length);
        }
        yield both;
      }
      default -> {
        Float64Model alone = new Float64Model(new Model(List.of(layer)));
        double[][] outputs = new double[inputs.length][];
        for (int t = 0; t < outputs.length; t++) {
          outputs[t] = alone.step(inputs[t]);
        }
        yield outputs;
      }
    };
  }

  private static double[][] reversed(double[][] values) {
    return List.of(values).reversed().toArray(double[][]::new);
  }

  /** One step. */
  public double[] step(double[] x) {
    for (int i = 0; i < states.length; i++) {
      Layer layer = model.layers().get(i);
      x =
          switch (layer) {
            case ConditionalGru gru -> states[i] = conditional(gru, x, states[i]);
            case Gru gru -> states[i] = ordinary(gru, x, states[i]);
            case Lstm lstm -> states[i] = lstm(lstm, x, states[i], cells[i]);
            case Sru sru -> sru(sru, x, cells[i]);
            case SimpleRnn rnn ->
                states[i] =
                    apply(rnn.activation(), affine(rnn.w(), x, rnn.u(), states[i], rnn.b()));
            case Embedding embedding -> transposed(embedding.table(), x);
            case Dense dense -> dense(dense, x);
            case ConditionalDense dense -> conditionalDense(dense, x);
            case Elementwise function -> apply(function.function(), x);
            case Bidirectional _, Backward _, Along _, PerPosition _, Positions _, Operation _ ->
                throw new IllegalArgumentException(layer.name() + " has no steps");
          };
    }
    return x;
  }

  private static double[] conditional(ConditionalGru l, double[] x, double[] h) {
    double[] z = gates(l.gating(), x, h);
    double[] r = apply(l.activations().reset(), affine(l.r().w(), x, l.r().u(), h, l.r().b()));
    double[] c = times(l.c().w(), x);
    double[] ch = times(l.c().u(), h);
    for (int i = 0; i < h.length; i++) {
      c[i] += r[i] * ch[i] + l.c().b().at(i, 0);
    }
    c = apply(l.activations().candidate(), c);
    double[] next = h.clone();
    for (int i = 0; i < h.length; i++) {
      next[i] = h[i] + z[i] * (c[i] - h[i]);
    }
    return next;
  }

  private static double[] gates(Gating gating, double[] x, double[] h) {
    return switch (gating) {
      case Gating.Full full -> clippedTanh(affine(full.z().w(), x, full.z().u(), h, full.z().b()));
      case Gating.Unit unit -> {
        double[] u = affine(unit.u().w(), x, unit.u().u(), h, unit.u().b());
        double[] a = times(unit.wz(), apply(unit.f(), u));
        for (int i = 0; i < a.length; i++) {
          a[i] += unit.bz().at(i, 0);
        }
        yield clippedTanh(a);
      }
      case Gating.Block block -> blockGates(block, bottleneck(block, x, h));
      case Gating.Hybrid hybrid -> {
        double[] u = bottleneck(hybrid.block(), x, h);
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
    return apply(block.f(), affine(block.u().w(), x, block.u().u(), h, block.u().b()));
  }

  private static double[] blockGates(Gating.Block block, double[] u) {
    double[] a = new double[block.units()];
    for (int i = 0; i < a.length; i++) {
      int b = i / (block.units() / block.blocks());
      a[i] = u[b] + block.bz().at(b, 0);
    }
    return clippedTanh(a);
  }

  private static double[] clippedTanh(double[] v) {
    return Arrays.stream(v).map(a -> Math.tanh(Math.max(0, a))).toArray();
  }

  private static double[] ordinary(Gru l, double[] x, double[] h) {
    double[] z = apply(l.activations().update(), affine(l.z().w(), x, l.z().u(), h, l.z().b()));
    double[] r = apply(l.activations().reset(), affine(l.r().w(), x, l.r().u(), h, l.r().b()));
    double[] a = times(l.c().w(), x);
    double[] resetState = h.clone();
    for (int i = 0; i < h.length; i++) {
      resetState[i] *= r[i];
    }
    double[] product = times(l.c().u(), l.reset() == Reset.BEFORE ? resetState : h);
    for (int i = 0; i < h.length; i++) {
      if (l.reset() instanceof Reset.AfterMatrix(Optional<Matrix> bh)) {
        product[i] = r[i] * (product[i] + (bh.isPresent() ? bh.get().at(i, 0) : 0));
      }
      a[i] += product[i] + l.c().b().at(i, 0);
    }
    double[] c = apply(l.activations().candidate(), a);
    double[] next = new double[h.length];
    for (int i = 0; i < h.length; i++) {
      next[i] = h[i] + z[i] * (c[i] - h[i]);
    }
    return next;
  }

  /** Changes the cells. */
  private static double[] lstm(Lstm l, double[] x, double[] h, double[] c) {
    Lstm.Activations f = l.activations();
    double[] rawInput = affine(l.i().w(), x, l.i().u(), h, l.i().b());
    double[] rawOutput = affine(l.o().w(), x, l.o().u(), h, l.o().b());
    double[] g = apply(f.cell(), affine(l.g().w(), x, l.g().u(), h, l.g().b()));
    l.peepholes().ifPresent(p -> addProduct(p.input(), c, rawInput));
    double[] i = apply(f.gates(), rawInput);
    double[] keep = Arrays.stream(i).map(v -> 1 - v).toArray();
    if (l.f().isPresent()) {
      Sums sums = l.f().get();
      double[] rawForget = affine(sums.w(), x, sums.u(), h, sums.b());
      l.peepholes().ifPresent(p -> addProduct(p.forget(), c, rawForget));
      keep = apply(f.gates(), rawForget);
    }
    for (int k = 0; k < c.length; k++) {
      c[k] = keep[k] * c[k] + i[k] * g[k];
    }
    l.peepholes().ifPresent(p -> addProduct(p.output(), c, rawOutput));
    double[] o = apply(f.gates(), rawOutput);
    double[] out = apply(f.hidden(), c);
    for (int k = 0; k < c.length; k++) {
      out[k] *= o[k];
    }
    return l.projection().map(wp -> times(wp, out)).orElse(out);
  }

  /** Changes the cells. */
  private static double[] sru(Sru l, double[] x, double[] c) {
    double[] u = times(l.candidate(), x);
    double[] f = gate(l.forget(), x, c);
    Optional<double[]> r = l.highway().reset().map(gate -> gate(gate, x, c));
    for (int i = 0; i < c.length; i++) {
      c[i] = f[i] * c[i] + (1 - f[i]) * u[i];
    }
    double[] h = apply(l.activation(), c);
    double[] skip =
        switch (l.highway()) {
          case Sru.Highway.FromInput(Sru.Gate _, float scale) ->
              Arrays.stream(x).map(v -> scale * v).toArray();
          case Sru.Highway.FromMatrix(Sru.Gate _, Matrix wh) -> times(wh, x);
          case Sru.Highway.GateOnly _, Sru.Highway.None _ -> new double[c.length];
        };
    if (r.isPresent()) {
      for (int i = 0; i < h.length; i++) {
        h[i] = r.get()[i] * h[i] + (1 - r.get()[i]) * skip[i];
      }
    }
    return h;
  }

  private static double[] gate(Sru.Gate gate, double[] x, double[] c) {
    double[] a = times(gate.w(), x);
    gate.v().ifPresent(v -> addProduct(v, c, a));
    for (int i = 0; i < a.length; i++) {
      a[i] = sigmoid(a[i] + gate.b().at(i, 0));
    }
    return a;
  }

  private static void addProduct(Matrix peephole, double[] c, double[] raw) {
    for (int k = 0; k < raw.length; k++) {
      raw[k] += peephole.at(k, 0) * c[k];
    }
  }

  private static double[] apply(Activation.Elementwise activation, double[] values) {
    return Arrays.stream(values)
        .map(v -> {
          double result = v;
          for (Activation.Step step : activation.steps()) {
            result = apply(step, result);
          }
          return result;
        })
        .toArray();
  }

  static double apply(Activation.Step step, double v) {
    double a = step.a();
    double b = step.b();
    return switch (step.function()) {
      case SIGMOID -> sigmoid(v);
      case TANH -> Math.tanh(v);
      case AFFINE -> a * v + b;
      case CLAMP -> Math.clamp(v, a, b);
      case LEAK -> v > 0 ? v : a * v;
      case THRESHOLD -> v > a ? v : 0;
      case ELU -> v > 0 ? v : a * Math.expm1(v);
      case SOFTSIGN -> v / (1 + Math.abs(v));
      case EXP -> Math.exp(v);
      case LOG -> v > 0 ? Math.log(v) : -Operation.LIMIT;
      case SQRT -> Math.sqrt(Math.max(0, v));
      case POWER -> Math.pow(v, a);
      case RECIPROCAL -> Math.clamp(1 / v, -Operation.LIMIT, Operation.LIMIT);
      case ABS -> Math.abs(v);
      case FLOOR -> Math.floor(v);
      case ERF -> erf(v);
      case SOFTPLUS -> Math.max(0, v) + Math.log1p(Math.exp(-Math.abs(v)));
      case GELU -> v * (1 + erf(v / Math.sqrt(2))) / 2;
      case SILU -> v / (1 + Math.exp(-v));
    };
  }

  /** {@code 2 / sqrt(pi) exp(-v^2) (v + 2 v^3 / 3 + 4 v^5 / 15 + ...)}; 1 in float64 from 6 on. */
  private static double erf(double v) {
    if (Math.abs(v) >= 6) {
      return Math.signum(v);
    }
    double sum = 0;
    double term = v;
    for (int k = 1; Math.abs(term) > 1e-17 * Math.abs(sum); k++) {
      sum += term;
      term *= 2 * v * v / (2 * k + 1);
    }
    return 2 / Math.sqrt(Math.PI) * Math.exp(-v * v) * sum;
  }

  private static double[] transposed(Matrix table, double[] x) {
    double[] y = new double[table.columns()];
    for (int token = 0; token < x.length; token++) {
      for (int i = 0; i < y.length; i++) {
        y[i] += table.at(token, i) * x[token];
      }
    }
    return y;
  }

  private static double[] dense(Dense l, double[] x) {
    double[] y = times(l.w(), x);
    for (int i = 0; i < y.length; i++) {
      y[i] += l.b().at(i, 0);
    }
    if (l.activation() instanceof Activation.Elementwise activation) {
      y = apply(activation, y);
    } else {
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

  private static double[] conditionalDense(ConditionalDense l, double[] x) {
    double[] s = scores(l, x);
    double[] y = times(l.w(), x);
    for (int i = 0; i < y.length; i++) {
      y[i] = s[i] > 0 ? Math.max(0, y[i] + l.b().at(i, 0)) : 0;
    }
    return y;
  }

  /** {@code U (V x) + e}. */
  static double[] scores(ConditionalDense l, double[] x) {
    double[] s = times(l.estimate().u(), times(l.estimate().v(), x));
    for (int i = 0; i < s.length; i++) {
      s[i] += l.estimate().e().at(i, 0);
    }
    return s;
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
