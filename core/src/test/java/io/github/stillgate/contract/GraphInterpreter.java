package io.github.stillgate.contract;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Constant;
import io.github.stillgate.core.model.Elementwise;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Layer;
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
