package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Graph.Value;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.importers.onnx.OnnxFile.Answer;
import io.github.stillgate.importers.onnx.SequenceAxes.Timing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A graph as a model over named values, with account of where in its tensors steps and streams are.
 *
 * @param graph what it was read from, its inputs with values if they were bound
 * @param wide the same, where steps and streams are open sizes if there are several
 * @param axes of steps and streams; empty if a call of the graph is one step of one stream
 * @param model the network; its inputs and outputs are named as the graph's
 * @param recurrent the nodes that keep a state
 * @param within recurrent nodes that begin anew in each call
 * @param states the outputs made of last states, and the states
 * @param timings of all outputs
 * @param kept inputs that are states, and what replaces them
 * @param doubts inputs that may be states, and the outputs that may replace them
 */
record GraphNetwork(
    Graph graph,
    Graph wide,
    Optional<SequenceAxes> axes,
    Model model,
    List<RecurrentNode> recurrent,
    List<RecurrentNode> within,
    Map<String, List<GraphPath.State>> states,
    Map<String, Timing> timings,
    Map<String, StatePairing.Pair> kept,
    Map<String, List<String>> doubts)
    implements RunnableNetwork {
  /** A tensor, and which of its dimensions hold steps and streams, -1 for none. */
  private record Port(int[] shape, int steps, int batch) {
    private int size(int dimension) {
      return dimension < 0 ? 1 : shape[dimension];
    }

    private int stride(int dimension) {
      int stride = 1;
      for (int i = dimension + 1; i < shape.length; i++) {
        stride *= shape[i];
      }
      return dimension < 0 ? 0 : stride;
    }

    private int elements() {
      return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }

    /** Where the values of step t of stream b stand, in their order. */
    int[] at(int t, int b) {
      int begin = t * stride(steps) + b * stride(batch);
      int[] at = new int[elements() / size(steps) / size(batch)];
      int found = 0;
      for (int i = 0; found < at.length; i++) {
        int step = steps < 0 ? 0 : i / stride(steps) % size(steps);
        int stream = batch < 0 ? 0 : i / stride(batch) % size(batch);
        if (step == 0 && stream == 0) {
          at[found++] = begin + i;
        }
      }
      return at;
    }
  }

  private Port port(String value, int[] shape) {
    return new Port(
        shape,
        axes.map(found -> found.steps(value)).orElse(-1),
        axes.map(found -> found.batch(value)).orElse(-1));
  }

  private int[] shape(String value) {
    return graph
        .folding()
        .shape(value)
        .flatMap(Extent::known)
        .map(sizes -> Arrays.stream(sizes).mapToInt(Math::toIntExact).toArray())
        .orElseThrow(() ->
            new UnsupportedOnnxException(
                graph.file(),
                "the shape of \"%s\" does not follow from the file".formatted(value)));
  }

  /** Outputs that the model gives. */
  private List<String> values() {
    return graph.outputs().stream()
        .filter(output -> !states.containsKey(output) && !replacesState(output))
        .toList();
  }

  /** Whether an output is what a state becomes after a step. */
  boolean replacesState(String output) {
    return kept.values().stream().anyMatch(pair -> pair.output().equals(output));
  }

  /** Whether the model reads an input that is a state; it loses one that nothing needs. */
  boolean keeps(String input) {
    return model.graph().states().stream().anyMatch(state -> state.name().equals(input));
  }

  @Override
  public Map<String, long[]> shapes() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    graph
        .outputs()
        .forEach(name -> shapes.put(name, Arrays.stream(shape(name)).asLongStream().toArray()));
    return shapes;
  }

  /**
   * Runs every stream through the sequence, or one call.
   *
   * @return the graph's outputs by name, row-major
   */
  @Override
  public Map<String, float[]> run(Plan plan) {
    Map<String, Port> ports = new LinkedHashMap<>();
    Map<String, float[]> data = new HashMap<>();
    int steps = 1;
    int streams = 1;
    for (Value input : model.graph().inputs()) {
      OnnxTensor tensor = given(input.name());
      Port port = port(input.name(), tensor.shape());
      ports.put(input.name(), port);
      data.put(input.name(), tensor.floats());
      steps = Math.max(steps, port.size(port.steps()));
      streams = Math.max(streams, port.size(port.batch()));
    }
    Map<String, float[]> outputs = new LinkedHashMap<>();
    for (String output : values()) {
      Port port = port(output, shape(output));
      ports.put(output, port);
      outputs.put(output, new float[port.elements()]);
    }
    StateTensors tensors = new StateTensors(graph, boundNodes(), streams, states);
    try (Session session = Session.open(plan)) {
      for (int b = 0; b < streams; b++) {
        session.reset();
        tensors.begin(b, session::state);
        for (String input : kept.keySet()) {
          if (keeps(input)) {
            session.state(input, given(input).floats());
          }
        }
        for (int t = 0; t < steps; t++) {
          step(session, ports, data, outputs, t, b);
        }
        tensors.end(b, session::state);
        kept.forEach((input, pair) -> {
          if (!keeps(input)) {
            throw new UnsupportedOnnxException(
                graph.file(),
                "output \"%s\" replaces the state \"%s\", which nothing reads"
                    .formatted(pair.output(), input));
          }
          outputs.put(pair.output(), session.state(input));
        });
      }
    }
    outputs.putAll(tensors.values());
    return outputs;
  }

  private OnnxTensor given(String input) {
    return graph
        .constant(graph.nodes().getFirst(), input)
        .orElseThrow(() ->
            new OnnxFormatException(
                graph.file(), "no value for the graph's input \"%s\"".formatted(input)));
  }

  @Override
  public float largestStart() {
    return StateTensors.largestStart(boundNodes());
  }

  private void step(
      Session session,
      Map<String, Port> ports,
      Map<String, float[]> data,
      Map<String, float[]> outputs,
      int t,
      int b) {
    data.forEach((name, tensor) -> {
      int[] at = at(ports, name, t, b);
      float[] values = new float[at.length];
      for (int i = 0; i < at.length; i++) {
        values[i] = tensor[at[i]];
      }
      session.set(name, values);
    });
    session.step();
    outputs.forEach((name, tensor) -> {
      int[] at = at(ports, name, t, b);
      float[] values = new float[at.length];
      session.get(name, values);
      for (int i = 0; i < at.length; i++) {
        tensor[at[i]] = values[i];
      }
    });
  }

  private static int[] at(Map<String, Port> ports, String name, int t, int b) {
    return Objects.requireNonNull(ports.get(name)).at(t, b);
  }

  /** The recurrent nodes with the values of the graph's inputs. */
  private List<RecurrentNode> boundNodes() {
    StartStates starts =
        new StartStates(
            graph, axes.isPresent() ? StatePlumbing.of(graph) : StatePlumbing.ofStep(graph));
    List<RecurrentNode> nodes = new ArrayList<>();
    for (RecurrentNode node : recurrent) {
      nodes.add(
          RecurrentNode.read(
                  graph.nodes().get(node.node().position()),
                  graph,
                  starts,
                  new Budget(graph.fileBytes()),
                  Optional.empty())
              .at(node.positions()));
    }
    return nodes;
  }

  /** Whether sizes of an input are open, but for that of the streams, which stands first. */
  boolean countsOpenSizes(String input) {
    return axes.isEmpty()
        && graph
            .sizes(input)
            .map(sizes -> !sizes.stream().skip(1).allMatch(Extent::isKnown))
            .orElse(true);
  }

  /** The node of a state. */
  RecurrentNode node(GraphPath.State state) {
    return recurrent.stream()
        .filter(node -> node.node().position() == state.node().position())
        .findFirst()
        .orElseThrow();
  }

  /** At which step the outputs are the graph's: the last if all of them are. */
  Answer answer() {
    return values().stream().allMatch(name -> timings.get(name) == Timing.LAST_STEP)
        ? Answer.LAST_STEP
        : Answer.EVERY_STEP;
  }
}
