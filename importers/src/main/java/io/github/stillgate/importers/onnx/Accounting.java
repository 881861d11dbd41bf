package io.github.stillgate.importers.onnx;

import io.github.stillgate.importers.onnx.Account.Part;
import io.github.stillgate.importers.onnx.TensorLayout.Axis;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Says of every input, output and state of a graph what became of it in the model. */
final class Accounting {
  private static final String NOT_READ = "not read by the model";

  private final Graph graph;
  private final List<RecurrentNode> recurrent;
  private final Map<String, String> inputs = new LinkedHashMap<>();
  private final Map<String, List<String>> inputStates = new LinkedHashMap<>();
  private final Map<String, String> outputs = new LinkedHashMap<>();
  private final Map<String, List<String>> outputStates = new LinkedHashMap<>();
  private final List<Account> lengths = new ArrayList<>();

  private Accounting(Graph graph, List<RecurrentNode> recurrent) {
    this.graph = graph;
    this.recurrent = recurrent;
    graph.inputs().stream().filter(graph::isGiven).forEach(name -> inputs.put(name, NOT_READ));
  }

  /**
   * Of a whole graph.
   *
   * @throws UnsupportedOnnxException if a sequence_lens ends sequences where a model would go on
   * @throws OnnxFormatException if one has another shape than the batch, or is longer than the
   *     steps
   */
  static List<Account> of(OnnxNetwork network) {
    Accounting accounting = new Accounting(network.graph(), network.recurrent());
    accounting.inputs.put(
        network.input().name(),
        "what the model reads, %d values a step"
            .formatted(TensorLayout.size(network.input().vector())));
    accounting.readLengths(network.sequence(), network.batch());
    network
        .output()
        .ifPresent(port ->
            accounting.outputs.put(
                port.name(),
                "the answer of layer %s, %s"
                    .formatted(network.model().layers().getLast().name(), at(network.answer()))));
    network.states().forEach((name, made) -> accounting.putStates(name, made, network));
    return accounting.all();
  }

  /** Of one node that is taken alone. */
  static List<Account> of(Graph graph, RecurrentNode node) {
    Accounting accounting = new Accounting(graph, List.of(node));
    String data = graph.source(node.node().input(0));
    if (accounting.inputs.containsKey(data)) {
      accounting.inputs.put(
          data, "what the model reads, %d values a step".formatted(node.inputs()));
    }
    if (!node.sequenceLens().isEmpty()) {
      accounting.sayEnds(node.sequenceLens());
    }
    for (String output : graph.outputs()) {
      Optional<Graph.Made> made =
          graph
              .made(graph.source(output))
              .filter(m -> m.node().position() == node.node().position());
      if (made.isPresent() && made.get().output() > 0) {
        List<String> names = node.stateNames(made.get().output() - 1);
        accounting.outputs.put(output, stateText(names));
        accounting.outputStates.put(output, names);
      } else if (made.isPresent()) {
        accounting.outputs.put(
            output,
            "the answer of layer %s, %s"
                .formatted(node.layer().name(), at(OnnxFile.Answer.EVERY_STEP)));
      } else {
        accounting.outputs.put(output, "not taken: only %s is".formatted(node.node()));
      }
    }
    return accounting.all();
  }

  private static String at(OnnxFile.Answer answer) {
    return switch (answer) {
      case EVERY_STEP -> "at every step";
      case LAST_STEP -> "at its last step only";
      case FIRST_STEP -> "at its first step only";
    };
  }

  private void putStates(String name, List<GraphPath.State> made, OnnxNetwork network) {
    List<String> names = new ArrayList<>();
    for (GraphPath.State state : made) {
      names.addAll(
          Objects.requireNonNull(network.byPosition().get(state.node().position()))
              .stateNames(state.state()));
    }
    RecurrentNode last = recurrent.getLast();
    boolean answer =
        network.output().isEmpty()
            && network.answer() != OnnxFile.Answer.EVERY_STEP
            && made.stream()
                .anyMatch(s -> s.state() == 0 && s.node().position() == last.node().position());
    outputs.put(
        name,
        stateText(names)
            + (answer
                ? ", which is the answer of layer %s, %s"
                    .formatted(last.layer().name(), at(network.answer()))
                : ""));
    outputStates.put(name, names);
  }

  private static String stateText(List<String> names) {
    return (names.size() == 1 ? "state " : "states ") + String.join(", ", names);
  }

  /** Lengths that change nothing are said, given ones are the caller's, others are refused. */
  private void readLengths(List<Axis> sequence, List<Axis> batch) {
    Set<String> seen = new HashSet<>();
    Optional<RecurrentNode> ended = Optional.empty();
    Optional<RecurrentNode> whole = Optional.empty();
    for (RecurrentNode node : recurrent) {
      String lens = node.sequenceLens();
      if (lens.isEmpty()) {
        whole = whole.or(() -> Optional.of(node));
        continue;
      }
      boolean first = seen.add(lens);
      if (graph.isGiven(lens)) {
        ended.ifPresent(other -> requireSame(other, node));
        ended = ended.or(() -> Optional.of(node));
        if (first) {
          sayEnds(lens);
        }
      } else if (first) {
        lengths.add(constantLengths(node, sequence, batch));
      }
    }
    if (ended.isPresent() && whole.isPresent()) {
      requireSame(ended.get(), whole.get());
    }
  }

