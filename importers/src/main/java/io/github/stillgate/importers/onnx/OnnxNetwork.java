package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.importers.onnx.OnnxFile.Answer;
import io.github.stillgate.importers.onnx.TensorLayout.Axis;
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
 * @param plumbing how states come in and go out
 * @param model the layers
 * @param answer the steps at which the output is the graph's
 * @param answersByNumber whether the graph takes that step by its number, not as a last state,
 *     which differs where a sequence ends before its last step
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
    StatePlumbing plumbing,
    Model model,
    Answer answer,
    boolean answersByNumber,
    List<RecurrentNode> recurrent,
    Map<Integer, RecurrentNode> byPosition,
    List<Axis> sequence,
    List<Axis> batch,
    Port input,
    Optional<Port> output,
    Map<String, List<GraphPath.State>> states)
    implements RunnableNetwork {
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

  @Override
  public float largestStart() {
    return StateTensors.largestStart(recurrent);
  }

  @Override
  public Map<String, long[]> shapes() {
    Map<String, long[]> shapes = new HashMap<>();
    output.ifPresent(port -> shapes.put(port.name(), port.shape()));
    StateTensors tensors = stateTensors();
    states.keySet().forEach(name -> shapes.put(name, tensors.shape(name)));
    return shapes;
  }

  private StateTensors stateTensors() {
    return new StateTensors(graph, recurrent, TensorLayout.size(batch), states);
  }

  /**
   * Runs every stream of the batch through a sequence, from the states and for the lengths that the
   * graph says.
   */
  @Override
  public Map<String, float[]> run(Plan plan) {
    OnnxTensor data =
        graph
            .constant(recurrent.getFirst().node(), input.name())
            .orElseThrow(() ->
                new OnnxFormatException(
                    graph.file(), "no value for the graph's input \"%s\"".formatted(input.name())));
    float[] values = model.readsTokens() ? new float[0] : data.floats();
    int[] ids = model.readsTokens() ? ids(data) : new int[0];
    int[] lengths = lengths();
    StateTensors tensors = stateTensors();
    Map<String, float[]> outputs = new HashMap<>();
    output.ifPresent(port -> outputs.put(port.name(), new float[size(port.shape())]));
    try (Sequence stream = Sequence.open(plan)) {
      for (int b = 0; b < lengths.length; b++) {
        if (lengths[b] == 0) {
          continue;
        }
        stream.reset();
        tensors.begin(b, stream::state);
        float[][] given =
            model.readsTokens()
                ? stream.run(tokens(ids, b, lengths[b]))
                : stream.run(steps(values, b, lengths[b]));
        int element = b;
        output.ifPresent(
            port -> write(given, port, Objects.requireNonNull(outputs.get(port.name())), element));
        tensors.end(b, stream::state);
      }
    }
    outputs.putAll(tensors.values());
    return outputs;
  }

  private static int size(long[] shape) {
    return Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
  }

  /** Numbers of rows; those below 0 count from the end. */
  private int[] ids(OnnxTensor data) {
    int[] ids = new int[data.size()];
    switch (data.data()) {
      case TensorData.Integers(long[] values) -> Arrays.setAll(ids, i -> id(values[i]));
      case TensorData.Floats(float[] values) -> Arrays.setAll(ids, i -> id((long) values[i]));
      case TensorData.Extents _ -> throw new AssertionError(data);
    }
    return ids;
  }

  private int id(long value) {
    long id = value < 0 ? value + model.inputs() : value;
    if (id < 0 || id >= model.inputs()) {
      throw new OnnxFormatException(
          graph.file(),
          "input \"%s\" holds %d, expected numbers of %d rows"
              .formatted(input.name(), value, model.inputs()));
    }
    return (int) id;
  }

  private int[] tokens(int[] ids, int b, int length) {
    int[] tokens = new int[length];
    TensorLayout layout = input.layout();
    Arrays.setAll(tokens, t -> ids[layout.at(batch, b) + layout.at(sequence, t)]);
    return tokens;
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
    if (Arrays.stream(lengths).anyMatch(length -> length == 0)
        && (!states.isEmpty() || answer != Answer.EVERY_STEP)) {
      throw recurrent
          .getFirst()
          .node()
          .unsupported(
              "sequence_lens has a 0, and a sequence of no step has no last state; supported is Y");
    }
    if (cut && answersByNumber) {
      throw new UnsupportedOnnxException(
          graph.file(),
          "sequence_lens cut a sequence short, and the graph reads its first or last step by number,"
              + " which is zero behind the end; supported are last states (Y_h) there");
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
      if (values[b] < 0 || values[b] > steps) {
        throw node.node()
            .malformed("sequence_lens[%d] is %d, expected 0 to %d".formatted(b, values[b], steps));
      }
      lengths[b] = (int) values[b];
    }
    return lengths;
  }
}
