package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Graph.Value;
import io.github.stillgate.importers.onnx.Account.Part;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/** Says of every input, output and state of a graph what became of it in the model. */
final class Accounting {
  private static final String NOT_READ = "not read by the model";

  private final Graph graph;
  private final List<RecurrentNode> recurrent;
  private final Map<String, String> inputs = new LinkedHashMap<>();
  private final Map<String, Map<String, Place>> inputStates = new LinkedHashMap<>();
  private final Map<String, String> outputs = new LinkedHashMap<>();
  private final Map<String, List<String>> outputStates = new LinkedHashMap<>();
  private final Map<String, Map<String, Place>> outputPlaces = new LinkedHashMap<>();
  private final List<Account> lengths = new ArrayList<>();
  private final List<OnnxFile.StatePair> pairs = new ArrayList<>();
  private final Set<Integer> within = new HashSet<>();
  private final String data;

  private Accounting(Graph graph, List<RecurrentNode> recurrent, String data) {
    this.graph = graph;
    this.recurrent = recurrent;
    this.data = data;
    graph.inputs().stream().filter(graph::isGiven).forEach(name -> inputs.put(name, NOT_READ));
  }

  /**
   * Of a whole graph.
   *
   * @throws UnsupportedOnnxException if a sequence_lens ends sequences where a model would go on
   * @throws OnnxFormatException if one has another shape than the batch, or is longer than the
   *     steps
   */
  static Accounting of(OnnxNetwork network) {
    Accounting accounting =
        new Accounting(network.graph(), network.recurrent(), network.input().name());
    accounting.inputs.put(
        network.input().name(),
        network.model().readsTokens()
            ? "what the model reads, one of %d tokens a step".formatted(network.model().inputs())
            : "what the model reads, %d values a step"
                .formatted(TensorLayout.size(network.input().vector())));

    boolean ended =
        accounting.readLengths(
            GraphChain.isKnown(network.sequence())
                ? OptionalInt.of(TensorLayout.size(network.sequence()))
                : OptionalInt.empty());
    if (ended && network.answersByNumber()) {
      throw new UnsupportedOnnxException(
          network.graph().file(),
          "sequence_lens end sequences, and the graph reads their first or last step by its number,"
              + " which is zero behind an end; supported are last states (Y_h) there");
    }
    network
        .output()
        .ifPresent(port ->
            accounting.outputs.put(
                port.name(),
                "the answer of layer %s, %s"
                    .formatted(network.model().layers().getLast().name(), at(network.answer()))));
    network.states().forEach((name, made) -> accounting.putStates(name, made, network));
    accounting.sayFixed();
    return accounting;
  }

  /** Of a graph of layers over named values. */
  static Accounting of(GraphNetwork network) {
    Accounting accounting = new Accounting(network.wide(), network.recurrent(), "");
    for (Value input : network.model().graph().inputs()) {
      accounting.inputs.put(
          input.name(),
          "the model's input of this name, %d %s a step%s%s"
              .formatted(
                  input.width(),
                  input.width() == 1 ? "value" : "values",
                  network.countsOpenSizes(input.name())
                      ? "; sizes that the file leaves open count as 1 (--shape says others)"
                      : "",
                  doubt(input.name(), network.doubts().getOrDefault(input.name(), List.of()))));
    }
    network.within().forEach(node -> accounting.within.add(node.node().position()));
    network
        .timings()
        .forEach((output, timing) -> {
          if (network.states().containsKey(output)) {
            accounting.putStates(output, network);
          } else if (network.replacesState(output)) {
            accounting.outputs.put(output, "replaces a state of the model after each step");
          } else {
            accounting.outputs.put(
                output,
                "the model's output of this name, %s"
                    .formatted(
                        timing == SequenceAxes.Timing.LAST_STEP
                            ? at(OnnxFile.Answer.LAST_STEP)
                            : at(OnnxFile.Answer.EVERY_STEP)));
          }
        });
    network
        .kept()
        .forEach((input, pair) -> {
          accounting.inputs.put(
              input,
              network.keeps(input)
                  ? "a state of the model, zero after a reset; it becomes \"%s\" after each step (%s)"
                      .formatted(pair.output(), pair.why())
                  : NOT_READ);
          accounting.pairs.add(new OnnxFile.StatePair(input, pair.output()));
        });
    accounting.sayFixed();
    return accounting;
  }

  private static String doubt(String input, List<String> outputs) {
    return outputs.isEmpty()
        ? ""
        : "; if it is a state, say what replaces it: "
            + outputs.stream()
                .map(output -> "--state %s=%s".formatted(input, output))
                .collect(Collectors.joining(" or "));
  }

