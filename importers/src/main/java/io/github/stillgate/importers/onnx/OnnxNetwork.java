package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.importers.onnx.OnnxFile.Answer;
import io.github.stillgate.importers.onnx.TensorLayout.Axis;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * A graph as a model, with account of where in its tensors steps, streams and vectors are.
 *
 * @param graph what it was read from, its inputs with values
 * @param model the layers
 * @param answer the steps at which the output is the graph's
 * @param recurrent the nodes that keep a state, in the order of the layers
 * @param byPosition the same by their places in the graph
 * @param sequence axes of the steps
 * @param batch axes of the streams
 * @param input where the data comes in
 * @param output where it goes out; empty if the graph gives last states only
 * @param states the other outputs, and the states they are made of
 */
record OnnxNetwork(
    Graph graph,
    Model model,
    Answer answer,
    List<RecurrentNode> recurrent,
    Map<Integer, RecurrentNode> byPosition,
    List<Axis> sequence,
    List<Axis> batch,
    Port input,
    Optional<Port> output,
    Map<String, List<GraphPath.State>> states) {
  /**
   * An end of the chain.
   *
   * @param name of the value
   * @param layout of its tensor
   * @param vector axes of what a step reads or gives
   */
  record Port(String name, TensorLayout layout, List<Axis> vector) {
    long[] shape() {
      return layout.shape();
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

  /** Sizes of the graph's outputs by name. */
  Map<String, long[]> shapes() {
    Map<String, long[]> shapes = new HashMap<>();
    output.ifPresent(port -> shapes.put(port.name(), port.shape()));
    states.forEach((name, made) -> shapes.put(name, stateShape(stateOutput(name).node())));
    return shapes;
  }

  /**
   * Runs every stream of the batch through a sequence, from the states and for the lengths that the
   * graph says.
   *
   * @return the graph's outputs by name, row-major; what they take must fit into memory
   * @throws UnsupportedOnnxException if an output is neither the chain's nor a state
   * @throws OnnxFormatException if a value has a wrong shape or type
   */
  Map<String, float[]> run(Plan plan) {
    float[] data =
        graph
            .constant(recurrent.getFirst().node(), input.name())
            .orElseThrow(() ->
                new OnnxFormatException(
                    graph.file(), "no value for the graph's input \"%s\"".formatted(input.name())))
            .floats();
    int[] lengths = lengths();
    List<Start> starts = starts();
    Map<String, float[]> outputs = new HashMap<>();
    shapes()
        .forEach((name, shape) -> {
          long size = Arrays.stream(shape).reduce(1, Math::multiplyExact);
          outputs.put(name, new float[Math.toIntExact(size)]);
        });
    try (Sequence stream = Sequence.open(plan)) {
      for (int b = 0; b < lengths.length; b++) {
        stream.reset();
        begin(stream, starts, b);
        float[][] given = stream.run(steps(data, b, lengths[b]));
        int element = b;
        output.ifPresent(
            port -> write(given, port, Objects.requireNonNull(outputs.get(port.name())), element));
        for (String state : states.keySet()) {
          writeState(stream, stateOutput(state), Objects.requireNonNull(outputs.get(state)), b);
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
  private void write(float[][] given, Port port, float[] to, int b) {
    int at = port.layout().at(batch, b);
    switch (answer) {
      case EVERY_STEP -> {
        for (int t = 0; t < given.length; t++) {
          port.put(given[t], to, at + port.layout().at(sequence, t));
        }
      }
      case LAST_STEP -> port.put(given[given.length - 1], to, at);
      case FIRST_STEP -> port.put(given[0], to, at);
    }
  }

  private record StateOutput(RecurrentNode node, int state) {}

  private StateOutput stateOutput(String name) {
    List<GraphPath.State> made = Objects.requireNonNull(states.get(name));
    if (made.size() > 1) {
      throw new UnsupportedOnnxException(
          graph.file(),
          "output \"%s\" joins %d last states; test cases are run with states that stand alone"
              .formatted(name, made.size()));
    }
    GraphPath.State state = made.getFirst();
    return new StateOutput(
        Objects.requireNonNull(byPosition.get(state.node().position())), state.state());
  }

  private long[] stateShape(RecurrentNode node) {
    int streams = TensorLayout.size(batch);
    return node.isBatchFirst()
        ? new long[] {streams, node.directions(), node.units()}
        : new long[] {node.directions(), streams, node.units()};
  }

  /** Where the state of stream b in direction d begins. */
  private int stateAt(RecurrentNode node, int b, int d) {
    int row = node.isBatchFirst() ? b * node.directions() + d : d * TensorLayout.size(batch) + b;
    return row * node.units();
  }

  /** A state that the graph gives a value to begin with. */
  private record Start(RecurrentNode node, int state, float[] values) {}

  private List<Start> starts() {
    List<Start> starts = new ArrayList<>();
    for (RecurrentNode node : recurrent) {
      for (int state = 0; state < node.states(); state++) {
        int kept = state;
        node.initialState(state)
            .ifPresent(tensor -> starts.add(new Start(node, kept, tensor.floats())));
      }
    }
    return starts;
  }

  private void begin(Sequence stream, List<Start> starts, int b) {
    for (Start start : starts) {
      RecurrentNode node = start.node();
      for (int d = 0; d < node.directions(); d++) {
        int at = stateAt(node, b, d);
        stream.state(
            node.stateName(start.state(), d),
            Arrays.copyOfRange(start.values(), at, at + node.units()));
      }
    }
  }

  private void writeState(Sequence stream, StateOutput output, float[] to, int b) {
    RecurrentNode node = output.node();
    for (int d = 0; d < node.directions(); d++) {
      float[] values = stream.state(node.stateName(output.state(), d));
      System.arraycopy(values, 0, to, stateAt(node, b, d), values.length);
    }
  }

  /** Steps of each stream; all nodes must agree on them. */
  private int[] lengths() {
    int steps = TensorLayout.size(sequence);
    int[] lengths = lengths(recurrent.getFirst(), steps);
    Set<String> agreeing = new HashSet<>(Set.of(recurrent.getFirst().sequenceLens()));
    for (RecurrentNode node : recurrent) {
      if (agreeing.add(node.sequenceLens()) && !Arrays.equals(lengths, lengths(node, steps))) {
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
    if (!Arrays.equals(tensor.shape(), new int[] {lengths.length})) {
      throw node.node()
          .malformed(
              "sequence_lens is %s, expected %d lengths: [%d]"
                  .formatted(tensor, lengths.length, lengths.length));
    }
    long[] values = tensor.integers();
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
