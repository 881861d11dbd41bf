package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.AtPositions;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Operation;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.model.Sru;
import io.github.stillgate.core.model.Sums;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * A network by its formulas, in float64 with {@link Math}, one layer after the other over a whole
 * sequence. A sum adds its terms one by one in the order of the columns, first the input's, then
 * the state's, then the bias; so a network that lacks some terms of 0 gives the same bits.
 */
final class Float64Network {
  private final Model model;
  private final IntConsumer progress;

  /**
   * Evaluates {@code model}.
   *
   * @param progress hears the steps of a sequence after each layer
   */
  Float64Network(Model model, IntConsumer progress) {
    Chains.require(model);
    this.model = model;
    this.progress = progress;
  }

  /** The outputs for tokens, from the initial state. */
  double[][] outputs(int[] tokens) {
    double[][] values = new double[tokens.length][];
    List<Layer> layers = model.layers();
    if (layers.getFirst() instanceof Embedding(String _, Matrix table)) {
      for (int t = 0; t < tokens.length; t++) {
        values[t] = row(table, tokens[t]);
      }
      layers = layers.subList(1, layers.size());
      progress.accept(tokens.length);
    } else {
      for (int t = 0; t < tokens.length; t++) {
        values[t] = new double[model.inputs()];
        values[t][tokens[t]] = 1;
      }
    }
    return outputs(layers, values);
  }

  /** The outputs for vectors, from the initial state. */
  double[][] outputs(float[][] inputs) {
    double[][] values = new double[inputs.length][model.inputs()];
    for (int t = 0; t < inputs.length; t++) {
      for (int i = 0; i < inputs[t].length; i++) {
        values[t][i] = inputs[t][i];
      }
    }
    return outputs(model.layers(), values);
  }

  private double[][] outputs(List<Layer> layers, double[][] inputs) {
    double[][] values = inputs;
    for (Layer layer : layers) {
      values = outputs(layer, values);
      progress.accept(inputs.length);
    }
    return values;
  }

  private static double[][] outputs(Layer layer, double[][] x) {
    return switch (layer) {
      case Backward backward -> reversed(outputs(backward.layer(), reversed(x)));
      case Bidirectional pair ->
          joined(outputs(pair.forward(), x), reversed(outputs(pair.backward(), reversed(x))));
      case ConditionalGru gru -> conditionalGru(gru, x);
      case Gru gru -> gru(gru, x);
      case Lstm lstm -> lstm(lstm, x);
      case Sru sru -> sru(sru, x);
      case SimpleRnn rnn -> {
        double[][] y = new double[x.length][];
        double[] h = initial(rnn.initialState().h(), rnn.outputs());
        Sums sums = new Sums(rnn.w(), rnn.u(), rnn.b());
        for (int t = 0; t < x.length; t++) {
          h = applied(rnn.activation(), sums(sums, x[t], h));
          y[t] = h;
        }
        yield y;
      }
      case Embedding(String _, Matrix table) -> each(x, v -> transposed(table, v));
      case Dense dense -> each(x, v -> dense(dense, v));
      case ConditionalDense dense -> each(x, v -> conditionalDense(dense, v));
      case AtPositions _, Positions _, Operation _ -> throw Chains.refused(layer);
    };
  }

  private static double[] initial(Optional<Matrix> state, int width) {
    double[] values = new double[width];
    state.ifPresent(given -> Arrays.setAll(values, i -> given.at(i, 0)));
    return values;
  }

  private interface Step {
    double[] of(double[] x);
  }

  private static double[][] each(double[][] x, Step step) {
    return Arrays.stream(x).map(step::of).toArray(double[][]::new);
  }

  private static double[][] reversed(double[][] values) {
    double[][] reversed = values.clone();
    Collections.reverse(Arrays.asList(reversed));
    return reversed;
  }

  private static double[][] joined(double[][] first, double[][] second) {
    double[][] both = new double[first.length][];
    for (int t = 0; t < both.length; t++) {
      both[t] = Arrays.copyOf(first[t], first[t].length + second[t].length);
      System.arraycopy(second[t], 0, both[t], first[t].length, second[t].length);
    }
    return both;
  }

  private static double[] dense(Dense layer, double[] x) {
    double[] y = plus(times(layer.w(), x), layer.b());
    return switch (layer.activation()) {
      case Activation.Elementwise activation -> applied(activation, y);
      case Activation.Softmax _ -> {
        double largest = Arrays.stream(y).max().orElseThrow();
        Arrays.setAll(y, i -> Math.exp(y[i] - largest));
        double sum = Arrays.stream(y).reduce(0, Double::sum);
        Arrays.setAll(y, i -> y[i] / sum);
        yield y;
      }
    };
  }

