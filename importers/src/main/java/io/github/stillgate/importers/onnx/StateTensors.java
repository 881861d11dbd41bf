package io.github.stillgate.importers.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** The states of a graph's recurrent nodes as its inputs say them and its outputs give them. */
final class StateTensors {
  private final Graph graph;
  private final List<RecurrentNode> recurrent;
  private final Map<Integer, RecurrentNode> byPosition = new HashMap<>();
  private final int streams;
  private final Map<String, List<GraphPath.State>> outputs;
  private final List<Start> starts = new ArrayList<>();
  private final Map<StateValue, float[]> kept = new LinkedHashMap<>();

  /** State {@code state} of a node, in all directions. */
  private record StateValue(RecurrentNode node, int state) {}

  /** A state that the graph gives a value to begin with. */
  private record Start(RecurrentNode node, int state, float[] values) {}

  /**
   * Reads what streams begin with.
   *
   * @param graph its inputs with values
   * @param outputs those made of states, and the states
   */
  StateTensors(
      Graph graph,
      List<RecurrentNode> recurrent,
      int streams,
      Map<String, List<GraphPath.State>> outputs) {
    this.graph = graph;
    this.recurrent = recurrent;
    this.streams = streams;
    this.outputs = outputs;
    for (RecurrentNode node : recurrent) {
      byPosition.put(node.node().position(), node);
      for (int state = 0; state < node.states(); state++) {
        if (!node.beginsWithZero(state)) {
          starts.add(new Start(node, state, start(node, state).floats()));
        }
      }
    }
    for (List<GraphPath.State> made : outputs.values()) {
      for (GraphPath.State state : made) {
        RecurrentNode node = Objects.requireNonNull(byPosition.get(state.node().position()));
        kept.computeIfAbsent(
            new StateValue(node, state.state()), value -> new float[size(shape(value.node()))]);
      }
    }
  }

  private static OnnxTensor start(RecurrentNode node, int state) {
    return node.initialState(state)
        .orElseThrow(() ->
            node.node()
                .malformed(
                    "no value for the state that it begins with (\"%s\")"
                        .formatted(node.initialName(state))));
  }

  private static int size(long[] shape) {
    return Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
  }

  private long[] shape(RecurrentNode node) {
    int all = rows(node).streams();
    return node.isBatchFirst()
        ? new long[] {all, node.directions(), node.units()}
        : new long[] {node.directions(), all, node.units()};
  }

  private StateRows rows(RecurrentNode node) {
    return node.rows(node.positions() > 1 ? node.positions() : streams);
  }

  /** The largest magnitude of what streams of these nodes begin with. */
  static float largestStart(List<RecurrentNode> nodes) {
    float largest = 0;
    for (RecurrentNode node : nodes) {
      for (int state = 0; state < node.states(); state++) {
        Optional<OnnxTensor> tensor = node.initialState(state);
        if (tensor.isPresent()) {
          for (float value : tensor.get().floats()) {
            largest = Math.max(largest, Math.abs(value));
          }
        }
      }
    }
    return largest;
  }

  /** Sets what stream b begins with. */
  void begin(int b, BiConsumer<String, float[]> setter) {
    for (Start start : starts) {
      RecurrentNode node = start.node();
      List<String> names = node.stateNames(start.state());
      for (int i = 0; i < names.size(); i++) {
        int at = rows(node).row(i, b) * node.units();
        setter.accept(names.get(i), Arrays.copyOfRange(start.values(), at, at + node.units()));
      }
    }
  }

  /** Keeps what stream b ended with. */
  void end(int b, Function<String, float[]> getter) {
    kept.forEach((value, to) -> {
      RecurrentNode node = value.node();
      List<String> names = node.stateNames(value.state());
      for (int i = 0; i < names.size(); i++) {
        float[] values = getter.apply(names.get(i));
        System.arraycopy(values, 0, to, rows(node).row(i, b) * node.units(), values.length);
      }
    });
  }

  /**
   * The outputs once all streams have ended.
   *
   * @throws UnsupportedOnnxException if one cannot be put together of states
   */
  Map<String, float[]> values() {
    Map<String, Known> last = new HashMap<>();
    kept.forEach((state, to) ->
        last.put(
            state.node().node().output(1 + state.state()),
            Known.of(
                Known.Type.FLOAT, Extent.all(shape(state.node())), new TensorData.Floats(to))));
    Map<String, float[]> values = new HashMap<>();
    outputs
        .keySet()
        .forEach(name ->
            values.put(
                name,
                graph
                    .value(recurrent.getFirst().node(), name, last)
                    .orElseThrow(() -> notPutTogether(name))
                    .floats()));
    return values;
  }

  /** The shape of such an output. */
  long[] shape(String output) {
    Optional<long[]> shape = graph.folding().shape(output).flatMap(Extent::known);
    return shape.orElseThrow(() -> notPutTogether(output));
  }

  private UnsupportedOnnxException notPutTogether(String name) {
    return new UnsupportedOnnxException(
        graph.file(),
        "output \"%s\" is made of last states in a way that is not followed".formatted(name));
  }
}
