package io.github.stillgate.contract;

import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Constant;
import io.github.stillgate.core.model.Elementwise;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.MatrixProduct;
import io.github.stillgate.core.model.Normalise;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.Reduction;
import io.github.stillgate.core.model.Softmax;
import io.github.stillgate.core.model.WeightedSum;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Graphs of operations as their documentation says, a value at a time in float32, so that results
 * are equal bit for bit. Functions are those of which every operation is exact or rounded once.
 */
final class GraphInterpreter {
  private static final float LIMIT = 0x1p59f;

  private final Graph graph;
  private final Map<String, float[]> states = new HashMap<>();

  GraphInterpreter(Graph graph) {
    this.graph = graph;
    for (Graph.State state : graph.states()) {
      float[] initial = state.initial().map(m -> m.toArray()).orElse(new float[state.width()]);
      states.put(state.name(), flushed(initial));
    }
  }

  /** All values of one step, after which the states are replaced. */
  Map<String, float[]> step(Map<String, float[]> inputs) {
    Map<String, float[]> values = new HashMap<>(inputs);
    values.putAll(states);
    for (Graph.Node node : graph.nodes()) {
      List<float[]> read = node.inputs().stream().map(values::get).toList();
      values.put(node.layer().name(), result(node.layer(), read));
    }
    for (Graph.State state : graph.states()) {
      states.put(state.name(), flushed(values.get(state.next())));
    }
    return values;
  }

  private static float[] result(Layer layer, List<float[]> read) {
    return switch (layer) {
      case WeightedSum sum -> weightedSum(sum, read);
      case Positions positions -> positions(positions, read.getFirst());
      case Reduction reduction -> reduced(reduction, read.getFirst());
      case Softmax softmax -> softmax(softmax, read.getFirst());
      case Normalise normalise -> normalised(normalise, read.getFirst());
      case MatrixProduct product -> product(product, read.get(0), read.get(1));
      default -> valueByValue(layer, read);
    };
  }

  private static float[] weightedSum(WeightedSum layer, List<float[]> read) {
    return Bits.floats(
        layer.width(),
        i -> {
          int channel = i % layer.channels();
          float sum = layer.b().at(channel, 0);
          for (int term = 0; term < layer.terms(); term++) {
            sum = Math.fma(layer.w().at(term, channel), read.get(term)[i], sum);
          }
          return applied(layer.activation(), clip(sum));
        });
  }

  /** A row is one chain. */
  private static float[] positions(Positions layer, float[] x) {
    int m = layer.groupOutputs();
    int c = layer.groupInputs();
    return Bits.floats(
        layer.outputs(),
        i -> {
          int row = i % layer.b().rows();
          int slice = i / m * c;
          float chain = 0;
          for (int k = 0; k < c; k++) {
            chain = Math.fma(layer.w().at(row, k), x[slice + k], chain);
          }
          return applied(layer.activation(), clip(chain + layer.b().at(row, 0)));
        });
  }

  private static float[] reduced(Reduction layer, float[] x) {
    return Bits.floats(
        layer.rows(),
        row -> {
          float[] values = row(x, row, layer.columns());
          return switch (layer.kind()) {
            case SUM -> clip(sum(values));
            case MEAN -> clip(sum(values) / values.length);
            case MAXIMUM -> {
              float largest = values[0];
              for (float v : values) {
                largest = v > largest ? v : largest;
              }
              yield largest;
            }
            case MINIMUM -> {
              float smallest = values[0];
              for (float v : values) {
                smallest = v < smallest ? v : smallest;
              }
              yield smallest;
            }
          };
        });
  }

  private static float[] softmax(Softmax layer, float[] x) {
    float[] result = new float[x.length];
    for (int row = 0; row < layer.rows(); row++) {
      float[] e = row(x, row, layer.columns());
      float largest = e[0];
      for (float v : e) {
        largest = v > largest ? v : largest;
      }
      float[] partial = new float[32];
      for (int i = 0; i < e.length; i++) {
        e[i] = Elementary.exp(e[i] - largest);
        partial[i % 32] += e[i];
      }
      float sum = tree(partial);
      for (int i = 0; i < e.length; i++) {
        result[row * e.length + i] = e[i] / sum;
      }
    }
    return result;
  }