  private static double[] conditionalDense(ConditionalDense layer, double[] x) {
    ConditionalDense.Estimate estimate = layer.estimate();
    double[] s = plus(times(estimate.u(), times(estimate.v(), x)), estimate.e());
    double[] y = plus(times(layer.w(), x), layer.b());
    Arrays.setAll(y, i -> s[i] > 0 && y[i] > 0 ? y[i] : 0);
    return y;
  }

  private static double[][] conditionalGru(ConditionalGru layer, double[][] x) {
    double[][] y = new double[x.length][];
    double[] h = initial(layer.initialState().h(), layer.outputs());
    for (int t = 0; t < x.length; t++) {
      double[] z = gates(layer.gating(), x[t], h);
      double[] r = applied(layer.activations().reset(), sums(layer.r(), x[t], h));
      double[] wx = times(layer.c().w(), x[t]);
      double[] uh = times(layer.c().u(), h);
      Arrays.setAll(wx, i -> wx[i] + r[i] * uh[i] + layer.c().b().at(i, 0));
      double[] c = applied(layer.activations().candidate(), wx);
      double[] before = h;
      double[] next = new double[h.length];
      Arrays.setAll(next, i -> before[i] + z[i] * (c[i] - before[i]));
      y[t] = h = next;
    }
    return y;
  }

  private static double[] gates(Gating gating, double[] x, double[] h) {
    return switch (gating) {
      case Gating.Full(Sums z) -> clippedTanh(sums(z, x, h));
      case Gating.Unit(Sums u, Matrix wz, Matrix bz, Activation.Elementwise f) ->
          clippedTanh(plus(times(wz, applied(f, sums(u, x, h))), bz));
      case Gating.Block block -> blockGates(block, applied(block.f(), sums(block.u(), x, h)));
      case Gating.Hybrid(Gating.Block block, Matrix v, Matrix e) -> {
        double[] u = applied(block.f(), sums(block.u(), x, h));
        double[] scale = applied(Activation.SIGMOID, plus(times(v, u), e));
        double[] z = blockGates(block, u);
        Arrays.setAll(z, i -> z[i] * scale[i]);
        yield z;
      }
    };
  }

  private static double[] blockGates(Gating.Block block, double[] u) {
    double[] a = new double[block.units()];
    Arrays.setAll(a, i -> u[i / block.blockUnits()] + block.bz().at(i / block.blockUnits(), 0));
    return clippedTanh(a);
  }

  private static double[] clippedTanh(double[] a) {
    return Arrays.stream(a).map(v -> v > 0 ? Math.tanh(v) : 0).toArray();
  }

  private static double[][] gru(Gru layer, double[][] x) {
    Gru.Activations f = layer.activations();
    double[][] y = new double[x.length][];
    double[] h = initial(layer.initialState().h(), layer.outputs());
    for (int t = 0; t < x.length; t++) {
      double[] z = applied(f.update(), sums(layer.z(), x[t], h));
      double[] r = applied(f.reset(), sums(layer.r(), x[t], h));
      double[] wx = times(layer.c().w(), x[t]);
      double[] uh =
          switch (layer.reset()) {
            case Reset.BeforeMatrix _ -> times(layer.c().u(), product(r, h));
            case Reset.AfterMatrix(Optional<Matrix> bh) -> {
              double[] inner = times(layer.c().u(), h);
              yield product(r, bh.map(b -> plus(inner, b)).orElse(inner));
            }
          };
      Arrays.setAll(wx, i -> wx[i] + uh[i] + layer.c().b().at(i, 0));
      double[] c = applied(f.candidate(), wx);
      double[] before = h;
      double[] next = new double[h.length];
      Arrays.setAll(next, i -> before[i] + z[i] * (c[i] - before[i]));
      y[t] = h = next;
    }
    return y;
  }

  private static double[][] lstm(Lstm layer, double[][] x) {
    Lstm.Activations functions = layer.activations();
    Optional<Lstm.Peepholes> peepholes = layer.peepholes();
    double[][] y = new double[x.length][];
    double[] h = initial(layer.initialState().h(), layer.outputs());
    double[] c = initial(layer.initialState().c(), layer.cells());
    for (int t = 0; t < x.length; t++) {
      double[] ai = sums(layer.i(), x[t], h);
      double[] ao = sums(layer.o(), x[t], h);
      double[] g = applied(functions.cell(), sums(layer.g(), x[t], h));
      double[] old = c;
      peepholes.ifPresent(p -> addOwn(ai, p.input(), old));
      double[] i = applied(functions.gates(), ai);
      double[] f;
      if (layer.f().isPresent()) {
        double[] af = sums(layer.f().get(), x[t], h);
        peepholes.ifPresent(p -> addOwn(af, p.forget(), old));
        f = applied(functions.gates(), af);
      } else {
        f = Arrays.stream(i).map(v -> 1 - v).toArray();
      }
      double[] cells = new double[old.length];
      Arrays.setAll(cells, k -> f[k] * old[k] + i[k] * g[k]);
      peepholes.ifPresent(p -> addOwn(ao, p.output(), cells));
      c = cells;
      double[] out = product(applied(functions.gates(), ao), applied(functions.hidden(), cells));
      h = layer.projection().map(wp -> times(wp, out)).orElse(out);
      y[t] = h;
    }
    return y;
  }

