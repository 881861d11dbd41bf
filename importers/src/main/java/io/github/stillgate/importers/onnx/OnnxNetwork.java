package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.importers.onnx.OnnxFile.Answer;
import io.github.stillgate.importers.onnx.TensorLayout.Axis;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A graph as a model, with account of where in its tensors steps, streams and vectors are.
 *
 * @param graph what it was read from, its inputs with values
 * @param model the layers
 * @param answer the steps at which the output is the graph's
 * @param recurrent the nodes that keep a state, in the order of the layers
 * @param sequence axes of the steps
 * @param batch axes of the streams
 * @param input where the data comes in
 * @param output where it goes out; empty if the graph gives last states only
 */
record OnnxNetwork(
    Graph graph,
    Model model,
    Answer answer,
    List<RecurrentNode> recurrent,
    List<Axis> sequence,
    List<Axis> batch,
    Port input,
    Optional<Port> output) {
  /**
   * An end of the chain.
   *
   * @param name of the value
   * @param layout of its tensor
   * @param vector axes of what a step reads or gives
   */
  record Port(String name, TensorLayout layout, List<Axis> vector) {
    int[] shape() {
      return Arrays.stream(layout.shape()).mapToInt(Math::toIntExact).toArray();
    }

    float[] vector(float[] tensor, int at) {
      float[] values = new float[TensorLayout.size(vector)];
      for (int i = 0; i < values.length; i++) {
        values[i] = tensor[at + layout.at(vector, i)];
      }
      return values;
    }

    void put(float[] values, float[] tensor, int at) {
      for (int i = 0; i < values.length; i++) {
        tensor[at + layout.at(vector, i)] = values[i];
      }
    }
  }

  /**
   * A value the graph gives.
   *
   * @param shape its sizes
   * @param values row-major
   */
  record Value(int[] shape, float[] values) {
    static Value zeros(int... shape) {
      return new Value(shape, new float[Arrays.stream(shape).reduce(1, Math::multiplyExact)]);
    }
  }

  /**
   * Runs every stream of the batch through a sequence, from the states and for the lengths that the
   * graph says.
   *
   * @return the graph's outputs by name
   * @throws UnsupportedOnnxException if an output is neither the chain's nor a state
   * @throws OnnxFormatException if a value has a wrong shape or type
   */
  Map<String, Value> run(Plan plan) {
    Map<String, Value> outputs = new HashMap<>();
    output.ifPresent(port -> outputs.put(port.name(), Value.zeros(port.shape())));
    for (String name : graph.outputs()) {
      if (!outputs.containsKey(name)) {
        outputs.put(name, Value.zeros(stateShape(stateOutput(name).node())));
      }
    }
    float[] data =
        graph
            .constant(recurrent.getFirst().node(), input.name())
            .orElseThrow(() ->
                new OnnxFormatException(
                    graph.file(), "no value for the graph's input \"%s\"".formatted(input.name())))
            .floats();
    int[] lengths = lengths();
    try (Sequence stream = Sequence.open(plan)) {
      for (int b = 0; b < lengths.length; b++) {
        stream.reset();
        begin(stream, b);
        float[][] given = stream.run(steps(data, b, lengths[b]));
        int element = b;
        output.ifPresent(port -> write(given, port, outputs.get(port.name()), element));
        for (Map.Entry<String, Value> state : outputs.entrySet()) {
          if (output.isEmpty() || !state.getKey().equals(output.get().name())) {
            writeState(stream, stateOutput(state.getKey()), state.getValue(), b);
          }
        }
      }
    }
    return outputs;
  }

  private float[][] steps(float[] data, int b, int length) {
    float[][] steps = new float[length][];
    TensorLayout layout = input.layout();
    for (int t = 0; t < length; t++) {
      steps[t] = input.vector(data, layout.at(batch, b) + layout.at(sequence, t));
    }
    return steps;
  }

  /** Steps behind a sequence's end stay zero. */
  private void write(float[][] given, Port port, Value to, int b) {
    int at = port.layout().at(batch, b);
    switch (answer) {
      case EVERY_STEP -> {
        for (int t = 0; t < given.length; t++) {
          port.put(given[t], to.values(), at + port.layout().at(sequence, t));
        }
      }
      case LAST_STEP -> port.put(given[given.length - 1], to.values(), at);
      case FIRST_STEP -> port.put(given[0], to.values(), at);
    }
  }

  private record StateOutput(RecurrentNode node, int state) {}

  private StateOutput stateOutput(String name) {
    for (RecurrentNode node : recurrent) {
      int index = node.node().outputIndex(name);
      if (index > 0) {
        return new StateOutput(node, index - 1);
      }
    }
    throw new UnsupportedOnnxException(
        graph.file(),
        "output \"%s\" is neither the end of the chain nor a last state in it".formatted(name));
  }

  private int[] stateShape(RecurrentNode node) {
    int streams = TensorLayout.size(batch);
    return node.isBatchFirst()
        ? new int[] {streams, node.directions(), node.units()}
        : new int[] {node.directions(), streams, node.units()};
  }

  /** Where the state of stream b in direction d begins. */
  private int stateAt(RecurrentNode node, int b, int d) {
    int row = node.isBatchFirst() ? b * node.directions() + d : d * TensorLayout.size(batch) + b;
    return row * node.units();
  }

  private void begin(Sequence stream, int b) {
    for (RecurrentNode node : recurrent) {
      for (int state = 0; state < node.states(); state++) {
        Optional<OnnxTensor> initial = node.initialState(state);
        if (initial.isPresent()) {
          float[] values = initial.get().floats();
          if (!Arrays.equals(initial.get().shape(), stateShape(node))) {
            throw node.node()
                .malformed(
                    "its initial state is %s, expected %s"
                        .formatted(initial.get(), Arrays.toString(stateShape(node))));
          }
          for (int d = 0; d < node.directions(); d++) {
            int at = stateAt(node, b, d);
            stream.state(
                node.stateName(state, d), Arrays.copyOfRange(values, at, at + node.units()));
          }
        }
      }
    }
  }

  private void writeState(Sequence stream, StateOutput output, Value to, int b) {
    RecurrentNode node = output.node();
    for (int d = 0; d < node.directions(); d++) {
      float[] values = stream.state(node.stateName(output.state(), d));
      System.arraycopy(values, 0, to.values(), stateAt(node, b, d), values.length);
    }
  }

  /** Steps of each stream; all nodes must agree on them. */
  private int[] lengths() {
    int steps = TensorLayout.size(sequence);
    int[] lengths = lengths(recurrent.getFirst(), steps);
    for (RecurrentNode node : recurrent) {
      if (!Arrays.equals(lengths, lengths(node, steps))) {
        throw node.node()
            .unsupported(
                "its sequences are not as long as those of %s; supported are the same for all"
                    .formatted(recurrent.getFirst().node()));
      }
    }
    boolean cut = Arrays.stream(lengths).anyMatch(length -> length < steps);
    boolean endsInState = model.layers().getLast() == recurrent.getLast().layer();
    if (cut && output.isPresent() && answer == Answer.EVERY_STEP && !endsInState) {
      throw new UnsupportedOnnxException(
          graph.file(),
          "sequence_lens cut a sequence short and layer %s goes on behind its end; supported is a cut"
                  .formatted(model.layers().getLast().name())
              + " in a graph that ends with a recurrent node");
    }
    return lengths;
  }

  private int[] lengths(RecurrentNode node, int steps) {
    int[] lengths = new int[TensorLayout.size(batch)];
    Arrays.fill(lengths, steps);
    if (node.sequenceLens().isEmpty()) {
      return lengths;
    }
    OnnxTensor tensor =
        graph
            .constant(node.node(), node.sequenceLens())
            .orElseThrow(() ->
                node.node()
                    .unsupported(
                        "sequence_lens (\"%s\") is computed; supported are constants and graph inputs"
                            .formatted(node.sequenceLens())));
    long[] values = tensor.integers();
    if (values.length != lengths.length) {
      throw node.node()
          .malformed("sequence_lens is %s, expected %d lengths".formatted(tensor, lengths.length));
    }
    for (int b = 0; b < lengths.length; b++) {
      if (values[b] < 1 || values[b] > steps) {
        throw node.node()
            .malformed("sequence_lens[%d] is %d, expected 1 to %d".formatted(b, values[b], steps));
      }
      lengths[b] = (int) values[b];
    }
    return lengths;
  }
}
