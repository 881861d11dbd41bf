package io.github.stillgate.bench.step;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.github.stillgate.bench.OnnxGruGraph;
import io.github.stillgate.bench.OnnxLstmGraph;
import io.github.stillgate.bench.OnnxQuantizedLstmGraph;
import io.github.stillgate.bench.OnnxThread;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import java.util.ArrayList;
import java.util.List;

/**
 * One step of a chain of GRUs, or of one LSTM, as a graph.
 *
 * @param layers the layers
 * @param int8 whether the weights are int8
 */
record OnnxRuntimeGraphs(List<Layer> layers, boolean int8) {
  /** The graph on one thread. */
  OrtSession open() throws OrtException {
    return OnnxThread.open(graph());
  }

  private byte[] graph() {
    if (!(layers.getFirst() instanceof Lstm lstm)) {
      return OnnxGruGraph.of(layers, 1).toByteArray();
    }
    return (int8 ? OnnxQuantizedLstmGraph.of(lstm) : OnnxLstmGraph.of(lstm, 1)).toByteArray();
  }

  /** What a step reads of its states, by layer; of each there is a next. */
  List<String> states() {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      names.add("h" + i);
      if (layers.get(i) instanceof Lstm) {
        names.add("c" + i);
      }
    }
    return names;
  }

  /** What becomes of a state. */
  static String next(String state) {
    return state.startsWith("c") ? "next" + state : "next" + state.substring(1);
  }

  int inputs() {
    return layers.getFirst().inputs();
  }

  /** All layers are equally wide. */
  int units() {
    return layers.getLast().outputs();
  }

  double bytes() {
    return layers.stream().mapToDouble(layer -> GatedLayer.bytes(layer, int8 ? 1 : 4)).sum();
  }

  /** The state that is the output. */
  String output() {
    return "h" + (layers.size() - 1);
  }
}