  private static double[][] sru(Sru layer, double[][] x) {
    double[][] y = new double[x.length][];
    double[] c = initial(layer.initialState().c(), layer.outputs());
    for (int t = 0; t < x.length; t++) {
      double[] u = times(layer.candidate(), x[t]);
      double[] f = gate(layer.forget(), x[t], c);
      double[] old = c;
      double[] cells = new double[c.length];
      Arrays.setAll(cells, i -> f[i] * old[i] + (1 - f[i]) * u[i]);
      c = cells;
      double[] out = applied(layer.activation(), cells);
      if (layer.highway().reset().isPresent()) {
        double[] r = gate(layer.highway().reset().get(), x[t], old);
        double[] k = carried(layer.highway(), x[t], out.length);
        Arrays.setAll(out, i -> r[i] * out[i] + (1 - r[i]) * k[i]);
      }
      y[t] = out;
    }
    return y;
  }

  private static double[] carried(Sru.Highway highway, double[] x, int units) {
    return switch (highway) {
      case Sru.Highway.FromInput(Sru.Gate _, float scale) ->
          Arrays.stream(x).map(v -> scale * v).toArray();
      case Sru.Highway.FromMatrix(Sru.Gate _, Matrix wh) -> times(wh, x);
      case Sru.Highway.GateOnly _, Sru.Highway.None _ -> new double[units];
    };
  }

  private static double[] gate(Sru.Gate gate, double[] x, double[] c) {
    double[] a = times(gate.w(), x);
    gate.v().ifPresent(v -> addOwn(a, v, c));
    return applied(Activation.SIGMOID, plus(a, gate.b()));
  }

  private static double[] sums(Sums sums, double[] x, double[] h) {
    double[] a = times(sums.w(), x);
    double[] recurrent = times(sums.u(), h);
    Arrays.setAll(a, i -> a[i] + recurrent[i]);
    return plus(a, sums.b());
  }

  private static double[] times(Matrix m, double[] x) {
    float[] weights = new float[m.columns()];
    double[] y = new double[m.rows()];
    for (int row = 0; row < y.length; row++) {
      m.copyRow(row, weights, 0);
      double sum = 0;
      for (int column = 0; column < weights.length; column++) {
        sum += weights[column] * x[column];
      }
      y[row] = sum;
    }
    return y;
  }

  private static double[] transposed(Matrix table, double[] x) {
    double[] y = new double[table.columns()];
    for (int token = 0; token < x.length; token++) {
      double[] row = row(table, token);
      for (int i = 0; i < y.length; i++) {
        y[i] += x[token] * row[i];
      }
    }
    return y;
  }

  private static double[] row(Matrix table, int token) {
    double[] row = new double[table.columns()];
    Arrays.setAll(row, i -> table.at(token, i));
    return row;
  }

  private static double[] plus(double[] a, Matrix b) {
    Arrays.setAll(a, i -> a[i] + b.at(i, 0));
    return a;
  }

  private static void addOwn(double[] a, Matrix v, double[] c) {
    Arrays.setAll(a, i -> a[i] + v.at(i, 0) * c[i]);
  }

  private static double[] product(double[] a, double[] b) {
    double[] product = new double[a.length];
    Arrays.setAll(product, i -> a[i] * b[i]);
    return product;
  }

  private static double[] applied(Activation.Elementwise activation, double[] values) {
    double[] result = values.clone();
    for (Activation.Step step : activation.steps()) {
      Arrays.setAll(result, i -> applied(step, result[i]));
    }
    return result;
  }

  private static double applied(Activation.Step step, double v) {
    double a = step.a();
    double b = step.b();
    return switch (step.function()) {
      case SIGMOID -> 1 / (1 + Math.exp(-v));
      case TANH -> Math.tanh(v);
      case AFFINE -> a * v + b;
      case CLAMP -> Math.min(b, Math.max(a, v));
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
}