  private void putStates(String name, GraphNetwork network) {
    List<String> names = new ArrayList<>();
    Map<String, Place> places = new LinkedHashMap<>();
    for (GraphPath.State state : network.states().getOrDefault(name, List.of())) {
      names.addAll(network.node(state).stateNames(state.state()));
    }
    (network.axes().isPresent() ? StatePlumbing.of(graph) : StatePlumbing.ofStep(graph))
        .statesOf(name)
        .ifPresent(traced ->
            traced.forEach((state, each) ->
                putPlaces(network.node(state).stateNames(state.state()), each, places)));
    outputPlaces.put(name, places);
    outputs.put(name, stateText(names, places));
    outputStates.put(name, names);
  }

  /**
   * Of one node that is taken alone.
   *
   * @param steps of its sequences; empty if the graph does not say it
   * @throws UnsupportedOnnxException as for a whole graph, but lengths that the graph computes are
   *     where the caller ends each sequence
   * @throws OnnxFormatException as for a whole graph
   */
  static Accounting of(Graph graph, RecurrentNode node, OptionalInt steps) {
    String data = graph.source(node.node().input(0));
    Accounting accounting = new Accounting(graph, List.of(node), data);
    if (accounting.inputs.containsKey(data)) {
      accounting.inputs.put(
          data, "what the model reads, %d values a step".formatted(node.inputs()));
    }
    if (graph.isComputed(node.sequenceLens())) {
      accounting.sayComputed(node.sequenceLens());
    } else {
      accounting.readLengths(steps);
    }
    for (String output : graph.outputs()) {
      Optional<Graph.Made> made =
          graph
              .made(graph.source(output))
              .filter(m -> m.node().position() == node.node().position());
      if (made.isPresent() && made.get().output() > 0) {
        List<String> names = node.stateNames(made.get().output() - 1);
        accounting.outputs.put(output, accounting.stateText(names));
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
    accounting.sayFixed();
    return accounting;
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
    Map<String, Place> places = new LinkedHashMap<>();
    network
        .plumbing()
        .statesOf(name)
        .ifPresent(traced ->
            traced.forEach((state, each) ->
                putPlaces(
                    Objects.requireNonNull(network.byPosition().get(state.node().position()))
                        .stateNames(state.state()),
                    each,
                    places)));
    outputPlaces.put(name, places);
    RecurrentNode last = recurrent.getLast();
    boolean answer =
        network.output().isEmpty()
            && network.answer() != OnnxFile.Answer.EVERY_STEP
            && made.stream()
                .anyMatch(s -> s.state() == 0 && s.node().position() == last.node().position());
    outputs.put(
        name,
        stateText(names, places)
            + (answer
                ? ", which is the answer of layer %s, %s"
                    .formatted(last.layer().name(), at(network.answer()))
                : ""));
    outputStates.put(name, names);
  }

  private static void putPlaces(List<String> names, List<Place> each, Map<String, Place> places) {
    for (int i = 0; i < Math.min(names.size(), each.size()); i++) {
      places.put(names.get(i), each.get(i));
    }
  }

  private String stateText(List<String> names) {
    return stateText(names, Map.of());
  }

  /** Names of states, with their places where one value holds several. */
  private String stateText(List<String> names, Map<String, Place> places) {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < names.size(); ) {
      List<String> each = together(names, i);
      Optional<Place> place = Place.around(each.stream().map(places::get).toList());
      String name = named(each);
      all.add(
          place.isEmpty() || place.get().isAll() ? name : "%s (%s)".formatted(name, place.get()));
      i += each.size();
    }
    return (names.size() == 1 ? "state " : "states ") + String.join(", ", all);
  }

  /** The states of all positions of a node, if they stand in a list from there on; else one. */
  private List<String> together(List<String> names, int from) {
    for (RecurrentNode node : recurrent) {
      for (int state = 0; node.positions() > 1 && state < node.states(); state++) {
        List<String> each = node.stateNames(state);
        if (from + each.size() <= names.size()
            && names.subList(from, from + each.size()).equals(each)) {
          return each;
        }
      }
    }
    return List.of(names.get(from));
  }

  private static String named(List<String> names) {
    return names.size() == 1
        ? names.getFirst()
        : "%s to %s".formatted(names.getFirst(), names.getLast());
  }

  /** What the caller has to know to carry the states of an input from one call to the next. */
  private String feedback(String input, Map<String, Place> states) {
    List<String> giving = new ArrayList<>();
    Set<String> given = new HashSet<>();
    for (Map.Entry<String, List<String>> output : outputStates.entrySet()) {
      if (!Set.copyOf(output.getValue()).equals(states.keySet())) {
        if (output.getValue().stream().anyMatch(states::containsKey)) {
          giving.add("\"%s\"".formatted(output.getKey()));
          given.addAll(output.getValue());
        }
        continue;
      }
      boolean same = isSamePlace(states, outputPlaces.getOrDefault(output.getKey(), Map.of()));
      if (same) {
        pairs.add(new OnnxFile.StatePair(input, output.getKey()));
      }
      return "output \"%s\" gives %s back%s"
          .formatted(
              output.getKey(),
              states.size() == 1 ? "it" : "them",
              same ? " in the same places" : ", in another order");
    }
    return given.containsAll(states.keySet())
        ? "outputs %s give them back".formatted(String.join(", ", giving))
        : "no output gives %s back".formatted(states.size() == 1 ? "it" : "all of them");
  }

  private static boolean isSamePlace(Map<String, Place> in, Map<String, Place> out) {
    return in.entrySet().stream()
        .allMatch(entry -> {
          Place place = out.get(entry.getKey());
          return place != null && place.ranges().equals(entry.getValue().ranges());
        });
  }

  /**
   * Where sequences end in a node.
   *
   * @param lens name of the input that says it; empty if they are whole
   * @param steps the same for all; empty if the caller says it
   */
  private record End(String lens, OptionalInt steps) {
    static final End WHOLE = new End("", OptionalInt.empty());

    /** Lengths of other names may be the same. */
    boolean isThatOf(End other) {
      return steps.isPresent() ? steps.equals(other.steps) : equals(other);
    }

    /** For messages. */
    @Override
    public String toString() {
      return lens.isEmpty()
          ? "whole sequences"
          : "sequence_lens (\"%s\"%s)"
              .formatted(lens, steps.isPresent() ? ", %d steps".formatted(steps.getAsInt()) : "");
    }
  }

  /**
   * Lengths that change nothing are said, given ones are the caller's, others are refused.
   *
   * @return whether any sequence may end before its last step
   */
  private boolean readLengths(OptionalInt steps) {
    Map<String, End> ends = new HashMap<>();
    List<End> each = new ArrayList<>();
    for (RecurrentNode node : recurrent) {
      String lens = node.sequenceLens();
      End known = ends.get(lens);
      End end = known == null ? end(node, steps) : known;
      ends.put(lens, end);
      each.add(end);
    }
    int ended = 0;
    while (ended < each.size() && each.get(ended).equals(End.WHOLE)) {
      ended++;
    }
    for (int i = 0; ended < each.size() && i < each.size(); i++) {
      if (!each.get(i).isThatOf(each.get(ended))) {
        throw recurrent
            .get(i)
            .node()
            .unsupported(
                "its sequences do not end where %s ends those of %s, it reads %s; supported is the"
                        .formatted(each.get(ended), recurrent.get(ended).node(), each.get(i))
                    + " same for all");
      }
    }
    return ended < each.size();
  }

  private End end(RecurrentNode node, OptionalInt steps) {
    String lens = node.sequenceLens();
    if (lens.isEmpty()) {
      return End.WHOLE;
    }
    if (!graph.isGiven(lens)) {
      return constantEnd(node, steps);
    }
    if (lens.equals(data)) {
      throw node.node()
          .malformed("sequence_lens is \"%s\", the values that the model reads".formatted(lens));
    }
    inputs.put(lens, "where the caller ends each sequence");
    return new End(lens, OptionalInt.empty());
  }

  /** Refuses lengths that are not all one; whole sequences if they change nothing. */
  private End constantEnd(RecurrentNode node, OptionalInt steps) {
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
    long[] values = tensor.integers();
    long least = Arrays.stream(values).min().orElseThrow();
    long most = Arrays.stream(values).max().orElseThrow();
    long longest = steps.isPresent() ? steps.getAsInt() : Integer.MAX_VALUE;
    if (least < 0 || most > longest) {
      throw node.node()
          .malformed(
              "sequence_lens lies within %d and %d, expected 0 to %s"
                  .formatted(least, most, steps.isPresent() ? longest : "the steps"));
    }
    if (least != most || least == 0 || steps.isPresent() && least < longest) {
      throw node.node()
          .unsupported(
              "sequence_lens is the constant \"%s\" of %d to %d steps%s; a model reads whole sequences,"
                      .formatted(
                          lens, least, most, steps.isPresent() ? " in sequences of " + longest : "")
                  + " so cut them to one length, or make it an input of the graph");
    }
    lengths.add(
        new Account(
            Part.LENGTHS,
            lens,
            List.of(),
            steps.isPresent()
                ? "%d, the whole sequence; changes nothing".formatted(least)
                : "%d; the graph ends each sequence there, and so must the caller"
                    .formatted(least)));
    return steps.isPresent() ? End.WHOLE : new End(lens, OptionalInt.of((int) least));
  }

  /** Lengths that the graph computes: a node that is taken alone leaves them to the caller. */
  private void sayComputed(String lens) {
    lengths.add(
        new Account(
            Part.LENGTHS,
            lens,
            List.of(),
            "computed by %s; the caller ends each sequence there"
                .formatted(graph.producer(lens).orElseThrow())));
    Deque<String> open = new ArrayDeque<>(List.of(lens));
    Set<String> seen = new HashSet<>();
    while (!open.isEmpty()) {
      String value = open.removeLast();
      if (seen.add(value)) {
        inputs.replace(
            value,
            NOT_READ,
            NOT_READ + "; the lengths \"%s\" are computed from it".formatted(lens));
        graph.producer(value).ifPresent(node -> open.addAll(node.proto().getInputList()));
      }
    }
  }

  private void sayFixed() {
    graph
        .fixed()
        .forEach((name, tensor) ->
            inputs.put(
                name,
                "fixed at %s"
                    .formatted(
                        switch (tensor.data()) {
                          case TensorData.Floats(float[] values) -> Arrays.toString(values);
                          case TensorData.Integers(long[] values) -> Arrays.toString(values);
                          case TensorData.Extents extents -> extents.toString();
                        })));
  }

  /** Inputs of states and the outputs that give them back in the same places. */
  List<OnnxFile.StatePair> pairs() {
    return List.copyOf(pairs);
  }

  /** One for each part; {@link #pairs} are found with them. */
  List<Account> all() {
    List<Account> kept = new ArrayList<>();
    for (RecurrentNode node : recurrent) {
      for (int state = 0; state < node.states(); state++) {
        List<String> names = node.stateNames(state);
        String begins = begins(node, state, names);
        if (node.positions() > 1) {
          kept.add(new Account(Part.STATE, named(names), names, begins));
        } else {
          names.forEach(name -> kept.add(new Account(Part.STATE, name, List.of(name), begins)));
        }
      }
    }
    List<Account> all = new ArrayList<>();
    if (graph.opset() > Graph.NEWEST_OPSET) {
      all.add(
          new Account(
              Part.OPERATORS,
              Long.toString(graph.opset()),
              List.of(),
              "a version newer than %d, whose definitions are used; check with --verify"
                  .formatted(Graph.NEWEST_OPSET)));
    }
    inputs.forEach((name, text) -> {
      Map<String, Place> set = inputStates.getOrDefault(name, Map.of());
      List<String> states = List.copyOf(set.keySet());
      all.add(
          new Account(
              Part.INPUT,
              name,
              states,
              set.isEmpty()
                  ? text
                  : "%s, to set; zero after a reset; %s"
                      .formatted(stateText(states, set), feedback(name, set))));
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
    Optional<List<Place>> origin =
        node.beginsWithZero(state) ? Optional.empty() : node.origin(state);
    if (origin.isPresent()) {
      String input = origin.get().getFirst().value();
      putPlaces(
          names, origin.get(), inputStates.computeIfAbsent(input, _ -> new LinkedHashMap<>()));
      return "zero after a reset, or set as the input \"%s\" says".formatted(input);
    }
    if (node.initialState(state).isPresent()) {
      return "the constant \"%s\" after a reset".formatted(initial);
    }
    return graph.isComputed(initial) && !node.beginsWithZero(state)
        ? "zero after a reset; the graph computes it (\"%s\"), so set it".formatted(initial)
        : "zero after a reset, as \"%s\" is".formatted(initial);
  }

  /** Recurrent nodes that no output needs, or that were not asked for. */
  private List<Account> unused() {
    Set<Integer> used =
        recurrent.stream().map(node -> node.node().position()).collect(Collectors.toSet());
    used.addAll(within);
    return graph.nodes().stream()
        .filter(node ->
            RecurrentOperator.isRecurrent(node.operator()) && !used.contains(node.position()))
        .map(node ->
            new Account(
                Part.NODE,
                node.name(),
                List.of(),
                "not taken, no output that was taken needs this %s".formatted(node.operator())))
        .toList();
  }
}
