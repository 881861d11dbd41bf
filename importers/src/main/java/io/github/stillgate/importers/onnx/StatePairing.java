package io.github.stillgate.importers.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which inputs of a graph that is called once a step hold what one of its outputs gave in the step
 * before, other than the states of its recurrent nodes: what a convolution keeps of the frames
 * before, say. Two things make it plain, each for an input and an output of equal shape:
 *
 * <ul>
 *   <li>their names: {@code conv_cache} and {@code conv_cache_out}, {@code state} and {@code
 *       stateN}. One word of the name must say that it is a state, since {@code audio_in} and
 *       {@code audio_out} are none;
 *   <li>how values move: the output is the input moved on by one distance, with values of this step
 *       behind or before.
 * </ul>
 *
 * <p>Whatever fits two others, or by name another than by its values, is left as it is. What a step
 * reads may move on in an output, too, so moves alone say it only where shapes leave nothing else:
 * of the inputs and outputs of one shape that names do not pair, each must fit exactly one.
 */
final class StatePairing {
  /** Words for what is kept. */
  private static final Set<String> STATES =
      Set.of(
          "buf",
          "buffer",
          "c",
          "cache",
          "caches",
          "cell",
          "context",
          "ctx",
          "cx",
          "h",
          "hc",
          "hidden",
          "hist",
          "history",
          "hx",
          "lookback",
          "mem",
          "memory",
          "past",
          "present",
          "state",
          "states");

  private static final Set<String> INPUT_WORDS =
      Set.of("in", "input", "old", "past", "prev", "previous");
  private static final Set<String> OUTPUT_WORDS =
      Set.of("n", "new", "next", "o", "out", "output", "present", "updated");

  /**
   * An input that is a state.
   *
   * @param output what replaces it after each step
   * @param why it is one, for people
   */
  record Pair(String output, String why) {}

  /**
   * What was found.
   *
   * @param pairs by input
   * @param doubts by input the outputs that could replace it, where nothing says which, or that one
   *     does
   */
  record Found(Map<String, Pair> pairs, Map<String, List<String>> doubts) {
    /** Of a graph of which nothing is looked for. */
    static final Found NOTHING = new Found(Map.of(), Map.of());
  }

  private final Graph graph;
  private final StatePlumbing plumbing;
  private final List<String> inputs;
  private final List<String> outputs;

  private StatePairing(
      Graph graph, StatePlumbing plumbing, List<String> inputs, List<String> outputs) {
    this.graph = graph;
    this.plumbing = plumbing;
    this.inputs = inputs;
    this.outputs = outputs;
  }

  /**
   * Finds them.
   *
   * @param graph one step
   * @param inputs that hold no state of a recurrent node, and are read
   * @param outputs that are made of none
   */
  static Found of(Graph graph, StatePlumbing plumbing, List<String> inputs, List<String> outputs) {
    return new StatePairing(graph, plumbing, inputs, outputs).pairs();
  }

  private Found pairs() {
    Map<String, List<String>> named = new LinkedHashMap<>();
    Map<String, List<String>> moved = new LinkedHashMap<>();
    Map<String, List<String>> fits = new LinkedHashMap<>();
    for (String input : inputs) {
      List<String> shaped = outputs.stream().filter(output -> isSameShape(input, output)).toList();
      List<String> byName = shaped.stream().filter(o -> isNamedAfter(input, o)).toList();
      List<String> byMoves = shaped.stream().filter(o -> plumbing.movesOn(input, o)).toList();
      named.put(input, byName);
      moved.put(input, byMoves);
      fits.put(
          input, shaped.stream().filter(o -> byName.contains(o) || byMoves.contains(o)).toList());
    }
    Map<String, Pair> pairs = new LinkedHashMap<>();
    fits.forEach((input, all) -> {
      if (all.size() == 1 && named.get(input).equals(all) && isOnlyIn(fits, all.getFirst())) {
        pairs.put(input, new Pair(all.getFirst(), why(true, !moved.get(input).isEmpty())));
      }
    });
    Set<String> taken = new HashSet<>();
    pairs.values().forEach(pair -> taken.add(pair.output()));
    List<String> openInputs = inputs.stream().filter(input -> !pairs.containsKey(input)).toList();
    List<String> openOutputs = outputs.stream().filter(output -> !taken.contains(output)).toList();
    for (String input : openInputs) {
      List<String> all = fits.get(input);
      boolean isPlain =
          openOutputs.stream()
                  .filter(output -> isSameShape(input, output))
                  .allMatch(output -> isOnlyIn(fits, output))
              && openInputs.stream()
                  .filter(other -> all.stream().anyMatch(output -> isSameShape(other, output)))
                  .allMatch(other -> fits.get(other).size() == 1 && named.get(other).isEmpty());
      if (all.size() == 1 && isPlain) {
        pairs.put(input, new Pair(all.getFirst(), why(false, true)));
      }
    }
    // A graph that reads nothing but what it gave before has no input that could move it.
    if (pairs.size() == inputs.size()) {
      pairs.clear();
    }
    fits.keySet().removeAll(pairs.keySet());
    fits.values().removeIf(List::isEmpty);
    return new Found(pairs, fits);
  }

  private static boolean isOnlyIn(Map<String, List<String>> fits, String output) {
    return fits.values().stream().filter(all -> all.contains(output)).count() == 1;
  }

  private static String why(boolean names, boolean moves) {
    return names && moves
        ? "by their names, and its values move on in it"
        : names ? "by their names" : "since its values move on in it";
  }

  private boolean isSameShape(String input, String output) {
    Optional<long[]> in = graph.sizes(input).flatMap(Extent::known);
    Optional<long[]> out = graph.folding().shape(output).flatMap(Extent::known);
    return in.isPresent() && out.isPresent() && Arrays.equals(in.get(), out.get());
  }

  /** Whether names differ in no more than that one says input and one says output. */
  static boolean isNamedAfter(String input, String output) {
    List<String> in = words(input);
    List<String> out = words(output);
    boolean isState =
        in.stream().anyMatch(StatePairing::isState) || out.stream().anyMatch(StatePairing::isState);
    if (!isState) {
      return false;
    }
    for (List<String> base : without(in, INPUT_WORDS)) {
      for (List<String> other : without(out, OUTPUT_WORDS)) {
        if (base.equals(other) && !base.isEmpty() && (base != in || other != out)) {
          return true;
        }
      }
    }
    return false;
  }

  private static boolean isState(String word) {
    return STATES.contains(word.replaceAll("[0-9]+$", ""));
  }

  /** In small letters; digits and letters behind a change of case begin a new word. */
  private static List<String> words(String name) {
    List<String> words = new ArrayList<>();
    for (String word : name.split("[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])", -1)) {
      if (!word.isEmpty()) {
        words.add(word.toLowerCase(Locale.ROOT));
      }
    }
    return words;
  }

  /** The words, and the words without one of those in {@code taken}; h0 and hn are h, too. */
  private static List<List<String>> without(List<String> words, Set<String> taken) {
    List<List<String>> all = new ArrayList<>(List.of(words));
    for (int i = 0; i < words.size(); i++) {
      if (taken.contains(words.get(i))) {
        List<String> rest = new ArrayList<>(words);
        rest.remove(i);
        all.add(rest);
      }
    }
    String last = words.isEmpty() ? "" : words.getLast();
    String number = taken.equals(OUTPUT_WORDS) ? "n" : "0";
    if (last.length() > 1 && last.endsWith(number)) {
      List<String> rest = new ArrayList<>(words);
      rest.set(rest.size() - 1, last.substring(0, last.length() - 1));
      all.add(rest);
    }
    return all;
  }
}