  private static float[] normalised(Normalise layer, float[] x) {
    float[] result = new float[x.length];
    for (int row = 0; row < layer.rows(); row++) {
      float[] d = row(x, row, layer.columns());
      for (int i = 0; i < d.length; i++) {
        d[i] = Math.max(-0x1p49f, Math.min(0x1p49f, d[i]));
      }
      float mean = sum(d) / d.length;
      float[] partial = new float[16];
      for (int i = 0; i < d.length; i++) {
        d[i] -= mean;
        partial[i % 16] = Math.fma(d[i], d[i], partial[i % 16]);
      }
      float deviation = (float) Math.sqrt(tree(partial) / d.length + layer.epsilon());
      for (int i = 0; i < d.length; i++) {
        boolean none = d[i] == 0 && deviation == 0;
        result[row * d.length + i] = none ? 0 : clip(d[i] / deviation);
      }
    }
    return result;
  }

  private static float[] product(MatrixProduct layer, float[] a, float[] b) {
    return Bits.floats(
        layer.outputs(),
        i -> {
          float sum = 0;
          for (int k = 0; k < layer.inner(); k++) {
            float left = a[i / layer.columns() * layer.inner() + k];
            float right = b[k * layer.columns() + i % layer.columns()];
            left = Math.max(-0x1p49f, Math.min(0x1p49f, left));
            right = Math.max(-0x1p49f, Math.min(0x1p49f, right));
            sum = Math.fma(left, right, sum);
          }
          return clip(sum);
        });
  }

  private static float[] row(float[] x, int row, int columns) {
    return Arrays.copyOfRange(x, row * columns, (row + 1) * columns);
  }

  private static float sum(float[] values) {
    float[] partial = new float[16];
    for (int i = 0; i < values.length; i++) {
      partial[i % 16] += values[i];
    }
    return tree(partial);
  }

  private static float tree(float[] partial) {
    for (int half = partial.length / 2; half > 0; half /= 2) {
      for (int l = 0; l < half; l++) {
        partial[l] += partial[l + half];
      }
    }
    return partial[0];
  }

  private static float[] valueByValue(Layer layer, List<float[]> read) {
    float[] result = new float[layer.outputs()];
    for (int i = 0; i < result.length; i++) {
      result[i] =
          switch (layer) {
            case IndexMap map -> taken(map.at(i), read);
            case Constant constant -> constant.values().at(i, 0);
            case Combine combine -> combined(combine.kind(), read.get(0)[i], read.get(1)[i]);
            case Elementwise function -> applied(function.function(), read.get(0)[i]);
            default -> throw new IllegalArgumentException(layer.name());
          };
    }
    return result;
  }

  private static float taken(int at, List<float[]> read) {
    int position = at;
    for (float[] vector : read) {
      if (position >= 0 && position < vector.length) {
        return vector[position];
      }
      position -= position < 0 ? 0 : vector.length;
    }
    return 0;
  }

  private static float combined(Combine.Kind kind, float a, float b) {
    return switch (kind) {
      case ADD -> clip(a + b);
      case SUBTRACT -> clip(a - b);
      case MULTIPLY -> clip(a * b);
      case DIVIDE -> a == 0 && b == 0 ? 0 : clip(a / b);
      case MINIMUM -> a < b ? a : b;
      case MAXIMUM -> a > b ? a : b;
      case LEAK -> a > 0 ? a : clip(a * b);
      case POWER -> throw new IllegalArgumentException("not rounded once");
    };
  }

  private static float applied(Activation.Elementwise function, float argument) {
    float v = argument;
    for (Activation.Step step : function.steps()) {
      float a = step.a();
      float b = step.b();
      v =
          clip(
              switch (step.function()) {
                case AFFINE -> Math.fma(a, v, b);
                case CLAMP -> v > a ? (v < b ? v : b) : a;
                case LEAK -> v > 0 ? v : a * v;
                case THRESHOLD -> v > a ? v : 0;
                case SOFTSIGN -> v / (1 + Math.abs(v));
                case SQRT -> v > 0 ? (float) Math.sqrt(v) : 0;
                case RECIPROCAL -> 1 / v;
                case ABS -> Math.abs(v);
                case FLOOR -> (float) Math.floor(v);
                default -> throw new IllegalArgumentException("not rounded once");
              });
    }
    return v;
  }

  private static float clip(float v) {
    return v > LIMIT ? LIMIT : v < -LIMIT ? -LIMIT : v;
  }

  private static float[] flushed(float[] values) {
    return Bits.floats(values.length, i -> Math.abs(values[i]) < 1e-30f ? 0 : values[i]);
  }
}