  private static void requireSame(RecurrentNode ended, RecurrentNode other) {
    if (!ended.sequenceLens().equals(other.sequenceLens())) {
      throw other
          .node()
          .unsupported(
              "its sequences do not end where sequence_lens (\"%s\") ends those of %s; supported is"
                      .formatted(ended.sequenceLens(), ended.node())
                  + " the same for all");
    }
  }

  private void sayEnds(String lens) {
    if (inputs.containsKey(lens)) {
      inputs.put(lens, "where the caller ends each sequence");
    }
  }

  private Account constantLengths(RecurrentNode node, List<Axis> sequence, List<Axis> batch) {
    String lens = node.sequenceLens();
    OnnxTensor tensor =
        graph
            .constant(node.node(), lens)
            .orElseThrow(() ->
                node.node()
                    .unsupported(
                        "sequence_lens (\"%s\") is computed by %s, and a model cannot tell where it ends"
                                .formatted(lens, graph.producer(lens).orElseThrow())
                            + " sequences; leave it out if they are whole, make it an input of the"
                            + " graph, or import this node alone"));
    int[] shape = tensor.shape();
    boolean batchKnown = GraphChain.isKnown(batch);
    if (shape.length != 1 || batchKnown && shape[0] != TensorLayout.size(batch)) {
      throw node.node()
          .malformed(
              "sequence_lens is %s, expected [%s]"
                  .formatted(tensor, batchKnown ? TensorLayout.size(batch) : "batch"));
    }
    long[] values = tensor.integers();
    long least = Arrays.stream(values).min().orElseThrow();
    long most = Arrays.stream(values).max().orElseThrow();
    boolean stepsKnown = GraphChain.isKnown(sequence);
    int steps = TensorLayout.size(sequence);
    if (least < 0 || stepsKnown && most > steps) {
      throw node.node()
          .malformed(
              "sequence_lens lies within %d and %d, expected 0 to %s"
                  .formatted(least, most, stepsKnown ? steps : "the steps"));
    }
    if (least != most || least == 0 || stepsKnown && least < steps) {
      throw node.node()
          .unsupported(
              "sequence_lens is the constant \"%s\" of %d to %d steps%s; a model reads whole sequences,"
                      .formatted(lens, least, most, stepsKnown ? " in sequences of " + steps : "")
                  + " so cut them to one length, or make it an input of the graph");
    }
    return new Account(
        Part.LENGTHS,
        lens,
        List.of(),
        stepsKnown
            ? "%d, the whole sequence; changes nothing".formatted(least)
            : "%d; the graph ends each sequence there, and so must the caller".formatted(least));
  }

  private List<Account> all() {
    List<Account> kept = new ArrayList<>();
    for (RecurrentNode node : recurrent) {
      for (int state = 0; state < node.states(); state++) {
        List<String> names = node.stateNames(state);
        String begins = begins(node, state, names);
        names.forEach(name -> kept.add(new Account(Part.STATE, name, List.of(name), begins)));
      }
    }
    List<Account> all = new ArrayList<>();
    inputs.forEach((name, text) -> {
      List<String> set = inputStates.getOrDefault(name, List.of());
      String states = set.isEmpty() ? text : stateText(set) + ", to set; zero after a reset";
      all.add(new Account(Part.INPUT, name, set, states));
    });
    for (String name : graph.outputs()) {
      all.add(
          new Account(
              Part.OUTPUT,
              name,
              outputStates.getOrDefault(name, List.of()),
              outputs.getOrDefault(name, "not taken")));
    }
    all.addAll(kept);
    all.addAll(lengths);
    all.addAll(unused());
    return List.copyOf(all);
  }

  /** What a state begins with; an input that says it is told so too. */
  private String begins(RecurrentNode node, int state, List<String> names) {
    String initial = graph.source(node.initialName(state));
    if (initial.isEmpty()) {
      return "zero after a reset";
    }
    if (inputs.containsKey(initial)) {
      List<String> set = inputStates.computeIfAbsent(initial, _ -> new ArrayList<>());
      set.addAll(names);
      return "zero after a reset, or set as the input \"%s\" says".formatted(initial);
    }
    return graph.isComputed(initial) && !node.beginsWithZero(state)
        ? "zero after a reset; the graph computes it (\"%s\"), so set it".formatted(initial)
        : "zero after a reset, as \"%s\" is".formatted(initial);
  }

  /** Recurrent nodes that no output needs, or that were not asked for. */
  private List<Account> unused() {
    Set<Integer> used =
        recurrent.stream().map(node -> node.node().position()).collect(Collectors.toSet());
    return graph.nodes().stream()
        .filter(
            node -> RecurrentNode.isRecurrent(node.operator()) && !used.contains(node.position()))
        .map(node ->
            new Account(
                Part.NODE,
                node.name(),
                List.of(),
                "not taken, no output that was taken needs this %s".formatted(node.operator())))
        .toList();
  }
}
